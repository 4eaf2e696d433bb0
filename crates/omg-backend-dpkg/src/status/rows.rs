//! One compact row for each stanza of a status file, borrowed from its text.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::{memchr, memmem};
use omg_core::PackageState;

use crate::deb822::{self, Block, MAX_STANZA, line_len};

/// What is read of every package without looking at its long fields.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row<'a> {
    /// Name.
    pub name: &'a str,
    /// Version; may be empty where a package is not installed.
    pub version: &'a str,
    /// Architecture; old records of removed packages have none.
    pub architecture: &'a str,
    /// Three words: what is wanted, a flag, how far it got.
    pub status: &'a str,
    /// Priority.
    pub priority: &'a str,
    /// Section.
    pub section: &'a str,
    /// Installed size in KiB, digits.
    pub size: &'a str,
    /// Bytes of the stanza in the text.
    pub record: Range<usize>,
    /// Number among the stanzas of all files.
    pub(crate) order: u32,
}

impl Row<'_> {
    /// The last word of the status: how far dpkg got.
    pub fn state_word(&self) -> &str {
        self.status.split_ascii_whitespace().nth(2).unwrap_or("")
    }

    /// How far dpkg got.
    pub fn state(&self) -> PackageState {
        match self.state_word() {
            "installed" => PackageState::Installed,
            "config-files" | "not-installed" | "" => PackageState::ConfigFiles,
            _ => PackageState::Partial,
        }
    }

    /// Is any of its files there? apt counts such a package as having a current version.
    pub fn is_present(&self) -> bool {
        self.state() != PackageState::ConfigFiles
    }

    /// Did the user ask to keep its version?
    pub fn is_held(&self) -> bool {
        self.status.split_ascii_whitespace().next() == Some("hold")
    }

    /// The first line of its description, looked for in the text that the row was read from.
    pub fn description<'a>(&self, text: &'a str) -> &'a str {
        let record = text.get(self.record.clone()).unwrap_or("");
        let value = match DESCRIPTION.find(record.as_bytes()).and_then(|at| record.get(at + 13..)) {
            Some(value) => value,
            None => Block { text: record, offset: 0 }.get("Description").unwrap_or(""),
        };
        first_line(value)
    }

    /// Bytes on disk, 0 if unknown.
    pub fn installed_size(&self) -> u64 {
        self.size.parse::<u64>().map_or(0, |kib| kib.saturating_mul(1024))
    }
}

/// What [`rows`] finds.
#[derive(Clone, Debug, Default)]
pub struct Rows<'a> {
    /// One for each stanza that could be read, in order.
    pub rows: Vec<Row<'a>>,
    /// The others.
    pub malformed: Vec<Refused>,
}

/// A stanza that is no package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Byte at which its bad line starts.
    pub offset: usize,
    /// What is wrong.
    pub what: &'static str,
}

/// Reads one row from each stanza. The text ends its lines with a newline alone, as
/// [`deb822::clean`] makes it.
///
/// Only as much of a stanza is looked at as is needed: dpkg writes the short fields first. The
/// description stands near the end, [`Row::description`] finds it.
pub fn rows(text: &str) -> Rows<'_> {
    // Real records have about 900 bytes.
    let mut found = Rows { rows: Vec::with_capacity(text.len() / 800), malformed: Vec::new() };
    for block in deb822::scan(text) {
        match row(&block) {
            Ok(Some(row)) => found.rows.push(row),
            Ok(None) => {}
            Err(refused) => found.malformed.push(refused),
        }
    }
    found
}

static DESCRIPTION: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b"\nDescription:"));

/// The fields of a row before the description.
const SHORT_FIELDS: u8 = 7;

fn row<'a>(block: &Block<'a>) -> Result<Option<Row<'a>>, Refused> {
    let refuse = |offset: usize, what| Refused { offset: block.offset + offset, what };
    if block.text.len() > MAX_STANZA {
        return Err(refuse(0, "the stanza is larger than 4 MiB"));
    }
    let text = block.text;
    let bytes = text.as_bytes();
    let mut row = Row { record: block.range(), ..Row::default() };
    let (mut at, mut missing, mut some) = (0, SHORT_FIELDS, false);
    while missing > 0 {
        let Some(rest) = bytes.get(at..) else { break };
        let Some(first) = rest.first() else { break };
        let len = line_len(rest);
        if !matches!(first, b' ' | b'\t' | b'#') {
            some = true;
            let line = text.get(at..at + len).unwrap_or("");
            let Some((field, value)) = row.short_field(line) else {
                if memchr(b':', line.as_bytes()).is_none() {
                    return Err(refuse(at, "a line without a colon"));
                }
                at += len + 1;
                continue;
            };
            if field.is_empty() {
                *field = value.trim_ascii();
                missing -= u8::from(!field.is_empty());
            }
        }
        at += len + 1;
    }
    if !some {
        return Ok(None);
    }
    check(&row).map_err(|what| refuse(0, what))?;
    Ok(Some(row))
}

impl<'a> Row<'a> {
    /// The place for the value of a line, and the value.
    #[inline]
    fn short_field(&mut self, line: &'a str) -> Option<(&mut &'a str, &'a str)> {
        let bytes = line.as_bytes();
        let second = bytes.get(1)?;
        Some(match bytes.first()? {
            b'A' | b'a' => (&mut self.architecture, after(line, "Architecture:")?),
            b'I' | b'i' => (&mut self.size, after(line, "Installed-Size:")?),
            b'V' | b'v' => (&mut self.version, after(line, "Version:")?),
            b'S' | b's' if matches!(second, b't' | b'T') => {
                (&mut self.status, after(line, "Status:")?)
            }
            b'S' | b's' => (&mut self.section, after(line, "Section:")?),
            b'P' | b'p' if matches!(second, b'r' | b'R') => {
                (&mut self.priority, after(line, "Priority:")?)
            }
            b'P' | b'p' => (&mut self.name, after(line, "Package:")?),
            _ => return None,
        })
    }
}

/// What follows the name of a field. dpkg writes them all in one way, but does not insist on it.
#[inline]
fn after<'a>(line: &'a str, name: &'static str) -> Option<&'a str> {
    line.strip_prefix(name).or_else(|| {
        let (start, value) = line.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The first line of a value.
pub(crate) fn first_line(value: &str) -> &str {
    value.get(..line_len(value.as_bytes())).unwrap_or("").trim_ascii()
}

/// dpkg's rules for names; versions and architectures must be words.
fn check(row: &Row<'_>) -> Result<(), &'static str> {
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if row.name.is_empty() {
        return Err("a package without a name");
    }
    let mut bytes = row.name.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !starts_well
        || !bytes
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_'))
    {
        return Err("a package name with characters that dpkg does not allow");
    }
    if !is_word(row.version) {
        return Err("a version that is not a word");
    }
    if !is_word(row.architecture) {
        return Err("an architecture that is not a word");
    }
    if row.version.is_empty() && row.state() == PackageState::Installed {
        return Err("an installed package without a version");
    }
    Ok(())
}
