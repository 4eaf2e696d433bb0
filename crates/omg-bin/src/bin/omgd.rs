//! `omgd`: the daemon.
use std::process::ExitCode;

fn main() -> ExitCode {
    omg_bin::daemon::main(std::env::args_os().skip(1))
}
