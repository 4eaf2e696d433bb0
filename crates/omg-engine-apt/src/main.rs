//! The process that links the native library of apt: it plans, and its crash can't reach the daemon.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // libapt is entered from one thread only: a second one ends in a segmentation fault.
    omg_engine::serve::<omg_engine_apt::Apt>(1)
}
