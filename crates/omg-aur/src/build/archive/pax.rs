//! Headers that extend the next entry: pax records and GNU's long names.
//!
//! Format: POSIX.1-2001, "pax Interchange Format": `LENGTH SP KEY=VALUE LF`, the length counting all of it.

use tar::EntryType;

use super::error::{ArchiveError, refused};

/// What is said of the next entry.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Extension {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// It has file capabilities.
    pub(super) capability: bool,
    seen: [bool; 3],
}

impl Extension {
    /// Takes one header; the same thing twice is refused.
    pub(super) fn take(&mut self, kind: EntryType, bytes: &[u8]) -> Result<(), ArchiveError> {
        let slot = match kind {
            EntryType::XHeader => 0,
            EntryType::GNULongName => 1,
            _ => 2,
        };
        if self.seen.get(slot) == Some(&true) {
            return Err(refused("", "an entry has two headers of one kind"));
        }
        if let Some(seen) = self.seen.get_mut(slot) {
            *seen = true;
        }
        match slot {
            0 => self.records(bytes),
            1 => set(&mut self.path, until_nul(bytes)?),
            _ => set(&mut self.link, until_nul(bytes)?),
        }
    }

    fn records(&mut self, mut bytes: &[u8]) -> Result<(), ArchiveError> {
        while !bytes.is_empty() {
            let (key, value, rest) =
                record(bytes).ok_or_else(|| refused("", "a pax record makes no sense"))?;
            match key {
                b"path" => set(&mut self.path, value.to_vec())?,
                b"linkpath" => set(&mut self.link, value.to_vec())?,
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|it| it.parse().ok());
                    set(&mut self.size, size.ok_or_else(|| refused("", "a size is no number"))?)?;
                }
                b"SCHILY.xattr.security.capability" | b"LIBARCHIVE.xattr.security.capability" => {
                    self.capability = true;
                }
                _ if key.starts_with(b"GNU.sparse") => {
                    return Err(refused("", "a file with holes, which readers see differently"));
                }
                // Times, owners and other attributes: pacman takes them as they are.
                _ => {}
            }
            bytes = rest;
        }
        Ok(())
    }
}

fn set<T>(slot: &mut Option<T>, value: T) -> Result<(), ArchiveError> {
    if slot.replace(value).is_some() && !omg_failpoint::weak!("24") {
        return Err(refused("", "an entry has two names or two sizes"));
    }
    Ok(())
}

/// Key, value, and what follows.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(12).position(|&byte| byte == b' ')?;
    let digits = bytes.get(..space)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let (whole, rest) = bytes.split_at_checked(length)?;
    let (line, end) = whole.get(space + 1..)?.split_at_checked(length.checked_sub(space + 2)?)?;
    let equals = line.iter().position(|&byte| byte == b'=')?;
    (end == b"\n").then_some(())?;
    Some((line.get(..equals)?, line.get(equals + 1..)?, rest))
}

fn until_nul(bytes: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let (last, name) =
        bytes.split_last().ok_or_else(|| refused("", "an entry has an empty long name"))?;
    if *last != 0 || name.contains(&0) {
        return Err(refused("", "a long name does not end where it should"));
    }
    Ok(name.to_vec())
}
