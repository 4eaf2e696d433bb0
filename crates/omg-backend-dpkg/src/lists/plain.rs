//! Bytes of lists: unpacked under a limit that was signed for, digested, packed as apt keeps them.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Read, Write};
use std::path::Path;

use omg_fetch::Hasher;

use super::release::Entry;
use crate::apt::compression::decoder_of;
use crate::error::Error;

/// Why bytes are not the ones that were signed for.
#[derive(Debug)]
pub(super) enum Unlike {
    /// The file can't be read, or is damaged.
    Broken(io::Error),
    /// It is another one.
    Other(String),
    /// The copy can't be written.
    Unwritten(io::Error),
}

impl Unlike {
    /// As an error about a list.
    pub(super) fn about(self, path: &Path, suite: &str) -> Error {
        let what = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let mismatch = |reason| Error::Mismatch { what, suite: suite.to_owned(), reason };
        match self {
            Self::Broken(error) => mismatch(error.to_string()),
            Self::Other(reason) => mismatch(reason),
            Self::Unwritten(source) => {
                Error::Write { path: path.to_path_buf(), context: "keeping a list", source }
            }
        }
    }
}

/// Is what an open file has, unpacked by this suffix (with its dot), what was signed for? Reads no
/// more of it than that.
pub(super) fn check(file: &File, suffix: &str, entry: &Entry) -> Result<(), Unlike> {
    pass(file, suffix, entry, |_| Ok(()))
}

/// Unpacks `file` by its suffix, checks it, and writes it in the way of another suffix.
pub(super) fn repack(
    file: &File,
    suffix: &str,
    entry: &Entry,
    to: &File,
    kept_as: &str,
) -> Result<(), Unlike> {
    let mut packer = Packer::new(BufWriter::new(to), kept_as).map_err(Unlike::Unwritten)?;
    pass(file, suffix, entry, |bytes| packer.write_all(bytes))?;
    packer.finish().map_err(Unlike::Unwritten)
}

fn pass(
    file: &File,
    suffix: &str,
    entry: &Entry,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Unlike> {
    let reader = decoder_of(suffix.trim_start_matches('.'), file).map_err(Unlike::Broken)?;
    // One byte more than there must be tells that there are more.
    let mut reader = io::BufReader::new(reader.take(entry.size.saturating_add(1)));
    let (mut hasher, mut size) = (Hasher::default(), 0_u64);
    loop {
        let bytes = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other.map_err(Unlike::Broken)?,
        };
        if bytes.is_empty() {
            break;
        }
        let len = bytes.len();
        hasher.update(bytes);
        write(bytes).map_err(Unlike::Unwritten)?;
        reader.consume(len);
        size += len as u64;
    }
    let digest = hasher.finish();
    if omg_failpoint::weak!("05") || omg_failpoint::weak!("06") {
        return Ok(());
    }
    if size > entry.size {
        return Err(Unlike::Other(format!("more than {} bytes", entry.size)));
    }
    if size < entry.size {
        return Err(Unlike::Other(format!("{size} of {} bytes", entry.size)));
    }
    if digest != entry.sha256 {
        return Err(Unlike::Other(format!("SHA-256 is {digest}, and {} was signed", entry.sha256)));
    }
    Ok(())
}

/// Writes in one of the ways in which apt keeps lists.
enum Packer<W: Write> {
    Plain(W),
    Lz4(Box<lz4_flex::frame::FrameEncoder<W>>),
    Gz(flate2::write::GzEncoder<W>),
    Xz(liblzma::write::XzEncoder<W>),
    Zst(zstd::Encoder<'static, W>),
}

impl<W: Write> Packer<W> {
    fn new(to: W, suffix: &str) -> io::Result<Self> {
        Ok(match suffix {
            "" => Self::Plain(to),
            ".lz4" => Self::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(to))),
            ".gz" => Self::Gz(flate2::write::GzEncoder::new(to, flate2::Compression::fast())),
            ".xz" => Self::Xz(liblzma::write::XzEncoder::new(to, 1)),
            ".zst" => Self::Zst(zstd::Encoder::new(to, 3)?),
            other => {
                let reason = format!("lists can't be kept as '{other}'");
                return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
            }
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(to) => to.write_all(bytes),
            Self::Lz4(to) => to.write_all(bytes),
            Self::Gz(to) => to.write_all(bytes),
            Self::Xz(to) => to.write_all(bytes),
            Self::Zst(to) => to.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(to) => to,
            Self::Lz4(to) => to.finish().map_err(io::Error::other)?,
            Self::Gz(to) => to.finish()?,
            Self::Xz(to) => to.finish()?,
            Self::Zst(to) => to.finish()?,
        }
        .flush()
    }
}
