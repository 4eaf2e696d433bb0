//! Unpacks a database and cuts it into pieces that threads can take.

use std::ops::Range;

use crate::archive::Visit;
use crate::error::Error;

/// Bytes of text at which a piece is passed on.
const PIECE: usize = 256 << 10;

/// Some packages' records.
#[derive(Debug, Default)]
pub(super) struct Piece<'a> {
    /// Names of directories, and records that are kept nowhere else, one behind the other.
    pub(super) text: String,
    pub(super) entries: Vec<Entry<'a>>,
    /// Bytes of all records.
    size: usize,
}

/// Where one package stands.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// The directory, `NAME-VERSION-RELEASE`, in the piece's text.
    pub(super) directory: Range<usize>,
    /// `desc`, then `depends`, if there is one.
    pub(super) record: Place<'a>,
}

/// Where a record stands.
#[derive(Clone, Debug)]
pub(super) enum Place<'a> {
    /// In the piece's text.
    Piece(Range<usize>),
    /// In the database, which is kept as a whole.
    Whole(&'a str),
}

/// Puts the files of each directory together.
pub(super) struct Cutter<'a, F> {
    /// The database, if it is kept as a whole.
    whole: &'a [u8],
    directory: Vec<u8>,
    /// All that the directory has so far: a `desc` in that database.
    kept: &'a [u8],
    desc: Vec<u8>,
    depends: Vec<u8>,
    piece: Piece<'a>,
    pass: F,
}

impl<'a, F: FnMut(Piece<'a>)> Cutter<'a, F> {
    /// `whole` is the unpacked database, if it is kept as a whole, or empty.
    pub(super) fn new(whole: &'a [u8], pass: F) -> Self {
        Self {
            whole,
            directory: Vec::new(),
            kept: &[],
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
        let kept = std::mem::take(&mut self.kept);
        if kept.is_empty() && self.desc.is_empty() && self.depends.is_empty() {
            return;
        }
        if self.piece.text.capacity() == 0 {
            let expected = if self.whole.is_empty() { PIECE + (PIECE >> 4) } else { PIECE >> 4 };
            self.piece.text.reserve(expected);
        }
        let directory = push(&mut self.piece.text, &self.directory);
        self.piece.size += kept.len() + self.desc.len() + self.depends.len();
        let record = match std::str::from_utf8(kept) {
            Ok("") => {
                self.join();
                Place::Piece(push(&mut self.piece.text, &self.desc))
            }
            Ok(kept) => Place::Whole(kept),
            Err(_) => Place::Piece(push(&mut self.piece.text, kept)),
        };
        self.desc.clear();
        self.piece.entries.push(Entry { directory, record });
        if self.piece.size >= PIECE {
            (self.pass)(std::mem::take(&mut self.piece));
        }
    }

    /// Puts `depends` behind `desc`.
    fn join(&mut self) {
        if !self.depends.is_empty() {
            // As if each ended by itself: no list of the one goes on in the other.
            while !self.desc.is_empty() && !self.desc.ends_with(b"\n\n") {
                self.desc.push(b'\n');
            }
            self.desc.append(&mut self.depends);
        }
    }
}

impl<'a, F: FnMut(Piece<'a>)> Visit for Cutter<'a, F> {
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
        self.desc.extend_from_slice(std::mem::take(&mut self.kept));
        let place = if file == b"desc" { &mut self.desc } else { &mut self.depends };
        place.extend_from_slice(content);
        Ok(())
    }

    fn file_at(&mut self, path: &[u8], content: &[u8], at: u64) -> Result<(), Error> {
        let start = at as usize;
        let kept = self.whole.get(start..start.saturating_add(content.len())).unwrap_or_default();
        let desc = split(path).filter(|(_, file)| *file == b"desc");
        let Some((directory, _)) = desc.filter(|_| !kept.is_empty()) else {
            return self.file(path, content);
        };
        if directory != self.directory {
            self.flush();
            self.directory.clear();
            self.directory.extend_from_slice(directory);
        }
        if !(self.kept.is_empty() && self.desc.is_empty() && self.depends.is_empty()) {
            return self.file(path, content);
        }
        self.kept = kept;
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
