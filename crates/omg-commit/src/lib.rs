//! What a committing engine does around the native library.
//!
//! An engine's `main` calls [`run()`] for the role `commit`. For each order this crate waits for the
//! native locks, has the change planned again and compares digests, copies the files into staging that
//! only root may enter, verifies the copies, asks the policy, records the intent, lets the [`Committer`]
//! do it, and records what came of it.
//!
//! It runs as root: it reads no user's settings, opens no network connection, and takes nothing that a
//! client says on trust. It knows neither libapt nor libalpm.
#![deny(unsafe_code)]

mod apply;
mod case;
mod client;
mod committer;
mod error;
mod holds;
mod policy;
mod run;
mod signals;
mod staging;
mod state;
mod surroundings;
mod tasks;

pub use committer::{Commission, Committer, Proof, Report};
pub use run::run;
