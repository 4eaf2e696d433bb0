//! The process that links the native library of apt: it plans, or changes the system, and its crash can't
//! reach the daemon.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use omg_engine::Role;
use omg_engine_apt::{Apt, AptCommitter};

fn main() -> ExitCode {
    match omg_engine::role() {
        // libapt is entered from one thread only: a second one ends in a segmentation fault.
        Ok(Role::Plan(root)) => omg_engine::plan::<Apt>(&root, 1),
        Ok(Role::Commit(root)) => omg_commit::run::<AptCommitter>(&root),
        Err(code) => code,
    }
}
