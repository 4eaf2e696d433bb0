//! Lists as apt stores them: plain, lz4, gz, xz or zst, read in pieces that end between records.
//!
//! A file may be damaged, endless, a bomb, or written to while it is read: every limit is checked
//! while data flows, and none of that reaches further than the one list.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use memchr::memmem;

use crate::error::Error;

/// Suffixes that apt stores lists with, in the order in which it looks for them; the empty one
/// means plain text.
pub(crate) const SUFFIXES: &[&str] = &["", ".xz", ".bz2", ".lzma", ".gz", ".lz4", ".zst"];

/// Largest file, bytes on disk.
pub(crate) const LARGEST_FILE: u64 = 512 << 20;
/// Most bytes that a list of packages may decompress to.
pub(crate) const LARGEST_TEXT: u64 = 1 << 30;
/// Most bytes that a list of files may decompress to. Debian's have 520 MB; they are not kept.
pub(crate) const LARGEST_CONTENTS: u64 = 8 << 30;
/// Longest record, bytes; the same as the scanner's own limit.
pub(crate) const LONGEST_RECORD: usize = 4 << 20;

/// Most bytes that an xz or lzma decoder may use; `xz -9` asks for 65 MiB. A header can claim any
/// size.
const LARGEST_DICTIONARY: u64 = 128 << 20;

/// Bytes per piece. Large enough to keep the threads that pass them on from waiting for each
/// other, small enough for the second level cache.
const PIECE: usize = 512 << 10;
/// Bytes that are read at once, and unpacked at once where the format does not say.
const BUFFER: usize = 128 << 10;
/// A file that changes is read again, this often at most.
const ATTEMPTS: u32 = 3;

/// What one file did while it was read.
pub(crate) enum Piece {
    /// Text between two borders of records.
    Text(Vec<u8>),
    /// All pieces so far are void: the file changed and is read again.
    Again,
}

/// Reads a list to its end and passes on its pieces. `border` is what parts two records: an empty
/// line in lists of packages, the end of a line in lists of files. Stops early without an error
/// if `pass` gives back `false`.
pub(crate) fn read(
    path: &Path,
    border: Border,
    mut pass: impl FnMut(Piece) -> bool,
) -> Result<(), Error> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 && !pass(Piece::Again) {
            return Ok(());
        }
        let file =
            File::open(path).map_err(|source| Error::io(path, "opening the list", source))?;
        let before = stamp(path, &file)?;
        if before.len() > LARGEST_FILE {
            return Err(Error::TooLarge { path: path.to_path_buf(), limit: LARGEST_FILE });
        }
        let result = stream(path, &file, border, &mut pass);
        let after = stamp(path, &file)?;
        if same(&before, &after) {
            return result;
        }
    }
    Err(Error::Unsettled { path: path.to_path_buf() })
}

/// What parts two records of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Border {
    /// An empty line.
    EmptyLine,
    /// The end of a line.
    Line,
}

impl Border {
    /// Most bytes in all.
    fn limit(self) -> u64 {
        match self {
            Self::EmptyLine => LARGEST_TEXT,
            Self::Line => LARGEST_CONTENTS,
        }
    }

    /// The length of the longest start of `bytes` that ends at a border.
    fn last(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Line => memchr::memrchr(b'\n', bytes).map(|at| at + 1),
            Self::EmptyLine => memmem::rfind(bytes, b"\n\n")
                .map(|at| at + 2)
                .or_else(|| memmem::rfind(bytes, b"\n\r\n").map(|at| at + 3)),
        }
    }
}

fn stamp(path: &Path, file: &File) -> Result<Metadata, Error> {
    file.metadata().map_err(|source| Error::io(path, "looking at the list", source))
}

fn same(before: &Metadata, after: &Metadata) -> bool {
    let key = |data: &Metadata| (data.len(), data.mtime(), data.mtime_nsec());
    key(before) == key(after)
}

fn stream(
    path: &Path,
    file: &File,
    border: Border,
    pass: &mut impl FnMut(Piece) -> bool,
) -> Result<(), Error> {
    let broken = |source| Error::Compressed { path: path.to_path_buf(), source };
    let too_large = |limit| Error::TooLarge { path: path.to_path_buf(), limit };
    let mut reader = decoder(path, file).map_err(broken)?;
    let mut piece = Vec::with_capacity(PIECE + (PIECE >> 2));
    let mut total = 0_u64;
    loop {
        let room = PIECE.max(piece.len());
        let read = fill(&mut reader, room, &mut piece).map_err(broken)?;
        total += read as u64;
        if total > border.limit() {
            return Err(too_large(border.limit()));
        }
        if read < room {
            if !piece.is_empty() {
                pass(Piece::Text(piece));
            }
            return Ok(());
        }
        let Some(cut) = border.last(&piece) else {
            if piece.len() > LONGEST_RECORD {
                return Err(too_large(LONGEST_RECORD as u64));
            }
            continue;
        };
        let mut rest = Vec::with_capacity(PIECE + (PIECE >> 2));
        rest.extend_from_slice(piece.get(cut..).unwrap_or(&[]));
        piece.truncate(cut);
        if !pass(Piece::Text(std::mem::replace(&mut piece, rest))) {
            return Ok(());
        }
    }
}

