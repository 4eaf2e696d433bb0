//! The dump's JSON, element by element, in a window that stays small.

use std::io::{self, Read};

use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::package::Entry;

/// Bytes of one package, at most. The largest of the AUR have some 20,000.
pub const MOST_ELEMENT_BYTES: usize = 1 << 20;
/// Packages, at most. The AUR has some 100,000.
pub const MOST_ELEMENTS: u64 = 1_000_000;
/// Bytes that are read at a time.
const CHUNK: usize = 256 << 10;

/// An element of the list: a package, or why it is none.
pub(super) type Element<'a> = Result<Entry<'a>, String>;

/// Calls `each` for every element of a JSON list and gives their number. Reads to the very end, so
/// that a checksum there is checked.
pub(super) fn elements<E: From<Error>>(
    reader: impl Read,
    what: &str,
    most_bytes: u64,
    mut each: impl FnMut(Element<'_>) -> Result<(), E>,
) -> Result<u64, E> {
    let mut window = Window {
        reader: reader.take(most_bytes.saturating_add(1)),
        what,
        most_bytes,
        buffer: Vec::with_capacity(2 * CHUNK),
        start: 0,
        before: 0,
        ended: false,
    };
    if window.token()? != Some(b'[') {
        return Err(window.malformed("expected a list of packages").into());
    }
    let mut count = 0;
    let mut next = window.token_unless(b']')?;
    while next {
        if count >= MOST_ELEMENTS {
            let what = what.into();
            return Err(Error::TooLarge { what, limit: MOST_ELEMENTS, unit: "packages" }.into());
        }
        count += 1;
        window.element(count, &mut each)?;
        next = match window.token()? {
            Some(b',') => true,
            Some(b']') => false,
            _ => return Err(window.malformed("expected ',' or ']' after a package").into()),
        };
    }
    match window.token()? {
        None => Ok(count),
        Some(_) => Err(window.malformed("expected nothing after the list").into()),
    }
}

struct Window<'a, R> {
    reader: io::Take<R>,
    what: &'a str,
    most_bytes: u64,
    buffer: Vec<u8>,
    /// Where in the buffer the next byte is.
    start: usize,
    /// Bytes that came before the buffer.
    before: u64,
    ended: bool,
}

// === impl Window ===

impl<R: Read> Window<'_, R> {
    /// Takes the next byte that is not space; `None` at the end.
    fn token(&mut self) -> Result<Option<u8>, Error> {
        let token = self.peek()?;
        self.start += usize::from(token.is_some());
        Ok(token)
    }

    /// Takes `unless` and gives false, or takes nothing and gives true.
    fn token_unless(&mut self, unless: u8) -> Result<bool, Error> {
        let stays = self.peek()? != Some(unless);
        self.start += usize::from(!stays);
        Ok(stays)
    }

    fn peek(&mut self) -> Result<Option<u8>, Error> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            if let Some(space) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
                self.start += space;
                return Ok(self.buffer.get(self.start).copied());
            }
            self.start = self.buffer.len();
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Hands the element at the front over. Reads on where the buffer ends inside it.
    fn element<E: From<Error>>(
        &mut self,
        number: u64,
        each: &mut impl FnMut(Element<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.peek()?;
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let (result, len) = parse::<Entry<'_>>(rest);
            let problem = match result {
                Ok(entry) => {
                    each(entry.check().map(|()| entry).map_err(|why| self.at(number, &why)))?;
                    self.start += len;
                    return Ok(());
                }
                Err(error) => error,
            };
            // Wrong types don't hide where the element ends.
            if problem.classify() == Category::Data
                && let (Ok(_), len) = parse::<&RawValue>(rest)
            {
                each(Err(self.at(number, &plain(&problem))))?;
                self.start += len;
                return Ok(());
            }
            if problem.classify() == Category::Syntax {
                let reason = self.at(number, &plain(&problem));
                return Err(self.malformed(&reason).into());
            }
            if rest.len() > MOST_ELEMENT_BYTES {
                let what = format!("{}: package {number}", self.what);
                let limit = MOST_ELEMENT_BYTES as u64;
                return Err(Error::TooLarge { what, limit, unit: "bytes" }.into());
            }
            if !self.more()? {
                return Err(self.malformed("it ends inside a package").into());
            }
        }
    }

    /// Reads on; false at the end.
    fn more(&mut self) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.before += self.start as u64;
        self.start = 0;
        let len = self.buffer.len();
        let read = self.reader.by_ref().take(CHUNK as u64).read_to_end(&mut self.buffer);
        let read = read.map_err(|error| self.malformed(&format!("can't be unpacked: {error}")))?;
        self.ended = read == 0;
        if self.before + (len + read) as u64 > self.most_bytes {
            return Err(Error::TooLarge {
                what: format!("{}, unpacked,", self.what),
                limit: self.most_bytes,
                unit: "bytes",
            });
        }
        Ok(!self.ended)
    }

    fn at(&self, number: u64, reason: &str) -> String {
        format!("package {number}, byte {}: {reason}", self.before + self.start as u64)
    }

    fn malformed(&self, reason: &str) -> Error {
        Error::Malformed { what: self.what.into(), line: 0, reason: reason.into() }
    }
}

/// What is wrong, without the place: it counts from the element.
fn plain(problem: &serde_json::Error) -> String {
    let text = problem.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

/// Parses the value at the front and says how long it is.
fn parse<'a, T: serde::Deserialize<'a>>(text: &'a [u8]) -> (Result<T, serde_json::Error>, usize) {
    let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<T>();
    let result = stream.next().unwrap_or_else(|| Err(serde::de::Error::custom("no value")));
    let len = stream.byte_offset();
    (result, len)
}
