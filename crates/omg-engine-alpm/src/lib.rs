//! pacman's library, libalpm: what a change would do to an Arch system, and doing it.
//!
//! This is the only crate that links libalpm, and with it the only one under the GPL besides the engine
//! for Debian. It knows nothing of sockets or of the daemon: `omg-engine` carries changes in and plans
//! out, and `omg-commit` orders. Planning takes no lock, so it works without privileges.
//!
//! The transaction is prepared by libalpm itself, in the steps of `pacman -S`, `-Su`, `-U` and `-R`, so
//! that plans equal pacman's; `docs/plans.md` says where they mean to differ.
#![forbid(unsafe_code)]

mod cache;
mod committer;
mod copies;
mod describe;
mod error;
mod failure;
mod handle;
mod holds;
mod journal;
mod listen;
mod lock;
mod native;
mod partial;
mod pending;
mod planner;
mod reasons;
mod record;
mod recover;
mod signature;
mod stamp;
mod targets;
mod transaction;
mod unneeded;
mod workplace;

pub use committer::AlpmCommitter;
pub use error::Error;
pub use planner::AlpmPlanner;
