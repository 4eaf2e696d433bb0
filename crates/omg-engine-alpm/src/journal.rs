//! What a transaction is about to do, put down before it begins and removed when it is over.
//!
//! libalpm keeps no journal: between the old entry of the local database and the new one there is a
//! moment in which neither is there. Killed then, pacman forgets the package; with this list it is known
//! what to finish, and where the file is.
//!
//! The file is `var/lib/omg/alpm/journal`. Its first line is `omg-journal/1 PID`; for each package follows
//! one of fields with tabs between: `add`, name, version, `automatic` or `explicit`, SHA-256 and path of
//! the file; or `remove`, name, version. The last line is `end`.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// How the first line begins.
const FIRST: &str = "omg-journal/1 ";
/// Largest journal that is read, bytes.
const LARGEST: u64 = 16 << 20;

/// The list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Journal {
    pub(crate) pid: u32,
    pub(crate) items: Vec<Item>,
}

/// One package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) version: String,
    /// What comes in its place, if something does; otherwise it goes.
    pub(crate) comes: Option<Comes>,
}

/// A package that comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Comes {
    pub(crate) automatic: bool,
    /// SHA-256, hexadecimal.
    pub(crate) sha256: String,
    /// Where the file can be had.
    pub(crate) file: PathBuf,
}

impl Journal {
    /// Of a transaction that is about to begin.
    pub(crate) fn new(items: Vec<Item>) -> Self {
        Self { pid: std::process::id(), items }
    }

    /// Reads the one that a transaction left.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let failed = |error| Error::io(path, "reading the journal", error);
        let mut text = String::new();
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => {
                file.map_err(failed)?.take(LARGEST).read_to_string(&mut text).map_err(failed)?
            }
        };
        let malformed = || failed(io::Error::new(ErrorKind::InvalidData, "it is no journal"));
        Self::parse(&text).map(Some).ok_or_else(malformed)
    }

    /// Puts it down, so that it outlives this process and this machine's power.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let write = || {
            let new = path.with_extension("new");
            let mut file = File::create(&new)?;
            file.write_all(self.to_string().as_bytes())?;
            file.sync_data()?;
            fs::rename(&new, path)?;
            File::open(path.parent().unwrap_or(path))?.sync_all()
        };
        write().map_err(|error| Error::io(path, "writing the journal", error))
    }

    /// Takes it away: the transaction is over.
    pub(crate) fn remove(path: &Path) -> Result<(), Error> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(path, "removing the journal", error))
            }
            _ => Ok(()),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix("\nend\n")?.lines();
        let pid = lines.next()?.strip_prefix(FIRST)?.parse().ok()?;
        Some(Self { pid, items: lines.map(item).collect::<Option<_>>()? })
    }
}

fn item(line: &str) -> Option<Item> {
    let fields: Vec<&str> = line.split('\t').collect();
    let (name, version, comes) = match fields.as_slice() {
        ["remove", name, version] => (name, version, None),
        ["add", name, version, reason, sha256, file] => {
            let automatic = *reason == "automatic";
            let (sha256, file) = ((*sha256).to_owned(), PathBuf::from(file));
            (name, version, Some(Comes { automatic, sha256, file }))
        }
        _ => return None,
    };
    Some(Item { name: (*name).to_owned(), version: (*version).to_owned(), comes })
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST}{}", self.pid)?;
        for Item { name, version, comes } in &self.items {
            match comes {
                None => writeln!(f, "remove\t{name}\t{version}")?,
                Some(Comes { automatic, sha256, file }) => {
                    let reason = if *automatic { "automatic" } else { "explicit" };
                    let file = file.display();
                    writeln!(f, "add\t{name}\t{version}\t{reason}\t{sha256}\t{file}")?;
                }
            }
        }
        f.write_str("end\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_down_is_read_again_unless_it_is_cut_off() {
        let comes =
            Comes { automatic: true, sha256: "00".repeat(32), file: "/cache/a-1-1.pkg".into() };
        let journal = Journal::new(vec![
            Item { name: "a".into(), version: "1:1-1".into(), comes: Some(comes) },
            Item { name: "b".into(), version: "2-1".into(), comes: None },
        ]);
        let text = journal.to_string();
        assert_eq!(Journal::parse(&text), Some(journal));
        for end in 0..text.len() {
            assert_eq!(Journal::parse(&text[..end]), None, "{end}");
        }
        assert_eq!(Journal::parse("4711\n"), None);
    }
}
