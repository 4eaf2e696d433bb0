//! `omgd`: configure, listen, load, serve, drain.
//!
//! The socket is bound before the index is loaded: whoever connects meanwhile waits in the socket's
//! queue instead of finding nobody.

mod arguments;
mod downloads;
mod journal;
mod memory;
mod notify;
mod reload;
mod serve;
mod system;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use omg_core::{Fault, escape};

use arguments::{Arguments, Asked};
pub(crate) use system::engine_name;

/// Runs the daemon to its end.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::parse(arguments) {
        Ok(Asked::Run(arguments)) => arguments,
        Ok(Asked::Text(text)) => {
            // Whoever asked for it has hung up, if this fails.
            drop(io::stdout().write_all(text.as_bytes()));
            return ExitCode::SUCCESS;
        }
        Err(fault) => return ended(&fault),
    };
    memory::give_back();
    match serve::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => ended(&fault),
    }
}

/// Says on standard error why the daemon ends.
fn ended(fault: &Fault) -> ExitCode {
    let mut text = format!("omgd: {}: {}\n", fault.code.id(), escape(&fault.to_string()));
    if let Some(hint) = &fault.hint {
        // Writing into a String does not fail.
        let _ = writeln!(text, "omgd: hint: {}", escape(hint));
    }
    // Nowhere else to say it.
    drop(io::stderr().write_all(text.as_bytes()));
    ExitCode::from(fault.code.exit())
}
