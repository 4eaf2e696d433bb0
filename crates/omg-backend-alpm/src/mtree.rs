//! What a package unpacked: the `mtree` file of its entry in the local database.
//!
//! makepkg writes it with bsdtar in the format of mtree(5): one line for each path with
//! `keyword=value` pairs, `/set` lines with what holds for the lines that follow, names and link
//! targets with `\ooo` for bytes that could be taken for something else. pacman compares the disk
//! with it (`pacman -Qkk`).

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use crate::error::Error;

#[cfg(test)]
mod tests;

/// Largest `mtree` file that is read, bytes as stored. The largest packages of Arch have 4 MB.
pub const LARGEST_FILE: u64 = 64 << 20;
/// Largest text that it may unpack to, bytes.
pub const LARGEST_TEXT: u64 = 128 << 20;
/// Longest line, bytes; a path takes at most 4 for each of its own.
pub const LONGEST_LINE: usize = 64 << 10;
/// Most entries of one package. The largest of Arch have 150,000.
pub const MOST_ENTRIES: usize = 500_000;
/// At most this many warnings are kept.
const MOST_WARNINGS: usize = 64;

/// What kind of file a path is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Kind {
    /// A regular file, and what has no type.
    #[default]
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block device.
    Block,
    /// A character device.
    Character,
}

/// One path of a package as it was unpacked. What the file does not say is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// Path below the root, without a leading slash: `usr/bin/bc`. Never leaves the root.
    pub path: PathBuf,
    /// Type.
    pub kind: Kind,
    /// Permission bits, with those for set-user-id and its like.
    pub mode: Option<u32>,
    /// Numeric owner.
    pub uid: Option<u32>,
    /// Numeric group.
    pub gid: Option<u32>,
    /// Bytes.
    pub size: Option<u64>,
    /// Time of last change, whole seconds since the epoch.
    pub time: Option<i64>,
    /// SHA-256 of the content.
    pub sha256: Option<[u8; 32]>,
    /// Where a symbolic link leads.
    pub link: Option<PathBuf>,
}

/// What an `mtree` file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mtree {
    /// Entries, in the order of the file.
    pub entries: Vec<Entry>,
    /// Lines that make no sense, with their numbers.
    pub warnings: Vec<String>,
}

/// Reads and unpacks an `mtree` file.
///
/// Lines that make no sense become warnings; the error is that the file can't be read, is not
/// gzip, or exceeds a limit of this module.
pub fn read(path: &Path) -> Result<Mtree, Error> {
    let context = "reading what a package unpacked";
    let file = File::open(path).map_err(|error| Error::io(path, context, error))?;
    let size = file.metadata().map_err(|error| Error::io(path, context, error))?.len();
    let large = |limit, unit| Error::TooLarge { path: path.to_path_buf(), limit, unit };
    if size > LARGEST_FILE {
        return Err(large(LARGEST_FILE, "bytes"));
    }
    let mut text = Vec::new();
    let unpacked = flate2::read::MultiGzDecoder::new(file.take(LARGEST_FILE));
    unpacked
        .take(LARGEST_TEXT + 1)
        .read_to_end(&mut text)
        .map_err(|source| Error::Archive { path: path.to_path_buf(), source })?;
    if text.len() as u64 > LARGEST_TEXT {
        return Err(large(LARGEST_TEXT, "bytes"));
    }
    parse(&text).ok_or_else(|| large(MOST_ENTRIES as u64, "entries"))
}

/// Reads the text of an `mtree` file. `None` if it has more than [`MOST_ENTRIES`].
pub fn parse(text: &[u8]) -> Option<Mtree> {
    let mut found = Mtree::default();
    let mut defaults = Entry::default();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        let result = if line.len() > LONGEST_LINE {
            Err("the line is too long")
        } else if line.is_empty() || line.starts_with(b"#") {
            continue;
        } else if let Some(rest) = line.strip_prefix(b"/set") {
            set(&mut defaults, rest)
        } else if let Some(rest) = line.strip_prefix(b"/unset") {
            unset(&mut defaults, rest);
            Ok(())
        } else {
            entry(line, &defaults).map(|entry| found.entries.push(entry))
        };
        if let Err(what) = result
            && found.warnings.len() < MOST_WARNINGS
        {
            found.warnings.push(format!("line {}: {what}", number + 1));
        }
        if found.entries.len() > MOST_ENTRIES {
            return None;
        }
    }
    Some(found)
}

type Malformed = &'static str;

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

fn entry(line: &[u8], defaults: &Entry) -> Result<Entry, Malformed> {
    let mut words = words(line);
    let path = unescape(words.next().unwrap_or_default())?;
    let mut entry = Entry { path: below_root(path)?, ..defaults.clone() };
    for word in words {
        take(&mut entry, word)?;
    }
    Ok(entry)
}

fn set(defaults: &mut Entry, rest: &[u8]) -> Result<(), Malformed> {
    words(rest).try_for_each(|word| take(defaults, word))
}

