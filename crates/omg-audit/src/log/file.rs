//! The file below the database. It is locked by the lock file and opened by [`Dir`](super::files::Dir),
//! which redb's own backend would do in ways that other users could interfere with.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Database, DatabaseError, StorageBackend};

/// Memory for pages of the database, bytes.
const CACHE: usize = 8 << 20;

/// Bytes at the file's beginning in which each commit leaves its number; see redb's `docs/design.md`.
const HEADER: usize = 512;

/// An open file. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    file: Arc<File>,
    closed: Arc<AtomicBool>,
    unsynced: Arc<AtomicBool>,
}

impl Plain {
    pub(super) fn new(file: File) -> Self {
        Self { file: Arc::new(file), closed: Arc::default(), unsynced: Arc::default() }
    }

    /// The database in the file.
    pub(super) fn database(&self) -> Result<Database, DatabaseError> {
        Database::builder().set_cache_size(CACHE).create_with_backend(self.clone())
    }

    /// From now on nothing is written, though redb believes that it is.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Did the system fail to make something durable? Then it isn't known what is.
    pub(super) fn is_unsynced(&self) -> bool {
        self.unsynced.load(Ordering::Acquire)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// What changes with each commit.
    pub(super) fn header(&self) -> io::Result<Vec<u8>> {
        let mut header = vec![0; HEADER];
        self.file.read_exact_at(&mut header, 0)?;
        Ok(header)
    }

    /// Is this the same file?
    pub(super) fn is(&self, other: &File) -> io::Result<bool> {
        let (ours, theirs) = (self.file.metadata()?, other.metadata()?);
        Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()))
    }
}

impl StorageBackend for Plain {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if self.is_closed() { Ok(()) } else { self.file.set_len(len) }
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.is_closed() {
            return Ok(());
        }
        self.file.sync_data().inspect_err(|_| self.unsynced.store(true, Ordering::Release))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.is_closed() { Ok(()) } else { self.file.write_all_at(data, offset) }
    }
}
