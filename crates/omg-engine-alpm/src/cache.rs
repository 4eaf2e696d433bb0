//! pacman's cache of package files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use omg_backend_alpm::conf::Conf;

use crate::error::Error;

/// Name and version of the package in a file, by the file's name: `NAME-VERSION-RELEASE-ARCH.pkg.tar.*`.
pub(crate) fn package_of(file: &str) -> Option<(&str, &str)> {
    let (stem, _) = file.split_once(".pkg.tar")?;
    let (rest, _architecture) = stem.rsplit_once('-')?;
    let (rest_of_name, release) = rest.rsplit_once('-')?;
    let (name, version) = rest_of_name.rsplit_once('-')?;
    let full = rest.get(name.len() + 1..)?;
    (!name.is_empty() && !version.is_empty() && !release.is_empty()).then_some((name, full))
}

/// Package files of a name and version, in the order of the cache directories; signatures are none.
pub(crate) fn find(directories: &[PathBuf], name: &str, version: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in directories {
        // A cache that was never made has nothing.
        let Ok(entries) = fs::read_dir(directory) else { continue };
        let mut here: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| {
                let file = entry.file_name();
                let file = file.to_str().unwrap_or_default();
                package_of(file) == Some((name, version)) && is_whole(file)
            })
            .map(|entry| entry.path())
            .collect();
        here.sort();
        found.append(&mut here);
    }
    found
}

fn is_whole(file: &str) -> bool {
    ![".sig", ".part", ".omg"].iter().any(|suffix| file.ends_with(suffix))
}

/// Deletes package files and their signatures: all but those of `keep`, and what downloads left half
/// done. Answers with files and bytes.
pub(crate) fn clean(
    conf: &Conf,
    keep: Option<&BTreeSet<(String, String)>>,
) -> Result<(u64, u64), Error> {
    let (mut files, mut bytes) = (0, 0);
    for directory in &conf.cache_dirs {
        let Ok(entries) = fs::read_dir(directory) else { continue };
        for entry in entries {
            let entry = entry.map_err(|error| Error::io(directory, "reading the cache", error))?;
            let name = entry.file_name();
            let Some(file) = name.to_str() else { continue };
            let Some((name, version)) = package_of(file) else { continue };
            let kept = keep.is_some_and(|keep| {
                let whole = !file.ends_with(".part") && !file.ends_with(".omg");
                whole && keep.contains(&(name.to_owned(), version.to_owned()))
            });
            if !kept {
                bytes += remove(&entry.path())?;
                files += 1;
            }
        }
    }
    Ok((files, bytes))
}

fn remove(path: &Path) -> Result<u64, Error> {
    let size = fs::symlink_metadata(path).map_or(0, |there| there.len());
    fs::remove_file(path).map_err(|error| Error::io(path, "cleaning the cache", error))?;
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_say_what_is_in_them() {
        for (file, package) in [
            ("acl-2.2.52-4-x86_64.pkg.tar.xz", Some(("acl", "2.2.52-4"))),
            ("dialog-1:1.3_20171209-1-x86_64.pkg.tar.xz.sig", Some(("dialog", "1:1.3_20171209-1"))),
            (
                "ca-certificates-utils-20170307-1-any.pkg.tar.zst",
                Some(("ca-certificates-utils", "20170307-1")),
            ),
            ("core.db.tar.gz", None),
            ("a-1-any.pkg.tar.gz", None),
            ("-1-1-any.pkg.tar.gz", None),
        ] {
            assert_eq!(package_of(file), package, "{file}");
        }
    }
}
