//! Tar archives: ustar, with pax' and GNU's long names.
//!
//! An own walker and not the crate `tar`: that one takes half as long to step over the 26,000
//! entries of a large database as unpacking it takes, reads long names of any length into memory,
//! and copies what is read here in place. It is compared with that crate in the tests.

use std::io::{self, Read};
use std::path::Path;

use super::{Limits, Visit};
use crate::error::Error;

const BLOCK: usize = 512;
/// Bytes held at first: few enough to stay in the second level cache.
const WINDOW: usize = 256 << 10;
/// Longest pax header or GNU long name, bytes.
const LONGEST_EXTENSION: u64 = 64 << 10;
/// Longest path, bytes.
const LONGEST_PATH: usize = 4096;

/// Walks over all entries, then reads what is left, so that the decoder sees its checksums.
pub(super) fn walk(
    path: &Path,
    source: impl Read,
    limits: Limits,
    visit: &mut impl Visit,
) -> Result<(), Error> {
    let mut window = Window::new(path, source, limits.unpacked);
    let mut name = Vec::new();
    let mut next = Extension::default();
    let mut entries = 0;
    while let Some(header) = window.header()? {
        entries += 1;
        if entries > limits.entries {
            return Err(window.too_large(limits.entries, "entries"));
        }
        match header.kind() {
            b'x' => next.pax(window.content(header.size, LONGEST_EXTENSION)?),
            b'L' => next.long_name(window.content(header.size, LONGEST_EXTENSION)?),
            b'g' | b'K' => {
                window.content(header.size, LONGEST_EXTENSION)?;
            }
            b'S' => return Err(window.malformed("it has a sparse file")),
            kind => {
                let Extension { path, size } = std::mem::take(&mut next);
                match path {
                    Some(path) => name = path,
                    None => header.name(&mut name),
                }
                // Links and devices have no content, whatever their header says.
                let has_content = !matches!(kind, b'1'..=b'6');
                let size = if has_content { size.unwrap_or(header.size) } else { 0 };
                if name.len() > LONGEST_PATH {
                    return Err(window.malformed("it has a path that is too long"));
                }
                let is_file = matches!(kind, b'0' | b'\0' | b'7') && !name.ends_with(b"/");
                if is_file && visit.wanted(&name) {
                    visit.file(&name, window.content(size, limits.entry)?)?;
                } else {
                    window.skip(size)?;
                }
            }
        }
    }
    window.drain()
}

/// What the entries before one say about it.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extension {
    /// Records of the form `LENGTH KEY=VALUE\n`; those that are not are passed over.
    fn pax(&mut self, mut records: &[u8]) {
        while let Some(space) = memchr::memchr(b' ', records) {
            let length = number(records.get(..space).unwrap_or_default());
            let Some((record, rest)) = length.and_then(|length| records.split_at_checked(length))
            else {
                return;
            };
            records = rest;
            let record = record.get(space + 1..).unwrap_or_default();
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            if let Some(value) = record.strip_prefix(b"path=") {
                self.path = Some(value.to_vec());
            } else if let Some(value) = record.strip_prefix(b"size=") {
                self.size = number(value).map(|size| size as u64);
            }
        }
    }

    fn long_name(&mut self, name: &[u8]) {
        self.path = Some(until_nul(name).to_vec());
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

struct Header {
    block: [u8; BLOCK],
    size: u64,
}

impl Header {
    /// `None` if the checksum does not fit or the size is no number.
    fn parse(block: &[u8; BLOCK]) -> Option<Self> {
        let stated = octal(block.get(148..156)?)?;
        let field = block.get(148..156)?.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        // The field itself counts as spaces.
        let whole = sum(block) - field + 8 * u32::from(b' ');
        if stated != u64::from(whole) {
            // Old writers summed up signed bytes.
            let high = block.iter().filter(|byte| **byte > 127).count() as u64;
            if stated.wrapping_add(high * 256) != u64::from(whole) {
                return None;
            }
        }
        let size = size(block.get(124..136)?)?;
        Some(Self { block: *block, size })
    }

    fn kind(&self) -> u8 {
        self.field(156, 1).first().copied().unwrap_or_default()
    }

    /// Puts the path into `name`.
    fn name(&self, name: &mut Vec<u8>) {
        name.clear();
        let prefix = until_nul(self.field(345, 155));
        // GNU's magic, `ustar` and two spaces, says that there is something else in that place.
        if self.field(257, 6) == b"ustar\0" && !prefix.is_empty() {
            name.extend_from_slice(prefix);
            name.push(b'/');
        }
        name.extend_from_slice(until_nul(self.field(0, 100)));
    }

    fn field(&self, at: usize, len: usize) -> &[u8] {
        self.block.get(at..at + len).unwrap_or_default()
    }
}

/// The sum of all bytes, eight at a time, in four lanes of 16 bits. A block adds 128 bytes to each,
/// 32,640 at most.
fn sum(block: &[u8; BLOCK]) -> u32 {
    const LANES: u64 = 0x00ff_00ff_00ff_00ff;
    let (words, _) = block.as_chunks::<8>();
    let lanes = words.iter().fold(0_u64, |lanes, word| {
        let word = u64::from_le_bytes(*word);
        lanes + (word & LANES) + (word >> 8 & LANES)
    });
    (0..4).map(|lane| (lanes >> (16 * lane) & 0xffff) as u32).sum()
}

/// A size: octal, or from 8 GiB on binary, marked by the highest bit.
fn size(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 == 0 {
        return octal(field);
    }
    let start = u64::from(first & 0x7f);
    rest.iter()
        .try_fold(start, |value, byte| (value < 1 << 54).then_some(value << 8 | u64::from(*byte)))
}

/// An octal number between spaces, ended by a space or NUL.
fn octal(field: &[u8]) -> Option<u64> {
    let text = until_nul(field).trim_ascii();
    text.iter().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'7' if value < 1 << 60 => Some(value << 3 | u64::from(byte - b'0')),
        _ => None,
    })
}

