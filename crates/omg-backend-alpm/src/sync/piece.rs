//! Unpacks a database and cuts it into pieces that threads can take.

use std::ops::Range;

use crate::archive::Visit;
use crate::error::Error;

/// Bytes of text at which a piece is passed on.
const PIECE: usize = 256 << 10;

/// Some packages' records.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Names of directories and records, one behind the other.
    pub(super) text: String,
    pub(super) entries: Vec<Entry>,
}

/// Where one package stands in a piece.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The directory, `NAME-VERSION-RELEASE`.
    pub(super) directory: Range<usize>,
    /// `desc`, then `depends`, if there is one.
    pub(super) record: Range<usize>,
}

/// Puts the files of each directory together.
pub(super) struct Cutter<F> {
    directory: Vec<u8>,
    desc: Vec<u8>,
    depends: Vec<u8>,
    piece: Piece,
    pass: F,
}

impl<F: FnMut(Piece)> Cutter<F> {
    pub(super) fn new(pass: F) -> Self {
        Self {
            directory: Vec::new(),
            desc: Vec::new(),
            depends: Vec::new(),
            piece: Piece::default(),
            pass,
        }
    }

    /// Passes on what is left.
    pub(super) fn finish(mut self) {
        self.flush();
        if !self.piece.entries.is_empty() {
            (self.pass)(self.piece);
        }
    }

    fn flush(&mut self) {
        if self.desc.is_empty() && self.depends.is_empty() {
            return;
        }
        if !self.depends.is_empty() {
            // As if each ended by itself: no list of the one goes on in the other.
            while !self.desc.is_empty() && !self.desc.ends_with(b"\n\n") {
                self.desc.push(b'\n');
            }
            self.desc.append(&mut self.depends);
        }
        if self.piece.text.capacity() == 0 {
            self.piece.text.reserve(PIECE + (PIECE >> 4));
        }
        let directory = push(&mut self.piece.text, &self.directory);
        let record = push(&mut self.piece.text, &self.desc);
        self.desc.clear();
        self.piece.entries.push(Entry { directory, record });
        if self.piece.text.len() >= PIECE {
            (self.pass)(std::mem::take(&mut self.piece));
        }
    }
}

impl<F: FnMut(Piece)> Visit for Cutter<F> {
    fn wanted(&mut self, path: &[u8]) -> bool {
        split(path).is_some_and(|(_, file)| file == b"desc" || file == b"depends")
    }

    fn file(&mut self, path: &[u8], content: &[u8]) -> Result<(), Error> {
        let Some((directory, file)) = split(path) else { return Ok(()) };
        if directory != self.directory {
            self.flush();
            self.directory.clear();
            self.directory.extend_from_slice(directory);
        }
        let place = if file == b"desc" { &mut self.desc } else { &mut self.depends };
        place.extend_from_slice(content);
        Ok(())
    }
}

/// What is before the first slash and what after the last, as libalpm cuts it.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = memchr::memchr(b'/', path)?;
    let last = memchr::memrchr(b'/', path)?;
    Some((path.get(..first)?, path.get(last + 1..)?))
}

fn push(text: &mut String, bytes: &[u8]) -> Range<usize> {
    let start = text.len();
    match std::str::from_utf8(bytes) {
        Ok(valid) => text.push_str(valid),
        Err(_) => text.push_str(&String::from_utf8_lossy(bytes)),
    }
    start..text.len()
}
