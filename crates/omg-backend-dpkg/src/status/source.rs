//! The files of dpkg's database, joined into one text.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::deb822;
use crate::error::Error;

/// Largest database that is read, bytes, all files together. One of a full desktop has 8 MiB.
pub(crate) const LARGEST: u64 = 256 << 20;

/// At most this many files of `updates` and `status.d` each. dpkg empties `updates` at 250.
const MOST_PARTS: usize = 20_000;

/// Times a file is read anew because it changed meanwhile.
const ATTEMPTS: u32 = 4;

/// The joined text and where its parts are from.
#[derive(Debug, Default)]
pub(crate) struct Database {
    /// All files, parted by empty lines. Lines end with a newline alone.
    pub(crate) text: String,
    parts: Vec<Part>,
    /// Ends of files that stop within a line, which dpkg's own never do.
    cut: Vec<usize>,
}

#[derive(Debug)]
struct Part {
    start: usize,
    path: PathBuf,
    kind: Kind,
}

/// What a part of the database is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `status`.
    Status,
    /// A file of the journal: its records replace those of `status`.
    Update,
    /// A file of `status.d`: its records say nothing of their state.
    Image,
}

impl Database {
    fn push(&mut self, path: PathBuf, bytes: Vec<u8>, kind: Kind) {
        let part = deb822::clean(bytes);
        let cut = kind != Kind::Image && !part.is_empty() && !part.ends_with('\n');
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.parts.push(Part { start: self.text.len(), path, kind });
        if self.text.is_empty() {
            self.text = part;
        } else {
            self.text.push_str(&part);
        }
        if cut {
            self.cut.push(self.text.len() - 1);
        }
    }

    fn part(&self, offset: usize) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.start <= offset);
        self.parts.get(after.checked_sub(1)?)
    }

    /// What the record at `offset` is from.
    pub(crate) fn kind(&self, offset: usize) -> Kind {
        self.part(offset).map_or(Kind::Status, |part| part.kind)
    }

    /// A warning about the line at `offset`.
    pub(crate) fn place(&self, offset: usize, what: &str) -> String {
        let Some(part) = self.part(offset) else { return what.to_owned() };
        let text = self.text.get(part.start..).unwrap_or("");
        let line = deb822::line_at(text, offset - part.start);
        format!("{}:{line}: {what}", part.path.display())
    }
}

/// Reads `status`, `updates/NNNN` and `status.d/*` below `admin`.
pub(crate) fn read(admin: &Path, warnings: &mut Vec<String>) -> Result<Database, Error> {
    let mut database = Database::default();
    let status = admin.join("status");
    let mut left = LARGEST;
    let found = match read_settled(&status, &mut left) {
        Ok(bytes) => {
            database.push(status.clone(), bytes, Kind::Status);
            true
        }
        Err(Error::Io { source, .. }) if is_absent(&source) => false,
        Err(error) => return Err(error),
    };
    for name in part_names(&admin.join("updates"), is_update, warnings) {
        push_part(
            &mut database,
            admin.join("updates").join(name),
            Kind::Update,
            &mut left,
            warnings,
        )?;
    }
    let scattered = part_names(&admin.join("status.d"), is_status_part, warnings);
    if !found && scattered.is_empty() {
        return Err(Error::NoDatabase { path: status });
    }
    for name in scattered {
        push_part(
            &mut database,
            admin.join("status.d").join(name),
            Kind::Image,
            &mut left,
            warnings,
        )?;
    }
    for end in &database.cut {
        warnings.push(
            database.place(*end, "the file ends within a line; whatever stood behind it is lost"),
        );
    }
    Ok(database)
}

fn push_part(
    database: &mut Database,
    path: PathBuf,
    kind: Kind,
    left: &mut u64,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    match read_settled(&path, left) {
        Ok(bytes) => database.push(path, bytes, kind),
        // dpkg removes its journal when it is done.
        Err(Error::Io { source, .. }) if is_absent(&source) => {}
        Err(error @ Error::TooLarge { .. }) => return Err(error),
        Err(error) => warnings.push(error.with_cause()),
    }
    Ok(())
}

/// dpkg's journal files have numbers for names.
fn is_update(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Images keep a list of digests beside each record.
fn is_status_part(name: &str) -> bool {
    !name.starts_with('.') && !name.ends_with(".md5sums") && !name.ends_with(".preserve")
}

fn part_names(dir: &Path, wanted: fn(&str) -> bool, warnings: &mut Vec<String>) -> Vec<String> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Vec::new(),
        Err(error) => {
            warnings.push(Error::io(dir, "listing it", error).with_cause());
            return Vec::new();
        }
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| wanted(name)).take(MOST_PARTS).collect();
    names.sort_unstable();
    names
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Reads a regular file of at most `left` bytes, and takes its size off. dpkg replaces files by
/// renaming, so an open one stays whole; for those who write in place, the file is read again if
/// its size or time moved meanwhile.
pub(crate) fn read_settled(path: &Path, left: &mut u64) -> Result<Vec<u8>, Error> {
    for _ in 0..ATTEMPTS {
        let file = open(path).map_err(|error| Error::io(path, "opening it", error))?;
        let before = file.metadata().map_err(|error| Error::io(path, "looking at it", error))?;
        if !before.is_file() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(Error::io(path, "opening it", error));
        }
        if before.len() > *left {
            return Err(Error::TooLarge { path: path.to_path_buf(), limit: *left });
        }
        let mut bytes = Vec::with_capacity(before.len() as usize + 1);
        let mut limited = (&file).take(left.saturating_add(1));
        limited.read_to_end(&mut bytes).map_err(|error| Error::io(path, "reading it", error))?;
        if bytes.len() as u64 > *left {
            return Err(Error::TooLarge { path: path.to_path_buf(), limit: *left });
        }
        let after = file.metadata().map_err(|error| Error::io(path, "looking at it", error))?;
        if stamp(&before) == stamp(&after) && bytes.len() as u64 == after.len() {
            *left -= bytes.len() as u64;
            return Ok(bytes);
        }
    }
    Err(Error::Unsettled { path: path.to_path_buf() })
}

/// Opens a file without waiting for anybody: a pipe in its place would block.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn stamp(metadata: &Metadata) -> (u64, i64, i64) {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}
