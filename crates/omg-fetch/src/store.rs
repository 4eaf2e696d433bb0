//! The content-addressed store: every file is named by its SHA-256.
//!
//! `sha256/ab/abcdef…` are whole files, `partial/` what is on its way, `quarantine/` what had the
//! wrong bytes. All of it belongs to one user and nobody else can look in. A file gets its name
//! after its bytes are on the disk, and is there after a power cut once [`Partial::keep`] returns.
//!
//! Who uses a file has a shared `flock` on it, which ends with the process; nothing is evicted from
//! under a user of any process.

mod evict;
mod partial;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use omg_failpoint::weak;
use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

pub use evict::{Freed, Usage};
pub(crate) use partial::{Origins, Partial, SMALL};

use crate::{Error, Hasher, Sha256};

/// Bytes that the store may have before the oldest files go.
const LIMIT: u64 = 10 << 30;

/// Bytes read at once.
pub(crate) const BLOCK: usize = 256 << 10;

/// The store of one user. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    limit: u64,
    /// Files whose bytes this process has hashed, as they were then.
    known: Mutex<HashMap<Sha256, State>>,
}

/// What changes when a file does. The change time can't be set back by its owner.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, u64),
    changed: (i64, u64),
}

/// A whole file of the store. It is not evicted while this exists.
#[derive(Debug)]
pub struct Blob {
    /// Open for reading, at its start.
    pub file: File,
    /// Absolute path.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// Files that are not evicted while this exists, also not by other processes.
#[derive(Debug)]
#[must_use = "dropping it lets the files be evicted"]
pub struct Lease {
    _files: Vec<File>,
}

// === impl Store ===

impl Store {
    /// Opens the store in this directory, which is made if it is missing and must be the user's own.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::with_limit(dir, LIMIT)
    }

