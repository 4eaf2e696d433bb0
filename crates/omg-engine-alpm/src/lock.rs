//! pacman's lock, `db.lck`, held from before the databases are read until after the last hook.
//!
//! libalpm makes that file when a transaction begins and removes it when it is released; it is empty and
//! stays behind when its maker is killed. Here it is made in the same way, so that pacman and OMG keep out
//! of each other's way, and besides:
//!
//! * it is locked by flock(2), which ends with the process, and so tells a living holder in another
//!   container from a dead one;
//! * it says which process made it, so that one that died before it began to change anything is known
//!   from pacman's, which says nothing.
//!
//! libalpm makes a lock of its own for each transaction, and none can be committed without. So this one is
//! handed over for that time ([`Lock::lend`]), and what was read of the system is compared, since somebody
//! may have been faster in between.

mod holder;

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use omg_commit::Report;
use omg_core::Progress;
use omg_failpoint::reach;
use rustix::fs::{FlockOperation, flock};

use crate::error::Error;
use crate::stamp::Stamp;
use holder::Holder;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// What this process writes into it, before its number.
const SIGN: &str = "omg ";
/// Bytes of a lock that are looked at.
const LARGEST: u64 = 64;

/// The lock. Dropping it gives it back, unless it was found and never taken over.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
    /// It was found, its maker is gone, and nobody took it over yet.
    left: bool,
}

impl Lock {
    /// Takes the lock, waiting `patience` at the most. One that a dead process left is not removed; see
    /// [`Self::left`].
    pub(crate) fn take(
        path: &Path,
        patience: Duration,
        report: &dyn Report,
    ) -> Result<Self, Error> {
        let begin = Instant::now();
        let mut told = None;
        loop {
            if let Some(lock) = Self::make(path)? {
                return Ok(lock);
            }
            let Ok(there) = fs::metadata(path) else { continue };
            let holder = holder::of(&there);
            if holder.is_none()
                && let Some(lock) = Self::find(path)?
            {
                return Ok(lock);
            }
            let seconds = begin.elapsed().as_secs();
            if begin.elapsed() >= patience || report.cancelled() {
                return Err(locked(path, holder, seconds));
            }
            if told != Some(seconds) {
                told = Some(seconds);
                report.progress(Progress::Waiting {
                    lock: path.display().to_string(),
                    pid: holder.as_ref().map(|holder| holder.pid),
                    name: holder.map(|holder| holder.name),
                    seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
                });
            }
            std::thread::sleep(PAUSE.min(patience.saturating_sub(begin.elapsed())));
        }
    }

    /// Makes the file as libalpm does; `None` if it is there.
    fn make(path: &Path) -> Result<Option<Self>, Error> {
        let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o0).open(path);
        let file = match made {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(Error::io(path, "taking pacman's lock", error)),
        };
        let mut lock = Self { path: path.to_owned(), file, left: false };
        // Nobody else holds it for longer than it takes to see that this process does.
        flock(&lock.file, FlockOperation::LockExclusive)
            .map_err(|error| Error::io(path, "taking pacman's lock", error.into()))?;
        writeln!(lock.file, "{SIGN}{}", std::process::id())
            .map_err(|error| Error::io(path, "taking pacman's lock", error))?;
        reach!("alpm.lock.taken");
        Ok(Some(lock))
    }

    /// Opens the file that nobody seems to hold; `None` if somebody does after all.
    fn find(path: &Path) -> Result<Option<Self>, Error> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path, "looking at pacman's lock", error)),
        };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        let mut lock = Self { path: path.to_owned(), file, left: true };
        if !lock.is_there() {
            return Ok(None);
        }
        let mut text = String::new();
        let read = (&lock.file).take(LARGEST).read_to_string(&mut text);
        if read.is_ok() && text.starts_with(SIGN) {
            // libalpm's own lock takes the place of this one before anything is changed.
            lock.adopt()?;
        }
        Ok(Some(lock))
    }

    /// Was it left behind by a process that is gone, in the middle of a change?
    pub(crate) fn is_left(&self) -> bool {
        self.left
    }

    /// Takes over what was left: from here on it is given back when this is dropped.
    pub(crate) fn adopt(&mut self) -> Result<(), Error> {
        if !self.is_there() {
            return Err(locked(&self.path, None, 0));
        }
        self.left = false;
        Ok(())
    }

    /// Gives the lock to libalpm for the time of a transaction, which `begin` starts. Fails if anything
    /// of the databases changed in the moment in which nobody held it.
    pub(crate) fn lend(
        &mut self,
        databases: &Path,
        begin: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let before = Stamp::of(databases)?;
        self.adopt()?;
        fs::remove_file(&self.path)
            .map_err(|error| Error::io(&self.path, "handing over pacman's lock", error))?;
        reach!("alpm.lock.lent");
        begin()?;
        // Only to say that this process lives: libalpm knows its own descriptor.
        if let Ok(file) = File::open(&self.path)
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            self.file = file;
        }
        if Stamp::of(databases)? == before { Ok(()) } else { Err(Error::PlanChanged) }
    }

    /// Takes it back, if nobody was faster. Whoever was has it now, and this process has none.
    pub(crate) fn take_back(&mut self) -> Result<(), Error> {
        if let Some(lock) = Self::make(&self.path)? {
            *self = lock;
        }
        Ok(())
    }

    /// Is the file that is open here the one that has the name?
    fn is_there(&self) -> bool {
        let same = |one: fs::Metadata, other: fs::Metadata| {
            (one.dev(), one.ino()) == (other.dev(), other.ino())
        };
        match (self.file.metadata(), fs::symlink_metadata(&self.path)) {
            (Ok(one), Ok(other)) => same(one, other),
            _ => false,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if !self.left && self.is_there() {
            // If it stays, the next one finds it, and nobody behind it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn locked(path: &Path, holder: Option<Holder>, seconds: u64) -> Error {
    Error::Locked {
        path: path.to_owned(),
        holder: holder.map(|holder| (holder.pid, holder.name)),
        seconds,
    }
}
