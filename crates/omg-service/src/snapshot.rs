//! Writes the L0 snapshot, and takes it away at the end: the counts of a view in a file that a prompt reads without asking.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use omg_core::Counts;
use omg_proto::snapshot::{FastStatus, SIZE};

use crate::Error;

/// Replaces the snapshot at `path`: a new file beside it (mode 0600, refused if anything, a link
/// too, has its name), then a rename. A reader sees the old or the new one, whole. No fsync: it is
/// on a tmpfs, and worth nothing after a crash.
pub(crate) fn write(path: &Path, counts: Counts) -> Result<(), Error> {
    let pid = std::process::id();
    let Counts { total, explicit, orphans, updates, security_updates } = counts;
    let status =
        FastStatus::counted([total, explicit, orphans, updates, security_updates], pid, now());
    let temporary = beside(path, pid);
    let fresh = create(&temporary, status.bytes()).or_else(|error| {
        // Only an earlier process of our number, that was killed here, can have left it.
        if error.kind() == ErrorKind::AlreadyExists {
            std::fs::remove_file(&temporary)?;
            return create(&temporary, status.bytes());
        }
        Err(error)
    });
    fresh.and_then(|()| std::fs::rename(&temporary, path)).map_err(|source| {
        // It may not be there; then there is nothing to clean up.
        let _ = std::fs::remove_file(&temporary);
        Error::Io { path: path.to_path_buf(), source, doing: "writing the status snapshot" }
    })
}

/// Takes the snapshot at `path` away if this process wrote it: nobody keeps it right any more. What
/// another daemon put there since stays, and so does what isn't a snapshot.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let removed = match written_by(path) {
        Ok(Some(pid)) if pid == std::process::id() => std::fs::remove_file(path),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    match removed {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::Io {
            path: path.to_path_buf(),
            source,
            doing: "removing the status snapshot",
        }),
        _ => Ok(()),
    }
}

/// Process id in a whole snapshot; `None` for anything else that is there.
fn written_by(path: &Path) -> std::io::Result<Option<u32>> {
    // Neither through a link nor into the waiting end of a pipe.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = match std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
    {
        Err(error) if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::LOOP) => {
            return Ok(None);
        }
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(SIZE + 1);
    file.take(SIZE as u64 + 1).read_to_end(&mut bytes)?;
    let whole: Option<[u8; SIZE]> = bytes.try_into().ok();
    Ok(whole.and_then(|bytes| FastStatus::read(&bytes).map(|status| status.pid.get())))
}

fn beside(path: &Path, pid: u32) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{pid}"));
    path.with_file_name(name)
}

fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
