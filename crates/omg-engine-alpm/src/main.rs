//! The process that links the native library of pacman: it plans, or changes the system, and its crash
//! can't reach the daemon.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use omg_engine::Role;
use omg_engine_alpm::{AlpmCommitter, AlpmPlanner};

/// Threads that plan, with a handle each.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    match omg_engine::role() {
        Ok(Role::Plan(root)) => omg_engine::plan::<AlpmPlanner>(&root, WORKERS),
        Ok(Role::Commit(root)) => omg_commit::run::<AlpmCommitter>(&root),
        Err(code) => code,
    }
}
