//! The directory that a build may write to, and the one around it, to which it may not.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use omg_sandbox::Identity;

use super::error::BuildError;
use crate::recipes::git::private_directory;

const DOING: &str = "making a directory to build in";

/// Gone with all that is in it when it is dropped.
#[derive(Debug)]
pub(super) struct Workspace {
    outer: PathBuf,
    inner: PathBuf,
}

impl Workspace {
    pub(super) fn new(directory: &Path, name: &str) -> Result<Self, BuildError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let outer = directory.join(format!("{name}.{}.{number}", std::process::id()));
        let inner = outer.join("build");
        // Of a process that was killed and had this number before.
        remove(&outer);
        private_directory(&inner)?;
        if rustix::process::geteuid().is_root() {
            let_through(&outer)?;
        }
        Ok(Self { outer, inner })
    }

    /// Where the build can't write.
    pub(super) fn outer(&self) -> &Path {
        &self.outer
    }

    /// Where it can.
    pub(super) fn inner(&self) -> &Path {
        &self.inner
    }

    pub(super) fn path(&self, part: &str) -> PathBuf {
        self.inner.join(part)
    }

    pub(super) fn make(&self, part: &str) -> Result<(), BuildError> {
        let path = self.path(part);
        fs::create_dir(&path).map_err(|error| BuildError::io(&path, DOING, error))
    }

    /// Makes everything in it that of whoever builds. Nobody has run anything in it yet.
    pub(super) fn give(&self, identity: Option<Identity>) -> Result<(), BuildError> {
        let Some(Identity { uid, gid }) = identity else { return Ok(()) };
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let mut left = vec![self.inner.clone()];
        while let Some(path) = left.pop() {
            let io = |error| BuildError::io(&path, DOING, error);
            lchown(&path, Some(uid), Some(gid)).map_err(io)?;
            if fs::symlink_metadata(&path).map_err(io)?.is_dir() {
                for entry in fs::read_dir(&path).map_err(io)? {
                    left.push(entry.map_err(io)?.path());
                }
            }
        }
        Ok(())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        remove(&self.outer);
    }
}

/// Makes a directory that everybody may look into, and those above it; one that is there stays as it is.
pub(super) fn open_to_all(directory: &Path) -> Result<(), BuildError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)
        .map_err(|error| BuildError::io(directory, DOING, error))
}

/// Others may pass through a directory and see nothing of it.
pub(super) fn let_through(directory: &Path) -> Result<(), BuildError> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o711))
        .map_err(|error| BuildError::io(directory, DOING, error))
}

/// Removes what a build left, also below directories that it closed, and deeper than paths can be.
fn remove(path: &Path) {
    if fs::symlink_metadata(path).is_err() || fs::remove_dir_all(path).is_ok() {
        return;
    }
    for (program, arguments) in [("chmod", ["-R", "u+rwX"]), ("rm", ["-rf", "--one-file-system"])] {
        // If this fails as well, the directory stays and only takes space.
        let _status = Command::new(program)
            .args(arguments)
            .arg("--")
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}
