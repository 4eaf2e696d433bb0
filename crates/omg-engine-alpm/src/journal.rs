//! What a transaction is about to do, put down before it begins and removed when it is over.
//!
//! libalpm keeps no journal: between the old entry of the local database and the new one there is a
//! moment in which neither is there. Killed then, pacman forgets the package; with this list it is known
//! what to finish, and where the file is.
//!
//! The file is `var/lib/omg/alpm/journal`. Its first line is `omg-journal/2 PID BOOT`, with
//! the kernel's boot id; for each package follows
//! one of fields with tabs between: `add`, name, version, `automatic` or `explicit`, SHA-256 and path of
//! the file, the version that was there before or nothing; or `remove`, name, version. `again` stands for
//! `add` where it can't be believed that a package is installed because the local database says so: the
//! transaction failed, for want of room for one, or the power was cut, and libalpm makes nothing durable. The last line is `end`.
//!
//! Beside it lies `spare`: room to write the journal anew when the disk is full.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// How the first line begins.
const FIRST: &str = "omg-journal/2 ";
/// Bytes that a file system gives out at a time.
const PAGE: usize = 4096;
/// Largest journal that is read, bytes.
const LARGEST: u64 = 16 << 20;

/// The list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Journal {
    pub(crate) pid: u32,
    boot: String,
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
    /// The version that it takes the place of.
    pub(crate) old: Option<String>,
    /// It was not unpacked to its end, whatever the local database says.
    pub(crate) again: bool,
}

impl Journal {
    /// Of a transaction that is about to begin.
    pub(crate) fn new(items: Vec<Item>) -> Self {
        Self { pid: std::process::id(), boot: boot(), items }
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
        let mut journal = Self::parse(&text).ok_or_else(malformed)?;
        if journal.boot != boot() {
            journal.doubt();
        }
        Ok(Some(journal))
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

    /// The same, and puts room aside for [`Self::fail`].
    pub(crate) fn begin(&self, path: &Path) -> Result<(), Error> {
        let spare = spare(path);
        let room = self.to_string().len().next_multiple_of(PAGE) + PAGE;
        fs::write(&spare, vec![b' '; room])
            .map_err(|error| Error::io(&spare, "putting room aside", error))?;
        self.write(path)
    }

    /// Notes that the transaction failed half way. libalpm may have written entries of the database to a
    /// full disk without noticing, so none of them is believed.
    pub(crate) fn fail(mut self, path: &Path) -> Result<(), Error> {
        self.doubt();
        gone(&spare(path), "giving room back")?;
        self.write(path)
    }

    fn doubt(&mut self) {
        for comes in self.items.iter_mut().filter_map(|item| item.comes.as_mut()) {
            comes.again = true;
        }
    }

    /// Takes it away: the transaction is over.
    pub(crate) fn remove(path: &Path) -> Result<(), Error> {
        gone(&spare(path), "giving room back")?;
        gone(path, "removing the journal")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix("\nend\n")?.lines();
        let (pid, boot) = lines.next()?.strip_prefix(FIRST)?.split_once(' ')?;
        let (pid, boot) = (pid.parse().ok()?, boot.to_owned());
        Some(Self { pid, boot, items: lines.map(item).collect::<Option<_>>()? })
    }
}

/// Which run of the kernel this is; nothing where that can't be seen.
fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

fn spare(path: &Path) -> PathBuf {
    path.with_file_name("spare")
}

fn gone(path: &Path, context: &'static str) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path, context, error)),
        _ => Ok(()),
    }
}

fn item(line: &str) -> Option<Item> {
    let fields: Vec<&str> = line.split('\t').collect();
    let (name, version, comes) = match fields.as_slice() {
        ["remove", name, version] => (name, version, None),
        [verb @ ("add" | "again"), name, version, reason, sha256, file, old] => {
            let comes = Comes {
                automatic: *reason == "automatic",
                sha256: (*sha256).to_owned(),
                file: PathBuf::from(file),
                old: Some((*old).to_owned()).filter(|old| !old.is_empty()),
                again: *verb == "again",
            };
            (name, version, Some(comes))
        }
        _ => return None,
    };
    Some(Item { name: (*name).to_owned(), version: (*version).to_owned(), comes })
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST}{} {}", self.pid, self.boot)?;
        for Item { name, version, comes } in &self.items {
            match comes {
                None => writeln!(f, "remove\t{name}\t{version}")?,
                Some(Comes { automatic, sha256, file, old, again }) => {
                    let verb = if *again { "again" } else { "add" };
                    let reason = if *automatic { "automatic" } else { "explicit" };
                    let (file, old) = (file.display(), old.as_deref().unwrap_or_default());
                    writeln!(f, "{verb}\t{name}\t{version}\t{reason}\t{sha256}\t{file}\t{old}")?;
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
        let comes = Comes {
            automatic: true,
            sha256: "00".repeat(32),
            file: "/cache/a-1-1.pkg".into(),
            old: None,
            again: false,
        };
        let more =
            Comes { automatic: false, old: Some("1-1".into()), again: true, ..comes.clone() };
        let journal = Journal::new(vec![
            Item { name: "a".into(), version: "1:1-1".into(), comes: Some(comes) },
            Item { name: "c".into(), version: "3-1".into(), comes: Some(more) },
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
