//! Starting `omgd`, in a session of its own or at the end of two pipes.
#![expect(unsafe_code, reason = "std has no safe way to start a process in a session of its own")]

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use omg_core::{Code, Fault};

use crate::places;

/// The daemon's executable: beside ours, so that both are of one build, else from `PATH`.
pub(crate) fn executable() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("omgd"));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from("omgd"))
}

/// Starts a daemon that outlives us and our terminal. Standard error goes to `log`.
///
/// # Errors
/// [`Code::Daemon`], or [`Code::Unwritable`] for the log.
pub(super) fn detached(root: Option<&Path>, log: Option<&Path>) -> Result<Child, Fault> {
    let stderr = log.map_or_else(|| Ok(Stdio::null()), open_log)?;
    let mut command = Command::new(executable());
    // Another directory would be kept busy for as long as the daemon runs.
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    if let Some(root) = root {
        command.arg("--root").arg(root);
    }
    // SAFETY: between fork and exec only setsid(2) is called, which is async-signal-safe and touches
    // no memory of ours.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(())
        });
    }
    command.spawn().map_err(|error| no_start(&error))
}

/// Starts a daemon for us alone.
///
/// # Errors
/// [`Code::Daemon`].
pub(super) fn attached(root: Option<&Path>) -> Result<Child, Fault> {
    let mut command = Command::new(executable());
    command.arg("--stdio").stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(root) = root {
        command.arg("--root").arg(root);
    }
    // Its log belongs in no command's output; faults come back over the pipe.
    if places::variable("OMG_LOG").is_none() {
        command.stderr(Stdio::null());
    }
    command.spawn().map_err(|error| no_start(&error))
}

fn no_start(error: &std::io::Error) -> Fault {
    let message = format!("{} can't be started", executable().display());
    Fault::caused_by(Code::Daemon, message, error).hint("omgd belongs beside omg, or in PATH")
}

/// A log of an earlier daemon is kept once, as `omgd.log.old`, if it has grown.
fn open_log(path: &Path) -> Result<Stdio, Fault> {
    const LARGE: u64 = 1024 * 1024;
    if let Some(directory) = path.parent() {
        places::make(directory)?;
    }
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() > LARGE) {
        // Without it the log only grows on.
        let _ = std::fs::rename(path, path.with_extension("log.old"));
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    file.map(Stdio::from).map_err(|error| {
        Fault::caused_by(Code::Unwritable, format!("{} can't be written", path.display()), &error)
    })
}
