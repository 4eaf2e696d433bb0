//! `omg`: the command line.
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(omg_bin::main(std::env::args_os().collect()))
}