fn unset(defaults: &mut Entry, rest: &[u8]) {
    let none = Entry::default();
    for word in words(rest) {
        match word {
            b"all" => defaults.clone_from(&none),
            b"type" => defaults.kind = none.kind,
            b"mode" => defaults.mode = None,
            b"uid" => defaults.uid = None,
            b"gid" => defaults.gid = None,
            b"size" => defaults.size = None,
            b"time" => defaults.time = None,
            b"sha256" | b"sha256digest" => defaults.sha256 = None,
            b"link" => defaults.link = None,
            _ => {}
        }
    }
}

/// Takes one `keyword=value`; keywords that say nothing of use are passed over.
fn take(entry: &mut Entry, word: &[u8]) -> Result<(), Malformed> {
    let at = memchr::memchr(b'=', word).unwrap_or(word.len());
    let value = word.get(at + 1..).unwrap_or_default();
    match word.get(..at).unwrap_or_default() {
        b"type" => entry.kind = kind(value)?,
        b"mode" => {
            let mode = number(value, 8).filter(|mode| *mode <= 0o7777);
            entry.mode = Some(mode.ok_or("the mode is not one")? as u32);
        }
        b"uid" => entry.uid = Some(id(value)?),
        b"gid" => entry.gid = Some(id(value)?),
        b"size" => entry.size = Some(number(value, 10).ok_or("the size is not a number")?),
        b"time" => entry.time = Some(time(value).ok_or("the time is not a number")?),
        b"sha256" | b"sha256digest" => {
            entry.sha256 = Some(digest(value).ok_or("the SHA-256 is not one")?);
        }
        b"link" => entry.link = Some(OsString::from_vec(unescape(value)?).into()),
        _ => {}
    }
    Ok(())
}

fn kind(value: &[u8]) -> Result<Kind, Malformed> {
    Ok(match value {
        b"file" => Kind::File,
        b"dir" => Kind::Directory,
        b"link" => Kind::Link,
        b"fifo" => Kind::Fifo,
        b"socket" => Kind::Socket,
        b"block" => Kind::Block,
        b"char" => Kind::Character,
        _ => return Err("the type is not known"),
    })
}

fn number(value: &[u8], radix: u32) -> Option<u64> {
    let text = str::from_utf8(value).ok()?;
    // `parse` takes a plus sign, this format has none.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    u64::from_str_radix(text, radix).ok().filter(|_| digits)
}

fn id(value: &[u8]) -> Result<u32, Malformed> {
    number(value, 10).and_then(|id| u32::try_from(id).ok()).ok_or("the owner is not a number")
}

/// Seconds of `1508225567.411591783`; the fraction is of no use and dropped.
fn time(value: &[u8]) -> Option<i64> {
    let text = str::from_utf8(value).ok()?;
    text.split('.').next()?.parse().ok()
}

fn digest(value: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if value.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(value.chunks_exact(2)) {
        let digit = |at: usize| (*pair.get(at)? as char).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(digest)
}

/// Undoes the escapes that bsdtar writes and those that it reads besides.
fn unescape(word: &[u8]) -> Result<Vec<u8>, Malformed> {
    const WRONG: Malformed = "an escape is not one";
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            plain.push(*first);
            continue;
        }
        let (byte, len) = match rest {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), 3)
            }
            [b'\\', ..] => (b'\\', 1),
            [b'a', ..] => (0x07, 1),
            [b'b', ..] => (0x08, 1),
            [b'f', ..] => (0x0c, 1),
            [b'n', ..] => (b'\n', 1),
            [b'r', ..] => (b'\r', 1),
            [b's', ..] => (b' ', 1),
            [b't', ..] => (b'\t', 1),
            [b'v', ..] => (0x0b, 1),
            [b'#', ..] => (b'#', 1),
            _ => return Err(WRONG),
        };
        plain.push(byte);
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(plain)
}

/// A path without `./` in front, provided that it names something below the root.
fn below_root(path: Vec<u8>) -> Result<PathBuf, Malformed> {
    if path.contains(&0) {
        return Err("the path has a NUL in it");
    }
    let path = PathBuf::from(OsString::from_vec(path));
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            _ => return Err("the path leaves the root"),
        }
    }
    if plain.as_os_str().is_empty() { Err("the path is empty") } else { Ok(plain) }
}

impl Entry {
    /// Is this a file of the package itself, which is not unpacked to the root: `.PKGINFO`,
    /// `.BUILDINFO`, `.INSTALL`, `.CHANGELOG`?
    pub fn is_meta(&self) -> bool {
        let mut components = self.path.components();
        let first = components.next().and_then(|name| name.as_os_str().to_str());
        components.next().is_none()
            && matches!(
                first,
                Some(".PKGINFO" | ".BUILDINFO" | ".INSTALL" | ".CHANGELOG" | ".MTREE")
            )
    }
}