/// Appends `room` bytes, fewer only at the end, and tells how many. They are copied once, from where
/// the decoder has them, into room that nobody has cleared.
fn fill(reader: &mut Box<dyn BufRead + '_>, room: usize, to: &mut Vec<u8>) -> io::Result<usize> {
    let mut left = room;
    while left > 0 {
        let bytes = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let some = bytes.get(..left).unwrap_or(bytes);
        if some.is_empty() {
            break;
        }
        to.extend_from_slice(some);
        let len = some.len();
        reader.consume(len);
        left -= len;
    }
    Ok(room - left)
}

/// A reader of the plain text of a file, chosen by its suffix, as apt does.
fn decoder<'f>(path: &Path, file: &'f File) -> io::Result<Box<dyn BufRead + 'f>> {
    decoder_of(path.extension().and_then(|suffix| suffix.to_str()).unwrap_or(""), file)
}

/// A reader of the plain text of a file that is compressed in the way of this suffix (without its
/// dot). How much comes out of it is for the caller to limit.
pub(crate) fn decoder_of<'f>(suffix: &str, file: &'f File) -> io::Result<Box<dyn BufRead + 'f>> {
    fn unpacked<'r>(reader: impl Read + 'r) -> Box<dyn BufRead + 'r> {
        Box::new(BufReader::with_capacity(BUFFER, reader))
    }
    let buffered = || BufReader::with_capacity(BUFFER, file.take(LARGEST_FILE));
    Ok(match suffix {
        "lz4" => Box::new(lz4_flex::frame::FrameDecoder::new(buffered())),
        "gz" => unpacked(flate2::bufread::MultiGzDecoder::new(buffered())),
        "xz" => {
            let stream = Stream::new_stream_decoder(LARGEST_DICTIONARY, CONCATENATED)?;
            unpacked(XzDecoder::new_stream(buffered(), stream))
        }
        "lzma" => {
            let stream = Stream::new_lzma_decoder(LARGEST_DICTIONARY)?;
            unpacked(XzDecoder::new_stream(buffered(), stream))
        }
        "zst" => unpacked(zstd::stream::read::Decoder::with_buffer(buffered())?),
        "bz2" => return Err(io::Error::new(io::ErrorKind::Unsupported, "bzip2 is not supported")),
        _ => Box::new(buffered()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn text(records: usize) -> Vec<u8> {
        (0..records).flat_map(|i| format!("Package: p{i}\nVersion: {i}\n\n").into_bytes()).collect()
    }

    fn packed(suffix: &str, plain: &[u8]) -> Vec<u8> {
        match suffix {
            "lz4" => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            "gz" => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            "xz" => liblzma::encode_all(plain, 1).unwrap(),
            "zst" => zstd::encode_all(plain, 1).unwrap(),
            _ => plain.to_vec(),
        }
    }

    fn collect(path: &Path) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        read(path, Border::EmptyLine, |piece| {
            match piece {
                Piece::Text(text) => {
                    assert!(text.starts_with(b"Package: "));
                    all.extend_from_slice(&text);
                }
                Piece::Again => all.clear(),
            }
            true
        })?;
        Ok(all)
    }

    #[test]
    fn every_format_gives_the_text_back_and_truncation_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let plain = text(100_000);
        for suffix in ["plain", "lz4", "gz", "xz", "zst"] {
            let path = dir.path().join(format!("list.{suffix}"));
            let bytes = packed(suffix, &plain);
            std::fs::write(&path, &bytes).unwrap();
            assert!(collect(&path).unwrap() == plain, "{suffix}");
            if suffix != "plain" {
                std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
                assert!(matches!(collect(&path), Err(Error::Compressed { .. })), "{suffix}");
            }
        }
    }

    #[test]
    fn bombs_and_endless_records_stop_at_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bomb.zst");
        let mut encoder = zstd::Encoder::new(File::create(&path).unwrap(), 1).unwrap();
        let zeros = vec![0_u8; 1 << 20];
        for _ in 0..16 {
            encoder.write_all(&zeros).unwrap();
        }
        encoder.finish().unwrap();
        assert!(matches!(
            read(&path, Border::EmptyLine, |_| true),
            Err(Error::TooLarge { limit, .. }) if limit == LONGEST_RECORD as u64
        ));
    }

    #[test]
    fn several_xz_streams_and_the_largest_preset_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.xz");
        let plain = text(1000);
        let mut bytes = liblzma::encode_all(plain.as_slice(), 9).unwrap();
        bytes.extend(liblzma::encode_all(plain.as_slice(), 1).unwrap());
        std::fs::write(&path, bytes).unwrap();
        assert!(collect(&path).unwrap() == [plain.clone(), plain].concat());
    }

    #[test]
    fn bzip2_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.bz2");
        std::fs::write(&path, b"BZh9").unwrap();
        let error = collect(&path).unwrap_err();
        assert!(error.with_cause().contains("bzip2 is not supported"));
    }
}
