//! Databases as pacman stores them: a tar archive, plain or in gzip, zstd or xz.
//!
//! A file may be damaged, endless or a bomb: every limit is checked while data flows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use crate::error::Error;

mod tar;
#[cfg(test)]
mod tests;

/// Largest file, bytes on disk.
pub(crate) const LARGEST_FILE: u64 = 512 << 20;
/// Most bytes that the memory of an xz or zstd decoder may have; a header can claim any size.
pub(crate) const LARGEST_WINDOW: u64 = 128 << 20;
/// Unpacked bytes per packed one. Lists of files, the most even of all, have 30.
pub(crate) const MOST_RATIO: u64 = 200;
/// Unpacked bytes that need no packed ones to go with them.
const FREE: u64 = 16 << 20;
/// Packed bytes that are read at once.
const BUFFER: usize = 128 << 10;

/// How much of an archive is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes unpacked in all.
    pub(crate) unpacked: u64,
    /// Bytes of one entry that is wanted.
    pub(crate) entry: u64,
    /// Entries, wanted or not.
    pub(crate) entries: u64,
}

impl Limits {
    /// Of a sync database. Arch's largest has 28,000 entries and 50 MB.
    pub(crate) const DATABASE: Self = Self { unpacked: 1 << 30, entry: 16 << 20, entries: 300_000 };
    /// Of a database with lists of files. Arch's largest has 400 MB.
    pub(crate) const FILES: Self = Self { unpacked: 4 << 30, entry: 64 << 20, entries: 450_000 };
}

/// Takes the files of an archive, one after another.
pub(crate) trait Visit {
    /// Is the file of this path wanted? Those that are not are never held in memory.
    fn wanted(&mut self, path: &[u8]) -> bool;

    /// Takes a file.
    fn file(&mut self, path: &[u8], content: &[u8]) -> Result<(), Error>;
}

/// Reads an archive to its end.
pub(crate) fn walk(path: &Path, limits: Limits, visit: &mut impl Visit) -> Result<(), Error> {
    let failed = |error| Error::io(path, "opening a database", error);
    let file = File::open(path).map_err(failed)?;
    let data = file.metadata().map_err(failed)?;
    if !data.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a file")));
    }
    if data.len() > LARGEST_FILE {
        return Err(Error::TooLarge { path: path.into(), limit: LARGEST_FILE, unit: "bytes" });
    }
    let unpacked = limits.unpacked.min(data.len().saturating_mul(MOST_RATIO).saturating_add(FREE));
    let decoder = decoder(path, BufReader::with_capacity(BUFFER, file))?;
    tar::walk(path, decoder, Limits { unpacked, ..limits }, visit)
}

/// Formats that are known but not read.
const UNREAD: [(&[u8], &str); 5] = [
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"LZIP", "lzip"),
    (b"\x5d\0\0", "lzma"),
    (b"\x1f\x9d", "compress"),
];

/// Chooses by the first bytes, as libarchive does: names say nothing.
fn decoder<'r>(
    path: &Path,
    mut file: BufReader<impl Read + 'r>,
) -> Result<Box<dyn Read + 'r>, Error> {
    let start = file.fill_buf().map_err(|error| Error::io(path, "reading a database", error))?;
    let failed = |source| Error::Archive { path: path.into(), source };
    if start.is_empty() {
        return Err(failed(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is empty")));
    }
    if let Some((_, format)) = UNREAD.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(Error::Compression { path: path.into(), format });
    }
    if start.starts_with(b"\x1f\x8b") {
        return Ok(Box::new(MultiGzDecoder::new(file)));
    }
    if start.starts_with(b"\x28\xb5\x2f\xfd") {
        let mut decoder = zstd::Decoder::with_buffer(file).map_err(failed)?;
        decoder.window_log_max(LARGEST_WINDOW.ilog2()).map_err(failed)?;
        return Ok(Box::new(decoder));
    }
    if start.starts_with(b"\xfd7zXZ\0") {
        let stream = Stream::new_stream_decoder(LARGEST_WINDOW, CONCATENATED);
        let stream = stream.map_err(|error| failed(error.into()))?;
        return Ok(Box::new(XzDecoder::new_stream(file, stream)));
    }
    Ok(Box::new(file))
}
