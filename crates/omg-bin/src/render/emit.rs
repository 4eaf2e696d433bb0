//! The way out: one write to standard output, or a pager.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use omg_core::{Code, Fault};

use super::{Output, fault_text};

/// Writes everything out, through `pager` if it is longer than the terminal, or `always` on one. A reader that has gone away (`omg list | head -1`) is not an error.
///
/// # Errors
/// [`Code::Unwritable`] if standard output takes no more, as on a full disk.
pub(crate) fn emit(output: &Output, pager: Option<OsString>, always: bool) -> Result<(), Fault> {
    let _ = io::stderr().lock().write_all(output.notes().as_bytes());
    if output.text().is_empty() {
        return Ok(());
    }
    if let Some(pager) = pager.filter(|_| pages(output, always))
        && page(&pager, output.text())
    {
        return Ok(());
    }
    match write_all(output.text().as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Fault::caused_by(Code::Unwritable, "standard output takes no more", &error))
        }
        _ => Ok(()),
    }
}

/// Past std's line buffer, which would cost a write for its last line.
fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    let stdout = io::stdout().lock();
    while !bytes.is_empty() {
        match rustix::io::write(&stdout, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or(&[]),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Says why it failed, on standard error.
pub(crate) fn complain(fault: &Fault, color: bool) {
    let _ = io::stderr().lock().write_all(fault_text(fault, color).as_bytes());
}

/// More lines than the terminal has, and somebody there to turn pages.
fn pages(output: &Output, always: bool) -> bool {
    let Some(lines) = output.screen.lines else { return false };
    let long = || output.text().bytes().filter(|byte| *byte == b'\n').count() >= lines;
    io::stdin().is_terminal() && (always || long())
}

/// Gives the text to the pager. False if it could not be started.
fn page(pager: &OsString, text: &str) -> bool {
    // Through the shell, as git does: a pager may come with arguments and quotes.
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(pager).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // Quit if one screen, keep colours, leave the text on the screen.
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut stdin) = child.stdin.take() {
        // Quitting the pager early closes the pipe; that's the user's right.
        let _ = stdin.write_all(text.as_bytes());
    }
    // 127: the shell found no such pager.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}
