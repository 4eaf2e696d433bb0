//! Where things are. The only file that reads the environment's directories.
//!
//! A directory that belongs to somebody else is never used, whatever the environment says: after
//! `su`, `XDG_RUNTIME_DIR` still names the other user's.

use std::env;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};
use omg_proto::snapshot;

/// The user that this process acts as.
pub fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The daemon's socket: `OMG_SOCKET`, else `omg.sock` in the [runtime directory](runtime).
pub fn socket() -> PathBuf {
    variable("OMG_SOCKET").map_or_else(|| runtime().join("omg.sock"), PathBuf::from)
}

/// The counts for prompts. They stand where [`socket`] would without `OMG_SOCKET`, because a prompt
/// looks there.
pub fn snapshot() -> PathBuf {
    runtime().join(snapshot::FILE_NAME)
}

/// For sockets and the like: `XDG_RUNTIME_DIR` if it is ours, else `/run/user/UID` if that is ours,
/// else `/dev/shm/omg-UID`, which may have to be [made](make).
pub fn runtime() -> PathBuf {
    let ours = uid();
    let named = variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    named
        .filter(|path| belongs_to(path, ours))
        .or_else(|| {
            Some(PathBuf::from(format!("/run/user/{ours}"))).filter(|path| belongs_to(path, ours))
        })
        .unwrap_or_else(|| PathBuf::from(format!("/dev/shm/omg-{ours}")))
}

/// What can be found again: `XDG_CACHE_HOME/omg`, else `~/.cache/omg`. `None` without a home.
pub fn cache() -> Option<PathBuf> {
    home_based("XDG_CACHE_HOME", ".cache")
}

/// What should outlive a reboot: `XDG_STATE_HOME/omg`, else `~/.local/state/omg`.
pub fn state() -> Option<PathBuf> {
    home_based("XDG_STATE_HOME", ".local/state")
}

/// Where a daemon that `omg` started writes its log.
pub fn log() -> Option<PathBuf> {
    Some(state()?.join("omgd.log"))
}

/// The directory of `settings.toml` and `conf.d`: `XDG_CONFIG_HOME/omg`, else `~/.config/omg`.
pub fn settings() -> Option<PathBuf> {
    home_based("XDG_CONFIG_HOME", ".config")
}

/// Name of the cache file for a root; each root has its own, so that they don't push each other out.
pub fn cache_file(root: &Path) -> String {
    if root == Path::new("/") {
        return "omg.redb".to_owned();
    }
    // A changed hash in another build only means that the cache is built again.
    let mut hasher = DefaultHasher::new();
    root.hash(&mut hasher);
    format!("root-{:016x}.redb", hasher.finish())
}

/// `OMG_ROOT`: another system's root.
pub fn root() -> Option<PathBuf> {
    variable("OMG_ROOT").map(PathBuf::from)
}

/// Makes a directory and those above it, for its owner alone.
///
/// # Errors
/// A fault that names it.
pub fn make(directory: &Path) -> Result<(), Fault> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        let message = format!("{} can't be made", directory.display());
        Fault::caused_by(Code::Unwritable, message, &error)
    })
}

/// A variable that is set to something.
pub fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Is it a directory (no link to one) of this user?
fn belongs_to(path: &Path, uid: u32) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == uid)
}

fn home_based(name: &str, below_home: &str) -> Option<PathBuf> {
    let base = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| {
        let home = env::home_dir().filter(|home| home.is_absolute())?;
        Some(home.join(below_home))
    })?;
    Some(base.join("omg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_foreign_directories_are_not_ours() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        assert!(belongs_to(directory.path(), uid()));
        assert!(!belongs_to(&link, uid()));
        assert!(!belongs_to(directory.path(), uid() + 1));
        assert!(!belongs_to(&directory.path().join("missing"), uid()));
    }

    #[test]
    fn every_root_has_its_own_cache_file() {
        assert_eq!(cache_file(Path::new("/")), "omg.redb");
        assert_ne!(cache_file(Path::new("/mnt/a")), cache_file(Path::new("/mnt/b")));
    }
}
