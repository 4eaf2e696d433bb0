//! The locks that apt-get takes, in its order: the frontends' lock of dpkg, dpkg's own, the archives'.
//!
//! They are record locks of a process. Whoever closes any descriptor of such a file lets go of its lock,
//! so these files are opened here only, and asked for their holder only while none is held.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use omg_commit::Report;
use omg_core::Progress;
use rustix::fs::{FlockOperation, OFlags, fcntl_lock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::Paths;
use super::error::Error;

/// How often a lock is tried that somebody else has.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the client hears of it.
const TELL: Duration = Duration::from_secs(1);

/// The locks, held until they are dropped.
#[derive(Debug)]
pub(super) struct Locks {
    _frontend: File,
    /// dpkg's own, which dpkg takes itself while it runs.
    inner: Option<File>,
    _archives: File,
}

/// Who else has a lock.
struct Holder {
    pid: Option<u32>,
    name: Option<String>,
}

/// How long may be waited, for all locks together.
struct Wait<'a> {
    since: Instant,
    patience: Duration,
    report: &'a dyn Report,
    told: Option<Instant>,
}

impl Locks {
    /// Takes all of them.
    pub(super) fn take(
        paths: &Paths,
        patience: Duration,
        report: &dyn Report,
    ) -> Result<Self, Error> {
        let Paths { dpkg, archives, .. } = paths;
        let mut wait = Wait { since: Instant::now(), patience, report, told: None };
        // Who waits for the second must not keep the first from those who have the second: they are
        // always taken in this order, so nobody who has the second waits for the first.
        let frontend = wait.lock(&dpkg.join("lock-frontend"))?;
        let inner = Some(wait.lock(&dpkg.join("lock"))?);
        std::fs::create_dir_all(archives).map_err(Error::io(archives, "making it"))?;
        let archives = wait.lock(&archives.join("lock"))?;
        Ok(Self { _frontend: frontend, inner, _archives: archives })
    }

    /// Leaves dpkg's own lock to dpkg. The frontends' lock keeps others away meanwhile.
    pub(super) fn lend(&mut self) {
        self.inner = None;
    }
}

impl Wait<'_> {
    fn lock(&mut self, path: &Path) -> Result<File, Error> {
        let flags = (OFlags::NOFOLLOW | OFlags::CLOEXEC).bits().cast_signed();
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).mode(0o640).custom_flags(flags);
        let file = options.open(path).map_err(Error::io(path, "opening the lock"))?;
        loop {
            match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(Errno::ACCESS | Errno::AGAIN) if omg_failpoint::weak!("60") => return Ok(file),
                Err(Errno::ACCESS | Errno::AGAIN) => self.pause(path, &file)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(Error::io(path, "locking it")(error)),
            }
        }
    }

    /// Waits a moment, and tells for whom.
    fn pause(&mut self, path: &Path, file: &File) -> Result<(), Error> {
        let holder = holder(file);
        if self.since.elapsed() >= self.patience {
            let holder = match (holder.name, holder.pid) {
                (Some(name), Some(pid)) => Some(format!("{name} (process {pid})")),
                (None, Some(pid)) => Some(format!("process {pid}")),
                _ => None,
            };
            return Err(Error::Locked { path: path.to_path_buf(), holder });
        }
        if self.told.is_none_or(|told| told.elapsed() >= TELL) {
            self.told = Some(Instant::now());
            self.report.progress(Progress::Waiting {
                lock: path.display().to_string(),
                pid: holder.pid,
                name: holder.name,
                seconds: u32::try_from(self.since.elapsed().as_secs()).unwrap_or(u32::MAX),
            });
        }
        if self.report.cancelled() {
            return Err(Error::Cancelled);
        }
        std::thread::sleep(PAUSE);
        Ok(())
    }
}

/// Who has the lock. A holder in another container or on another machine has no number here.
fn holder(file: &File) -> Holder {
    let wanted = Flock::from(FlockType::WriteLock);
    let pid = fcntl_getlk(file, &wanted).ok().flatten().and_then(|lock| lock.pid);
    let pid = pid.and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
    let name = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
    Holder { pid, name: name.map(|name| name.trim().to_owned()) }
}