/// The part of an unpacked archive that is held in memory.
struct Window<'p, R> {
    path: &'p Path,
    source: R,
    /// Bytes that may still be unpacked, and how many there were.
    left: u64,
    limit: u64,
    held: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes between the last content and the next header.
    padding: u64,
}

impl<'p, R: Read> Window<'p, R> {
    fn new(path: &'p Path, source: R, limit: u64) -> Self {
        let held = vec![0; WINDOW];
        Self { path, source, left: limit, limit, held, start: 0, end: 0, padding: 0 }
    }

    /// The next header; `None` at the end: an empty block, or the end of the file between entries.
    fn header(&mut self) -> Result<Option<Header>, Error> {
        let padding = std::mem::take(&mut self.padding);
        self.forward(padding)?;
        let Some(block) = self.peek(BLOCK)?.first_chunk::<BLOCK>().copied() else {
            return match self.end - self.start {
                0 => Ok(None),
                _ => Err(self.malformed("it ends within a header")),
            };
        };
        self.start += BLOCK;
        if block == [0; BLOCK] {
            return Ok(None);
        }
        match Header::parse(&block) {
            Some(header) => Ok(Some(header)),
            None => Err(self.malformed("it has a header that is damaged")),
        }
    }

    fn content(&mut self, size: u64, limit: u64) -> Result<&[u8], Error> {
        if size > limit {
            return Err(self.too_large(limit, "bytes in one entry"));
        }
        let len = size as usize;
        if self.peek(len)?.len() < len {
            return Err(self.malformed("it ends within an entry"));
        }
        let start = self.start;
        self.start += len;
        self.padding = padding(size);
        Ok(self.held.get(start..start + len).unwrap_or_default())
    }

    fn skip(&mut self, size: u64) -> Result<(), Error> {
        self.padding = padding(size);
        self.forward(size)
    }

    /// Passes over bytes.
    fn forward(&mut self, mut count: u64) -> Result<(), Error> {
        loop {
            let step = count.min((self.end - self.start) as u64);
            self.start += step as usize;
            count -= step;
            if count == 0 {
                return Ok(());
            }
            if self.peek(1)?.is_empty() {
                return Err(self.malformed("it ends within an entry"));
            }
        }
    }

    fn drain(&mut self) -> Result<(), Error> {
        while !self.peek(1)?.is_empty() {
            self.start = self.end;
        }
        Ok(())
    }

    /// What is held, at least `wanted` bytes of it unless the source ends before.
    fn peek(&mut self, wanted: usize) -> Result<&[u8], Error> {
        while self.end - self.start < wanted {
            if self.start > 0 {
                self.held.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            if self.end == self.held.len() {
                // Doubled only when full: a header may claim more than there is.
                self.held.resize(self.held.len() * 2, 0);
            }
            if self.fill()? == 0 {
                break;
            }
        }
        Ok(self.held.get(self.start..self.end).unwrap_or_default())
    }

    fn fill(&mut self) -> Result<usize, Error> {
        let room = self.held.get_mut(self.end..).unwrap_or_default();
        let count = loop {
            match self.source.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let count = count.map_err(|source| Error::Archive { path: self.path.into(), source })?;
        self.end += count;
        self.left = match self.left.checked_sub(count as u64) {
            Some(left) => left,
            None => return Err(self.too_large(self.limit, "bytes unpacked")),
        };
        Ok(count)
    }

    fn malformed(&self, what: &'static str) -> Error {
        let source = io::Error::new(io::ErrorKind::InvalidData, what);
        Error::Archive { path: self.path.into(), source }
    }

    fn too_large(&self, limit: u64, unit: &'static str) -> Error {
        Error::TooLarge { path: self.path.into(), limit, unit }
    }
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}