    /// Opens the store; beyond so many bytes [`Store::evict`] removes the oldest files.
    pub fn with_limit(dir: &Path, limit: u64) -> Result<Self, Error> {
        let dir = std::path::absolute(dir).map_err(Error::io(dir, "finding the store"))?;
        std::fs::create_dir_all(&dir).map_err(Error::io(&dir, "making the store"))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let own = match fs::open(&dir, flags, Mode::empty()) {
            Ok(own) => own,
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(Error::Store { path: dir, reason: "it is no directory" });
            }
            Err(errno) => return Err(Error::io(&dir, "opening the store")(errno.into())),
        };
        let stat = fs::fstat(&own).map_err(|e| Error::io(&dir, "opening the store")(e.into()))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(Error::Store { path: dir, reason: "it belongs to somebody else" });
        }
        if stat.st_mode & 0o077 != 0 {
            fs::fchmod(&own, Mode::RWXU)
                .map_err(|e| Error::io(&dir, "closing the store to others")(e.into()))?;
        }
        let mut new = false;
        for name in ["sha256", "partial", "quarantine"] {
            new |= make_dir(&dir.join(name))?;
        }
        if new {
            sync_dir(&dir)?;
        }
        Ok(Self { inner: Arc::new(Inner { dir, limit, known: Mutex::default() }) })
    }

    /// Where the store is.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Where a file of this digest is, if it is there.
    pub fn path(&self, sha256: &Sha256) -> PathBuf {
        let name = sha256.to_string();
        let shelf = name.get(..2).unwrap_or_default();
        self.inner.dir.join("sha256").join(shelf).join(&name)
    }

    /// The file of this digest. Its bytes are hashed, unless this process did so and the file is
    /// unchanged since; a file that has other bytes goes into quarantine and is not given.
    pub fn get(&self, sha256: &Sha256) -> Result<Option<Blob>, Error> {
        let path = self.path(sha256);
        let Some((file, stat)) = open_shared(&path)? else { return Ok(None) };
        let known = self.known(sha256) == Some(State::of(&stat));
        if !known && !weak!("19") {
            let (actual, _) =
                hash(&file).map_err(Error::io(&path, "computing the digest of a stored file"))?;
            if actual != *sha256 {
                self.quarantine(&path, sha256)?;
                return Ok(None);
            }
        }
        // The time of last use decides what is evicted first.
        let now = Timespec { tv_sec: 0, tv_nsec: fs::UTIME_NOW };
        let times = Timestamps { last_access: now, last_modification: now };
        fs::futimens(&file, &times)
            .map_err(|e| Error::io(&path, "noting the use of a stored file")(e.into()))?;
        self.learn(sha256, &file, &path)?;
        Ok(Some(Blob { file, path, size: stat.st_size as u64, sha256: *sha256 }))
    }

    /// Keeps these files from being evicted. Those that are not in the store are passed over.
    pub fn hold<'a>(&self, digests: impl IntoIterator<Item = &'a Sha256>) -> Result<Lease, Error> {
        let mut files = Vec::new();
        for sha256 in digests {
            files.extend(open_shared(&self.path(sha256))?.map(|(file, _)| file));
        }
        Ok(Lease { _files: files })
    }

    /// Moves a file with the wrong bytes out of the way, where it can be looked at.
    fn quarantine(&self, path: &Path, sha256: &Sha256) -> Result<(), Error> {
        let place = self.inner.dir.join("quarantine").join(sha256.to_string());
        tracing::warn!(path = %path.display(), "a stored file has other bytes than its name says");
        self.forget(sha256);
        match std::fs::rename(path, &place) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done.map_err(Error::io(path, "moving a damaged file into quarantine")),
        }
    }

    fn known(&self, sha256: &Sha256) -> Option<State> {
        let known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(sha256).copied()
    }

    fn forget(&self, sha256: &Sha256) {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner).remove(sha256);
    }

    /// Notes that this file, as it is now, has this digest.
    fn learn(&self, sha256: &Sha256, file: &File, path: &Path) -> Result<(), Error> {
        let stat =
            fs::fstat(file).map_err(|e| Error::io(path, "looking at a stored file")(e.into()))?;
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(*sha256, State::of(&stat));
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

// === impl State ===

impl State {
    fn of(stat: &fs::Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// Opens a regular file with a shared lock; `None` if it is not there or is being removed.
fn open_shared(path: &Path) -> Result<Option<(File, fs::Stat)>, Error> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(Error::io(path, "opening a stored file")(errno.into())),
    };
    match fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {}
        // Held alone only by who removes it.
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(errno) => return Err(Error::io(path, "locking a stored file")(errno.into())),
    }
    let stat = fs::fstat(&file).map_err(|e| Error::io(path, "opening a stored file")(e.into()))?;
    if stat.st_nlink == 0 {
        return Ok(None);
    }
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::Store { path: path.into(), reason: "something in it is no file" });
    }
    Ok(Some((file, stat)))
}

/// The digest and length of a whole file, wherever its offset is.
pub(crate) fn hash(file: &File) -> io::Result<(Sha256, u64)> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; BLOCK];
    let mut at = 0;
    loop {
        let read = match file.read_at(&mut buffer, at) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((hasher.finish(), at));
        };
        hasher.update(bytes);
        at += read as u64;
    }
}

/// Makes a directory; `false` if it was there.
fn make_dir(path: &Path) -> Result<bool, Error> {
    match fs::mkdirat(fs::CWD, path, Mode::RWXU) {
        Ok(()) => return Ok(true),
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(Error::io(path, "making a directory of the store")(errno.into())),
    }
    let stat = fs::statat(fs::CWD, path, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|e| Error::io(path, "looking at a directory of the store")(e.into()))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        Ok(false)
    } else {
        Err(Error::Store { path: path.into(), reason: "something in it is no directory" })
    }
}

/// Makes the names in a directory last.
fn sync_dir(path: &Path) -> Result<(), Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    fs::open(path, flags, Mode::empty())
        .and_then(|dir| fs::fsync(&dir))
        .map_err(|e| Error::io(path, "writing a directory of the store to the disk")(e.into()))
}
