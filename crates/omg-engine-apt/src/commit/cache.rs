//! apt's cache of archives.

use std::fs;
use std::path::Path;

use super::error::Error;
use super::status::Status;
use crate::describe::file_name;

/// Deletes archives: those of versions that are not installed, or all. Answers with how many files and
/// bytes.
pub(super) fn clean(archives: &Path, status: &Status, all: bool) -> Result<(u64, u64), Error> {
    let installed = status.entries.iter().filter(|entry| entry.is_there());
    let kept: std::collections::HashSet<String> =
        installed.map(|it| file_name(&it.name, &it.version, &it.architecture)).collect();
    let (mut files, mut bytes) = (0, 0);
    for directory in [archives.to_path_buf(), archives.join("partial")] {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io(directory, "reading it")(error)),
        };
        for entry in entries {
            let entry = entry.map_err(Error::io(&directory, "reading it"))?;
            let path = entry.path();
            let there = entry.metadata().map_err(Error::io(&path, "asking for its size"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_archive = path.extension().is_some_and(|it| it == "deb" || it == "ddeb");
            let partial = directory != archives;
            if !there.is_file() || !(is_archive || partial) || name == "lock" {
                continue;
            }
            if all || !kept.contains(&name) {
                fs::remove_file(&path).map_err(Error::io(&path, "deleting it"))?;
                files += 1;
                bytes += there.len();
            }
        }
    }
    Ok((files, bytes))
}
