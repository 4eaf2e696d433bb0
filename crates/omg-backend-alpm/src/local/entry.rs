//! Files of the local database, read one by one.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};

use crate::error::Error;

/// Appends a file below an open directory, which is at `base`. Whatever is not a regular file is
/// refused without waiting for it.
pub(crate) fn read_below(
    dir: BorrowedFd<'_>,
    base: &Path,
    path: &str,
    limit: u64,
    to: &mut Vec<u8>,
) -> Result<(), Error> {
    let failed = |error| Error::io(&base.join(path), "reading what is installed", error);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = openat(dir, path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    let file = File::from(file);
    let data = file.metadata().map_err(failed)?;
    if !data.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let large = || Error::TooLarge { path: base.join(path), limit, unit: "bytes" };
    if data.len() > limit {
        return Err(large());
    }
    to.reserve(data.len() as usize + 1);
    let read = file.take(limit + 1).read_to_end(to).map_err(failed)?;
    if read as u64 > limit { Err(large()) } else { Ok(()) }
}
