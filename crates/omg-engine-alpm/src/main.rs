//! The process that links the native library of pacman: it plans, and its crash can't reach the daemon.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Threads that plan, with a handle each.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    omg_engine::serve::<omg_engine_alpm::AlpmPlanner>(WORKERS)
}
