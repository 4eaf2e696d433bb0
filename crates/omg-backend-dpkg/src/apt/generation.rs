//! The states of what is read, as numbers made of times, sizes and inodes.

use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use omg_core::Generation;

use super::conf::Conf;
use super::settings;

/// Files in the lists directory that say nothing of what can be installed.
const IGNORED: [&str; 4] = ["lock", "partial", "auxfiles", ".omg"];

/// The state of lists, sources, preferences and configuration.
pub(crate) fn catalogue(conf: &Conf) -> Generation {
    let mut digest = Digest::default();
    for path in settings::files(conf) {
        digest.tree(&path);
    }
    digest.tree(&conf.dir("Dir::State::lists"));
    digest.finish()
}

/// The state of what is installed: status, marks, file lists, alternatives, and the configuration
/// that decides which packages are not needed any more.
pub(crate) fn installed(conf: &Conf) -> Generation {
    let mut digest = Digest::default();
    for path in installed_paths(conf) {
        digest.tree(&path);
    }
    // Its entries are thousands; dpkg writes new ones and renames them, which the directory's own
    // time shows.
    digest.path(&dpkg_dir(conf).join("info"));
    // So does update-alternatives with its links, which tell what a command stands for.
    digest.path(&alternatives(conf));
    for path in conf.files() {
        digest.path(path);
    }
    digest.finish()
}

/// The directory of dpkg's database.
pub(crate) fn dpkg_dir(conf: &Conf) -> PathBuf {
    let status = conf.file("Dir::State::status");
    status.parent().map_or_else(|| conf.below_root("/var/lib/dpkg"), Path::to_path_buf)
}

/// The directory of the links that update-alternatives manages.
fn alternatives(conf: &Conf) -> PathBuf {
    conf.below_root("/etc/alternatives")
}

fn installed_paths(conf: &Conf) -> Vec<PathBuf> {
    let dpkg = dpkg_dir(conf);
    let mut paths = vec![conf.file("Dir::State::status"), conf.file("Dir::State::extended_states")];
    paths.extend(["status.d", "updates", "diversions", "arch"].map(|name| dpkg.join(name)));
    paths
}

/// What to watch: directories where there are any, since files are replaced by renaming.
pub(crate) fn watched(conf: &Conf) -> Vec<PathBuf> {
    let dpkg = dpkg_dir(conf);
    let mut paths =
        vec![dpkg.clone(), dpkg.join("info"), dpkg.join("updates"), dpkg.join("status.d")];
    paths.extend(conf.file("Dir::State::extended_states").parent().map(Path::to_path_buf));
    paths.extend([conf.dir("Dir::State::lists"), alternatives(conf)]);
    for path in settings::files(conf) {
        if path.is_dir() {
            paths.push(path.clone());
        }
        paths.extend(path.parent().map(Path::to_path_buf));
    }
    let mut unique: Vec<PathBuf> = Vec::with_capacity(paths.len());
    for path in paths {
        if path.is_dir() && !unique.contains(&path) {
            unique.push(path);
        }
    }
    unique
}

#[derive(Default)]
struct Digest {
    hasher: blake3::Hasher,
}

impl Digest {
    /// A path and, if it is a directory, what is right in it.
    fn tree(&mut self, path: &Path) {
        let data = fs::metadata(path).ok();
        let Some(entries) =
            data.as_ref().filter(|data| data.is_dir()).and_then(|_| fs::read_dir(path).ok())
        else {
            self.entry(path, data.as_ref());
            return;
        };
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.retain(|name| !IGNORED.iter().any(|ignored| name == ignored));
        names.sort();
        for name in names {
            self.path(&path.join(name));
        }
    }

    fn path(&mut self, path: &Path) {
        self.entry(path, fs::metadata(path).ok().as_ref());
    }

    fn entry(&mut self, path: &Path, data: Option<&Metadata>) {
        let name = path.as_os_str().as_bytes();
        self.hasher.update(&(name.len() as u64).to_le_bytes());
        self.hasher.update(name);
        let numbers = data.map_or([0; 4], |data| {
            // A directory's size and inode say nothing that its time does not.
            let size = if data.is_dir() { 0 } else { data.size() };
            [data.mtime().cast_unsigned(), data.mtime_nsec().cast_unsigned(), size, data.ino()]
        });
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

/// When the lists were last refreshed, seconds since the epoch: the newest time of a Release file
/// (apt gives lists the times that the archive's copies have, but directories change when any of
/// them does) or of the stamps that apt's periodic jobs leave.
pub(crate) fn refreshed_at(conf: &Conf) -> Option<u64> {
    let lists = conf.dir("Dir::State::lists");
    let mut paths = vec![lists.join("partial"), lists.clone()];
    paths.push(conf.dir("Dir::State").join("periodic/update-success-stamp"));
    paths.extend(
        fs::read_dir(&lists)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().as_bytes().ends_with(b"Release"))
            .map(|entry| entry.path()),
    );
    let has_lists = paths.len() > 3;
    let times = paths
        .iter()
        .filter_map(|path| fs::metadata(path).ok())
        .filter_map(|data| u64::try_from(data.mtime()).ok());
    times.max().filter(|_| has_lists)
}
