//! The directory that OMG has below a root, and who may own it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// `var/lib/omg` below a root.
#[derive(Clone, Debug)]
pub(crate) struct State {
    path: PathBuf,
}

impl State {
    /// Makes the directory, or looks whether it is ours and nobody else may write to it.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        let lib = root.join("var/lib");
        fs::create_dir_all(&lib).map_err(Error::io(&lib, "making it"))?;
        let path = lib.join("omg");
        own(&path, 0o755)?;
        Ok(Self { path })
    }

    /// The log of changes.
    pub(crate) fn audit(&self) -> PathBuf {
        self.path.join("audit")
    }

    /// Where files are copied to before they are verified. For root alone.
    pub(crate) fn staging(&self) -> Result<PathBuf, Error> {
        self.below("staging", 0o700)
    }

    /// What is remembered from one change to the next.
    pub(crate) fn memory(&self) -> Result<PathBuf, Error> {
        self.below("state", 0o755)
    }

    fn below(&self, name: &str, mode: u32) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        own(&path, mode)?;
        Ok(path)
    }
}

/// A directory of ours with this mode. One that belongs to somebody else, or a link, is refused.
fn own(path: &Path, mode: u32) -> Result<(), Error> {
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::io(path, "making it")(error)),
    }
    let there = fs::symlink_metadata(path).map_err(Error::io(path, "looking whose it is"))?;
    let own = rustix::process::geteuid().as_raw();
    if !there.is_dir() || there.uid() != own || there.mode() & 0o022 != 0 {
        return Err(Error::Foreign { path: path.to_path_buf(), owner: there.uid() });
    }
    if there.mode() & 0o777 != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(Error::io(path, "setting its mode"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ours_and_closed_or_refused() {
        let root = tempfile::tempdir().unwrap();
        let state = State::open(root.path()).unwrap();
        let staging = state.staging().unwrap();
        assert_eq!(fs::metadata(&staging).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&staging, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(state.staging(), Err(Error::Foreign { .. })));
        fs::remove_dir(&staging).unwrap();
        std::os::unix::fs::symlink(root.path(), &staging).unwrap();
        assert!(matches!(state.staging(), Err(Error::Foreign { .. })));
    }
}
