//! What `omgd` and an engine process say to each other, and who keeps an engine running.
//!
//! An engine is an executable that links the native library of a package manager; it plans, and its
//! crash can't reach the daemon.
//!
//! * [`role()`], [`plan()`], [`Planner`]: the engine's side. Its `main` asks for its role; planning is
//!   here, carrying out orders is `omg-commit`'s.
//! * [`Engine`]: the daemon's side. Starts the process, asks it, starts it again when it dies.
//! * [`wire`]: their frames, and the limits of these.
//! * [`locate()`]: where an engine's executable is.
//!
//! This crate knows no package manager, reads no environment variable and believes nothing that an
//! engine says before it has looked at it: an engine can deny, never deceive. The section "Engines" of
//! `docs/protocol.md` describes the bytes.
#![forbid(unsafe_code)]

mod arguments;
mod client;
mod error;
mod locate;
mod planner;
mod serve;
pub mod wire;

pub use client::{Builder, Engine};
pub use error::Error;
pub use locate::locate;
pub use planner::Planner;
pub use serve::stdio::{Answers, take as take_stdio};
pub use serve::{Role, plan, role, serve};
