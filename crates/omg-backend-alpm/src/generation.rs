//! The states of what is read, as numbers made of times, sizes and inodes.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use omg_core::Generation;
use rustix::fs::{AtFlags, statat};

use crate::conf::Conf;
use crate::local;

/// Ends of the names of files that pacman leaves in the directory of the sync databases.
const SYNC_ENDS: [&str; 4] = [".db", ".db.sig", ".files", ".files.sig"];

/// The state of the configuration, the sync databases and their lists of files.
pub(crate) fn catalogue(conf: &Conf) -> Generation {
    let mut digest = Digest::default();
    digest.configuration(conf);
    let sync = sync_dir(conf);
    for name in names(&sync, is_sync) {
        digest.path(&sync.join(name));
    }
    digest.finish()
}

/// The state of what is installed. An installation makes a directory below `local/`, a removal
/// takes one away, and `pacman -D` writes a `desc` anew; lists of files change with the directory
/// that they are in, after the `desc`.
pub(crate) fn installed(conf: &Conf) -> Generation {
    let mut digest = Digest::default();
    digest.configuration(conf);
    digest.entries(&local_dir(conf), "desc");
    digest.finish()
}

/// The state of the lists of files of what is installed.
pub(crate) fn lists(local: &Path) -> Generation {
    let mut digest = Digest::default();
    digest.entries(local, "files");
    digest.finish()
}

/// The directory of the local database.
pub(crate) fn local_dir(conf: &Conf) -> PathBuf {
    conf.db_path.join("local")
}

/// The directory of the sync databases.
pub(crate) fn sync_dir(conf: &Conf) -> PathBuf {
    conf.db_path.join("sync")
}

/// What to watch: the directories that files are replaced in. pacman holds a lock in the first of
/// them during each change, also one that only rewrites a file further down.
pub(crate) fn watched(conf: &Conf) -> Vec<PathBuf> {
    let mut paths = vec![conf.db_path.clone(), local_dir(conf), sync_dir(conf)];
    paths.extend(conf.files.iter().filter_map(|path| path.parent().map(Path::to_path_buf)));
    let mut unique: Vec<PathBuf> = Vec::with_capacity(paths.len());
    for path in paths {
        if path.is_dir() && !unique.contains(&path) {
            unique.push(path);
        }
    }
    unique
}

/// When the sync databases were last refreshed, seconds since the epoch. pacman gives a database
/// the time that the server's copy has; the directory's own time tells of refreshes that brought
/// nothing new.
pub(crate) fn refreshed_at(conf: &Conf) -> Option<u64> {
    let sync = sync_dir(conf);
    let databases = names(&sync, |name| name.as_encoded_bytes().ends_with(b".db"));
    if databases.is_empty() {
        return None;
    }
    let paths = databases.iter().map(|name| sync.join(name)).chain([sync.clone()]);
    let times = paths.filter_map(|path| fs::metadata(path).ok());
    times.filter_map(|data| u64::try_from(data.mtime()).ok()).max()
}

fn is_sync(name: &OsString) -> bool {
    SYNC_ENDS.iter().any(|end| name.as_encoded_bytes().ends_with(end.as_bytes()))
}

/// Names in a directory, sorted.
fn names(dir: &Path, wanted: impl Fn(&OsString) -> bool) -> Vec<OsString> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name()).filter(wanted).collect();
    names.sort_unstable();
    names
}

#[derive(Default)]
struct Digest {
    hasher: blake3::Hasher,
}

impl Digest {
    fn configuration(&mut self, conf: &Conf) {
        for path in &conf.files {
            self.path(path);
        }
    }

    fn path(&mut self, path: &Path) {
        let data = fs::metadata(path).ok();
        self.name(path.as_os_str().as_bytes());
        self.numbers(data.as_ref().map_or([0; 4], numbers));
    }

    /// The local database: its directory's own state and that of one file of each package.
    fn entries(&mut self, local: &Path, file: &str) {
        self.path(&local.join(local::VERSION_FILE));
        let Ok(dir) = fs::File::open(local) else { return };
        let mut path = Vec::new();
        for name in names(local, |_| true) {
            path.clear();
            path.extend_from_slice(name.as_bytes());
            path.push(b'/');
            path.extend_from_slice(file.as_bytes());
            self.name(name.as_bytes());
            // Relative to the open directory: half the time of whole paths.
            let data = statat(&dir, path.as_slice(), AtFlags::empty()).ok();
            self.numbers(data.map_or([0; 4], |data| {
                [data.st_mtime as u64, data.st_mtime_nsec, data.st_size as u64, data.st_ino]
            }));
        }
    }

    fn name(&mut self, name: &[u8]) {
        self.hasher.update(&(name.len() as u64).to_le_bytes());
        self.hasher.update(name);
    }

    fn numbers(&mut self, numbers: [u64; 4]) {
        for number in numbers {
            self.hasher.update(&number.to_le_bytes());
        }
    }

    fn finish(&self) -> Generation {
        let mut bytes = [0; 8];
        self.hasher.finalize_xof().fill(&mut bytes);
        Generation(u64::from_le_bytes(bytes))
    }
}

/// Time, size and inode. Directories have only their time: their size says nothing more.
fn numbers(data: &Metadata) -> [u64; 4] {
    let size = if data.is_dir() { 0 } else { data.size() };
    [data.mtime().cast_unsigned(), data.mtime_nsec().cast_unsigned(), size, data.ino()]
}
