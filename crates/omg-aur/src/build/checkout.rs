//! The files of the reviewed commit, written out.
//!
//! They come from git's objects as the review read them, not from `git checkout`: no attribute, filter or
//! hook has a say. Every file is made anew below one directory, and nothing is written through a link.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::error::{BuildError, shown};
use crate::recipes::{Content, FileKind, Files, RecipeFile};

const DOING: &str = "writing the recipe";

/// Writes the files into an empty directory.
///
/// # Errors
/// If a file was not read in full, has an odd path, or is a link that leads out.
pub(super) fn write(files: &Files, directory: &Path) -> Result<(), BuildError> {
    if files.more {
        return Err(BuildError::unfit("it has more files than are reviewed"));
    }
    let io = |error| BuildError::io(directory, DOING, error);
    let root: OwnedFd = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::DIRECTORY.bits().cast_signed())
        .open(directory)
        .map_err(io)?
        .into();
    // Links last, so that there is none to write through.
    let is_link = |file: &&RecipeFile| file.kind == FileKind::Symlink;
    for file in files.files.iter().filter(|it| !is_link(it)) {
        plain(&root, file)?;
    }
    for file in files.files.iter().filter(is_link) {
        link(&root, file)?;
    }
    Ok(())
}

fn plain(root: &OwnedFd, file: &RecipeFile) -> Result<(), BuildError> {
    let unfit = |reason: &str| Err(BuildError::unfit(format!("'{}': {reason}", file.path)));
    if file.odd_path {
        return unfit("a path that no recipe needs");
    }
    let bytes = match (&file.kind, &file.content) {
        // makepkg fetches submodules through its own sources.
        (FileKind::Submodule, _) => return Ok(()),
        (_, Content::Text(text)) => text.as_bytes(),
        (_, Content::Bytes(bytes)) => bytes,
        (_, Content::TooLarge | Content::Absent) => {
            return unfit("a file that is too large to be reviewed");
        }
    };
    let mode = if file.kind == FileKind::Executable { 0o755 } else { 0o644 };
    let path = Path::new(std::ffi::OsStr::from_bytes(&file.raw));
    let io = |error: rustix::io::Errno| BuildError::io(path, DOING, error);
    let parent = parent(root, path)?;
    let name = path.file_name().unwrap_or_default();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(mode)).map_err(io)?;
    File::from(opened).write_all(bytes).map_err(|error| BuildError::io(path, DOING, error))
}

fn link(root: &OwnedFd, file: &RecipeFile) -> Result<(), BuildError> {
    let Content::Text(target) = &file.content else {
        return Err(BuildError::unfit(format!("'{}' is a link to no path", file.path)));
    };
    let stays = !target.starts_with('/') && !target.split('/').any(|part| part == "..");
    if file.odd_path || !stays {
        let target = shown(target);
        return Err(BuildError::unfit(format!("'{}' is a link out, to {target}", file.path)));
    }
    let path = Path::new(std::ffi::OsStr::from_bytes(&file.raw));
    let parent = parent(root, path)?;
    rustix::fs::symlinkat(target.as_str(), &parent, path.file_name().unwrap_or_default())
        .map_err(|error| BuildError::io(path, DOING, error))
}

/// The directory that a file is to be in, made if it is not there.
fn parent(root: &OwnedFd, path: &Path) -> Result<OwnedFd, BuildError> {
    let io = |error: rustix::io::Errno| BuildError::io(path, DOING, error);
    let mut directory = root.try_clone().map_err(|error| BuildError::io(path, DOING, error))?;
    for part in path.parent().into_iter().flat_map(Path::components) {
        let made = rustix::fs::mkdirat(&directory, part.as_os_str(), Mode::from_raw_mode(0o755));
        if let Err(error) = made
            && error != rustix::io::Errno::EXIST
        {
            return Err(io(error));
        }
        directory =
            below(&directory, Path::new(part.as_os_str()), OFlags::DIRECTORY).map_err(io)?;
    }
    Ok(directory)
}

/// Opens something below a directory, through no link and out of no mount.
pub(super) fn below(
    directory: impl AsFd,
    path: &Path,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    // No terminal is taken, and no pipe waited for, whatever stands there.
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    rustix::fs::openat2(directory, path, flags, Mode::empty(), resolve)
}
