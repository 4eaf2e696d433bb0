//! When and as what the databases were last written, to see whether somebody changed them.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::Error;

/// One file: inode, size, time.
type Mark = (u64, u64, i64, i64);

/// All files of the sync databases, and the `desc` of every installed package.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Stamp(Vec<(std::ffi::OsString, Option<Mark>)>);

impl Stamp {
    pub(crate) fn of(databases: &Path) -> Result<Self, Error> {
        let mut marks = Vec::new();
        for (directory, file) in [("local", Some("desc")), ("sync", None)] {
            let directory = databases.join(directory);
            let failed = |error| Error::io(&directory, "looking for changes", error);
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                entries => entries.map_err(failed)?,
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                let path = match file {
                    Some(file) => entry.path().join(file),
                    None => entry.path(),
                };
                marks.push((entry.file_name(), fs::metadata(path).ok().map(|there| mark(&there))));
            }
        }
        marks.sort();
        Ok(Self(marks))
    }
}

fn mark(there: &Metadata) -> Mark {
    (there.ino(), there.size(), there.mtime(), there.mtime_nsec())
}
