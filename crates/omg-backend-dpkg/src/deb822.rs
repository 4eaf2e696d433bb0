//! Stanzas of `Field: value` lines: dpkg's status, apt's lists, deb822 sources, `extended_states`.
//!
//! The format is that of deb822(5): stanzas are parted by empty lines, a line that begins with a
//! space or a tab continues the field above it, and a line that begins with `#` is a comment.
//! Nothing is copied; names and values are slices of the text.
//!
//! Empty lines are found with one SIMD search for two newlines in a row, not line by line: lines
//! are short, and a search that is begun anew for each of them costs five times as much.
//!
//! Limits: a stanza may have [`MAX_STANZA`] bytes. A malformed stanza is an error item with its
//! line, and the next one is read as usual.
//!
//! ```
//! use omg_backend_dpkg::deb822;
//!
//! let text = "Package: vim\nVersion: 2:9.0\n\nno colon here\n\nPackage: ed\n";
//! let names: Vec<_> = deb822::stanzas(text).flatten().filter_map(|stanza| stanza.get("package")).collect();
//! assert_eq!(names, ["vim", "ed"]);
//! assert_eq!(deb822::stanzas(text).filter_map(Result::err).next().map(|bad| bad.line), Some(4));
//! ```

use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem};

mod fields;
mod newline;
#[cfg(test)]
mod tests;

pub use fields::{Field, Fields, lines};
pub(crate) use newline::line_len;

/// Most bytes that one stanza may have.
pub const MAX_STANZA: usize = 4 << 20;

/// One stanza, every line of which is a field, a continuation or a comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stanza<'a> {
    /// Number of its first line in the file, from 1.
    pub line: u32,
    block: Block<'a>,
}

impl<'a> Stanza<'a> {
    /// The value of the first field of this name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.block.get(name)
    }

    /// All fields in order.
    pub fn fields(&self) -> Fields<'a> {
        self.block.fields()
    }

    /// The text without the newline that ends it.
    pub fn text(&self) -> &'a str {
        self.block.text
    }

    /// Its byte range in the text.
    pub fn range(&self) -> Range<usize> {
        self.block.range()
    }
}

/// A stanza whose lines nobody has looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block<'a> {
    /// Its text without the newline that ends it. Never empty.
    pub text: &'a str,
    /// Byte at which it starts.
    pub offset: usize,
}

impl<'a> Block<'a> {
    /// The value of the first field of this name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.fields().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// All fields in order. Lines that are none are passed over, and told by
    /// [`Fields::malformed`].
    pub fn fields(&self) -> Fields<'a> {
        Fields::new(self.text)
    }

    /// Its byte range in the text.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.text.len()
    }
}

/// Where a stanza is not as it must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// Line in the file, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Malformed {}

/// Reads stanza by stanza and looks at every line. Takes text with either kind of line end.
pub fn stanzas(text: &str) -> Stanzas<'_> {
    Stanzas { blocks: blocks(text), text, counted: 0, line: 1 }
}

/// Iterator of [`stanzas`].
#[derive(Clone, Debug)]
pub struct Stanzas<'a> {
    blocks: Blocks<'a>,
    text: &'a str,
    counted: usize,
    line: u32,
}

impl<'a> Iterator for Stanzas<'a> {
    type Item = Result<Stanza<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let block = self.blocks.next()?;
            self.line += newlines(self.text.get(self.counted..block.offset)?);
            self.counted = block.offset;
            let line = self.line;
            if block.text.len() > MAX_STANZA {
                return Some(Err(Malformed { line, what: "the stanza is larger than 4 MiB" }));
            }
            let mut fields = block.fields();
            let mut some = false;
            while fields.next().is_some() {
                some = true;
            }
            return match fields.malformed() {
                Some((at, what)) => {
                    Some(Err(Malformed { line: line + newlines(block.text.get(..at)?), what }))
                }
                None if some => Some(Ok(Stanza { line, block })),
                // Nothing but comments.
                None => continue,
            };
        }
    }
}

fn newlines(text: &str) -> u32 {
    memchr_iter(b'\n', text.as_bytes()).count() as u32
}

/// The line, from 1, that the byte `offset` is on.
pub fn line_at(text: &str, offset: usize) -> u32 {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    memchr_iter(b'\n', before).count() as u32 + 1
}

/// Splits text into stanzas and does not look into them. Takes text with either kind of line end.
pub fn blocks(text: &str) -> Blocks<'_> {
    let carriage = memchr(b'\r', text.as_bytes()).is_some();
    Blocks { carriage, ..scan(text) }
}

/// As [`blocks`], for text that is known to end its lines with a newline alone, such as that of
/// [`clean`]: the fastest way to the stanzas.
pub fn scan(text: &str) -> Blocks<'_> {
    Blocks { text, at: 0, carriage: false, finder: memmem::Finder::new(b"\n\n") }
}

/// Iterator of [`blocks`] and [`scan`].
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    text: &'a str,
    at: usize,
    carriage: bool,
    finder: memmem::Finder<'static>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    #[inline]
    fn next(&mut self) -> Option<Block<'a>> {
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            match rest.first()? {
                b'\n' => self.at += 1,
                b'\r' if self.carriage => self.at += 1,
                _ => break,
            }
        }
        let offset = self.at;
        let rest = self.text.as_bytes().get(offset..)?;
        let mut len = self.finder.find(rest).unwrap_or(rest.len());
        if self.carriage {
            len = blank_line(rest.get(..len)?).unwrap_or(len);
        }
        self.at = offset + len + 1;
        let text = self.text.get(offset..offset + len)?;
        // The last stanza ends with the newline of its last line, if it has one.
        let text = text.strip_suffix('\n').unwrap_or(text);
        Some(Block { text: text.strip_suffix('\r').unwrap_or(text), offset })
    }
}

/// The newline before the first line that holds only a carriage return.
fn blank_line(block: &[u8]) -> Option<usize> {
    memmem::find_iter(block, b"\n\r").find(|at| matches!(block.get(at + 2), None | Some(b'\n')))
}

/// Makes text of bytes: what is not UTF-8 becomes U+FFFD, and lines end with a newline alone.
/// Bytes that are so already are not copied.
pub fn clean(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    if memchr(b'\r', text.as_bytes()).is_none() {
        return text;
    }
    text.replace("\r\n", "\n")
}
