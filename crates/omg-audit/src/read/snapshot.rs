//! A file as it was at one moment.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use redb::StorageBackend;

use crate::{Error, Result};

/// The largest log that is read, bytes: over a million records of common size.
const MOST: u64 = 1 << 30;

/// How often a file that changes while it is read is read again, and how long is waited in between.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// The contents of the file.
pub(super) fn take(path: &Path) -> Result<Vec<u8>> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = file.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Error::Absent { path: path.to_owned() },
        _ => Error::io(path, "opening it")(e),
    })?;
    let plain = file.metadata().map_err(Error::io(path, "asking what it is"))?.is_file();
    if !plain {
        return Err(Error::Untrusted { path: path.to_owned(), reason: "is not a file".into() });
    }
    for _ in 0..TRIES {
        if let Some(bytes) = settled(&file).map_err(Error::io(path, "reading it"))? {
            return Ok(bytes);
        }
        if file.metadata().is_ok_and(|it| it.len() > MOST) {
            return Err(Error::Limit { what: "the log", limit: MOST });
        }
        std::thread::sleep(PAUSE);
    }
    Err(Error::Locked { path: path.to_owned(), holder: "that writes without a pause".into() })
}

/// The bytes of the file if they are the same when read again.
fn settled(file: &File) -> io::Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len();
    if length > MOST {
        return Ok(None);
    }
    let mut bytes = vec![0; length as usize];
    let mut again = vec![0; 1 << 16];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let mut at = 0;
    for chunk in bytes.chunks(again.len()) {
        let part = again.get_mut(..chunk.len()).unwrap_or_default();
        match file.read_exact_at(part, at) {
            Ok(()) if part == chunk => at += chunk.len() as u64,
            Ok(()) => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(e),
        }
    }
    Ok((file.metadata()?.len() == length).then_some(bytes))
}

/// A database in memory.
#[derive(Debug)]
pub(super) struct Memory(RwLock<Vec<u8>>);

impl Memory {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(RwLock::new(bytes))
    }
}

fn outside() -> io::Error {
    io::Error::from(io::ErrorKind::UnexpectedEof)
}

impl StorageBackend for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(offset).map_err(|_| outside())?;
        let part = from.checked_add(out.len()).and_then(|to| bytes.get(from..to));
        out.copy_from_slice(part.ok_or_else(outside)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // A damaged header may ask for anything.
        if len > 2 * MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut bytes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(offset).map_err(|_| outside())?;
        let part = from.checked_add(data.len()).and_then(|to| bytes.get_mut(from..to));
        part.ok_or_else(outside)?.copy_from_slice(data);
        Ok(())
    }
}
