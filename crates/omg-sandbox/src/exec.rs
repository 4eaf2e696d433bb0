//! `omg-sandbox-exec`: stands between OMG and bubblewrap, and between bubblewrap and a build.
//! See [`omg_sandbox::shim`].
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use omg_sandbox::shim;

fn main() -> ExitCode {
    let said = shim::run(std::env::args_os().skip(1));
    // If nobody listens, the status has to do.
    let _unheard = writeln!(std::io::stderr(), "{}{said}", shim::COMPLAINT);
    ExitCode::from(shim::FAILED)
}
