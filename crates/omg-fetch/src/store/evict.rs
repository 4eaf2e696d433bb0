//! What goes when the store is too large, and when it is cleared.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{self, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::Store;
use crate::Error;

/// Whole files used since so long are not evicted: another step of the same change needs them.
const FRESH: Duration = Duration::from_mins(30);

/// Partial and damaged files go after this.
const STALE: Duration = Duration::from_hours(7 * 24);

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Freed {
    /// Files.
    pub files: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// What is in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Files, with those that are partly here.
    pub files: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

struct Entry {
    path: PathBuf,
    used: SystemTime,
    bytes: u64,
    whole: bool,
}

impl Store {
    /// Removes what is stale, and then the files not used for longest, until the store has no more
    /// bytes than it may have. What is in use by any process, or was a moment ago, stays.
    pub fn evict(&self) -> Result<Freed, Error> {
        let mut entries = self.entries()?;
        let mut freed = Freed::default();
        let now = SystemTime::now();
        let age = |entry: &Entry| now.duration_since(entry.used).unwrap_or_default();
        for entry in entries.extract_if(.., |entry| !entry.whole && age(entry) > STALE) {
            freed.add(&entry, remove(&entry.path)?);
        }
        let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        Self::remove_oldest(entries, bytes.saturating_sub(self.inner.limit), &mut freed)?;
        Ok(freed)
    }

    /// How much there is.
    pub fn usage(&self) -> Result<Usage, Error> {
        let entries = self.entries()?;
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        Ok(Usage { files: entries.len() as u64, bytes })
    }

    /// Removes everything that is not in use.
    pub fn clear(&self) -> Result<Freed, Error> {
        let mut freed = Freed::default();
        for entry in self.entries()? {
            freed.add(&entry, remove(&entry.path)?);
        }
        Ok(freed)
    }

    /// Removes the oldest files to make room for so many bytes, as far as that goes.
    pub(super) fn make_room(&self, bytes: u64) -> Result<(), Error> {
        let entries = self.entries()?;
        Self::remove_oldest(entries, bytes, &mut Freed::default())
    }

    fn remove_oldest(
        mut entries: Vec<Entry>,
        mut excess: u64,
        freed: &mut Freed,
    ) -> Result<(), Error> {
        let fresh = SystemTime::now() - FRESH;
        entries.retain(|entry| entry.whole && entry.used < fresh);
        entries.sort_by_key(|entry| entry.used);
        for entry in entries {
            if excess == 0 {
                break;
            }
            if remove(&entry.path)? {
                tracing::debug!(path = %entry.path.display(), "evicted");
                excess = excess.saturating_sub(entry.bytes);
                freed.add(&entry, true);
            }
        }
        Ok(())
    }

    /// Every file of the store.
    fn entries(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for (name, whole) in [("partial", false), ("quarantine", false)] {
            list(&self.dir().join(name), whole, &mut entries)?;
        }
        let whole = self.dir().join("sha256");
        let shelves = std::fs::read_dir(&whole).map_err(Error::io(&whole, "listing the store"))?;
        for shelf in shelves {
            let shelf = shelf.map_err(Error::io(&whole, "listing the store"))?;
            list(&shelf.path(), true, &mut entries)?;
        }
        Ok(entries)
    }
}

impl Freed {
    fn add(&mut self, entry: &Entry, removed: bool) {
        if removed {
            self.files += 1;
            self.bytes += entry.bytes;
        }
    }
}

fn list(dir: &Path, whole: bool, entries: &mut Vec<Entry>) -> Result<(), Error> {
    let failed = || Error::io(dir, "listing the store");
    for entry in std::fs::read_dir(dir).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        // It may have gone meanwhile.
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            continue;
        }
        let used = meta.modified().map_err(Error::io(&path, "listing the store"))?;
        entries.push(Entry { path, used, bytes: meta.blocks() * 512, whole });
    }
    Ok(())
}

/// Removes a file that nobody uses; `false` if somebody does.
fn remove(path: &Path) -> Result<bool, Error> {
    let failed = |errno: Errno| Error::io(path, "removing a stored file")(errno.into());
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match fs::open(path, flags, Mode::empty()) {
        Ok(file) => Some(file),
        Err(Errno::NOENT) => return Ok(false),
        // A link is no file of ours, and nobody uses it.
        Err(Errno::LOOP) => None,
        Err(errno) => return Err(failed(errno)),
    };
    if let Some(file) = &file {
        match fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(errno) => return Err(failed(errno)),
        }
    }
    match fs::unlink(path) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(failed(errno)),
    }
}
