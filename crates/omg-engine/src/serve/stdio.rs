//! Standard input and output, kept away from the native library.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Signal, getpid, kill_process};

use crate::Error;

/// Takes both streams for the protocol alone.
///
/// They move to descriptors that no child inherits. Descriptor 0 becomes `/dev/null`, and 1 becomes
/// standard error: what a library prints, or what a program prints that it starts, is no frame.
///
/// # Errors
/// [`Error::Pipe`]: a descriptor can't be had.
pub fn take() -> Result<(File, Answers), Error> {
    let failed = |source| Error::Pipe { context: "taking standard input and output", source };
    let asks = io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
    let answers = io::stdout().as_fd().try_clone_to_owned().map_err(failed)?;
    let null = File::open("/dev/null").map_err(failed)?;
    rustix::stdio::dup2_stdin(&null).map_err(|error| failed(error.into()))?;
    rustix::stdio::dup2_stdout(io::stderr()).map_err(|error| failed(error.into()))?;
    Ok((File::from(asks), Answers(Arc::new(Mutex::new(File::from(answers))))))
}

/// Where whole frames are written, one at a time.
#[derive(Clone, Debug)]
pub struct Answers(Arc<Mutex<File>>);

impl Answers {
    /// Writes a frame.
    ///
    /// # Errors
    /// [`Error::Pipe`]: nobody reads any more.
    pub fn send(&self, frame: &[u8]) -> Result<(), Error> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(frame).map_err(|source| Error::Pipe { context: "writing a frame", source })
    }
}

/// Ends at once. A native library has threads of ours in it, so nothing of it may be torn down first:
/// its static objects would be destroyed under them.
pub(super) fn die() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}
