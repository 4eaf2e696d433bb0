//! The directory of a log, and its files: whose they must be, and how they are opened.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fstat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::{Error, Result};

/// The largest of the small files, bytes.
const MAX_SMALL: u64 = 4096;

/// The directory. Everything below it is reached through this descriptor and never through a link.
#[derive(Debug)]
pub(super) struct Dir {
    pub(super) path: PathBuf,
    fd: OwnedFd,
    /// Files may be read by all users.
    world_readable: bool,
}

impl Dir {
    /// Opens the directory of a log; makes it if it isn't there.
    pub(super) fn open(path: &Path, world_readable: bool) -> Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => make(path, world_readable)?,
            Err(e) => return Err(Error::io(path, "looking for the directory")(e)),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| match e {
            Errno::LOOP | Errno::NOTDIR => untrusted(path, "is not a directory"),
            e => Error::io(path, "opening the directory")(e.into()),
        })?;
        trusted(path, &fd, false)?;
        Ok(Self { path: path.to_owned(), fd, world_readable })
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file for reading and writing; `secret` ones are for the owner alone.
    pub(super) fn file(&self, name: &str, how: OFlags, secret: bool) -> Result<Option<File>> {
        let path = self.join(name);
        let mode = if secret || !self.world_readable { 0o600 } else { 0o644 };
        let flags = how | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = match openat(&self.fd, name, flags, Mode::from_raw_mode(mode)) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(untrusted(&path, "is a link")),
            Err(e) => return Err(Error::io(&path, "opening it")(e.into())),
        };
        trusted(&path, &fd, true)?;
        if how.contains(OFlags::CREATE) {
            // The umask must not decide who may read the log.
            fchmod(&fd, Mode::from_raw_mode(mode))
                .map_err(|e| Error::io(&path, "setting its mode")(e.into()))?;
        }
        Ok(Some(File::from(fd)))
    }

    /// The same, made if it is not there.
    pub(super) fn file_or_new(&self, name: &str, secret: bool) -> Result<File> {
        let gone = || Error::Absent { path: self.join(name) };
        self.file(name, OFlags::CREATE, secret)?.ok_or_else(gone)
    }

    /// A small file's text.
    pub(super) fn read_small(&self, name: &str) -> Result<Option<String>> {
        let Some(file) = self.file(name, OFlags::empty(), true)? else { return Ok(None) };
        let mut text = String::new();
        file.take(MAX_SMALL)
            .read_to_string(&mut text)
            .map_err(Error::io(&self.join(name), "reading it"))?;
        Ok(Some(text))
    }

    /// Writes a small secret file durably under a name that isn't taken; what was there is replaced.
    pub(super) fn write_secret(&self, name: &str, text: &str) -> Result<()> {
        let path = self.join(name);
        let mut file = self.file_or_new(name, true)?;
        file.set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all())
            .map_err(Error::io(&path, "writing it"))?;
        self.sync()
    }

    /// Puts one file in the place of another, whose bytes are overwritten first.
    pub(super) fn replace_secret(&self, from: &str, to: &str) -> Result<()> {
        if let Some(mut old) = self.file(to, OFlags::empty(), true)? {
            let path = self.join(to);
            let length = old.metadata().map_err(Error::io(&path, "asking its length"))?.len();
            old.write_all(&vec![0; length.min(MAX_SMALL) as usize])
                .and_then(|()| old.sync_all())
                .map_err(Error::io(&path, "erasing it"))?;
        }
        self.rename(from, to)
    }

    /// Gives a file another name, durably.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<()> {
        renameat(&self.fd, from, &self.fd, to)
            .map_err(|e| Error::io(&self.join(to), "putting it into place")(e.into()))?;
        self.sync()
    }

    pub(super) fn remove(&self, name: &str) -> Result<()> {
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(Error::io(&self.join(name), "removing it")(e.into())),
        }
    }

    /// Makes a directory below, for the owner alone.
    pub(super) fn subdirectory(&self, name: &str) -> Result<()> {
        match mkdirat(&self.fd, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(e) => Err(Error::io(&self.join(name), "making the directory")(e.into())),
        }
    }

    /// Makes durable which names there are.
    pub(super) fn sync(&self) -> Result<()> {
        rustix::fs::fsync(&self.fd)
            .map_err(|e| Error::io(&self.path, "making its names durable")(e.into()))
    }
}

/// Makes the directory and those above it that are missing. The umask must not decide who gets to it.
fn make(path: &Path, world_readable: bool) -> Result<()> {
    let missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(missing).collect();
    let mode =
        std::os::unix::fs::PermissionsExt::from_mode(if world_readable { 0o755 } else { 0o700 });
    for dir in missing.into_iter().rev() {
        std::fs::create_dir(dir).map_err(Error::io(dir, "making the directory"))?;
        std::fs::set_permissions(dir, std::fs::Permissions::clone(&mode))
            .map_err(Error::io(dir, "setting its mode"))?;
    }
    Ok(())
}

/// Is it ours, and nobody else's to write? Asked of the open descriptor, so that it can't be another
/// one by the time it is used.
fn trusted(path: &Path, fd: &impl AsFd, plain: bool) -> Result<()> {
    let stat = fstat(fd).map_err(|e| Error::io(path, "asking for its owner")(e.into()))?;
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != own {
        return Err(untrusted(path, format!("belongs to user {}, not to {own}", stat.st_uid)));
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(untrusted(path, "can be written by others"));
    }
    if plain
        && rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile
    {
        return Err(untrusted(path, "is not a file"));
    }
    if plain && stat.st_nlink > 1 {
        return Err(untrusted(path, "has a second name"));
    }
    Ok(())
}

fn untrusted(path: &Path, reason: impl Into<String>) -> Error {
    Error::Untrusted { path: path.to_owned(), reason: reason.into() }
}
