//! Files on their way into the store. They survive the end of a process and are gone on with.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use omg_failpoint::{reach, weak};
use rustix::fs::{self, AtFlags, FallocateFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{BLOCK, Blob, Store, make_dir, sync_dir};
use crate::{Error, Hasher, Sha256};

/// Bytes of the note that says where a partial file is from, at most.
const MOST_NOTE_BYTES: u64 = 16 << 10;

/// Files with less than this are not worth more than writing them: neither space is reserved for
/// them nor noted where they are from.
pub(crate) const SMALL: u64 = 256 << 10;

/// A file that is being written. Nobody else writes it while this exists.
pub(crate) struct Partial {
    store: Store,
    file: File,
    path: PathBuf,
    hasher: Hasher,
    length: u64,
    /// Length up to which the file system has promised space.
    reserved: u64,
}

/// Where the bytes of a partial file are from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Origins {
    /// The URL that was asked first.
    pub(crate) url: String,
    /// What names the version of the file there: a strong ETag, or a date.
    pub(crate) validator: String,
}

impl Store {
    /// Opens the partial file of this name, with what is in it; `None` if another has it.
    pub(crate) fn partial(&self, name: &str) -> Result<Option<Partial>, Error> {
        let path = self.dir().join("partial").join(name);
        let failed = |errno: Errno| Error::io(&path, "opening a partial file")(errno.into());
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let file = fs::open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
            match fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(failed(errno)),
            }
            // Between opening and locking another may have renamed or removed it.
            let own = fs::fstat(&file).map_err(failed)?;
            match fs::statat(fs::CWD, &path, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(named) if (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino) => {}
                Ok(_) | Err(Errno::NOENT) => continue,
                Err(errno) => return Err(failed(errno)),
            }
            let mut partial = Partial {
                store: self.clone(),
                file: File::from(file),
                path,
                hasher: Hasher::default(),
                length: 0,
                reserved: 0,
            };
            partial.read_back()?;
            return Ok(Some(partial));
        }
    }
}

impl Partial {
    /// Takes in what is there already.
    fn read_back(&mut self) -> Result<(), Error> {
        let mut buffer = vec![0; BLOCK];
        loop {
            let read = self.file.read_at(&mut buffer, self.length);
            let read = match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(Error::io(&self.path, "reading a partial file"))?,
            };
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            self.hasher.update(bytes);
            self.length += read as u64;
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of what is here.
    pub(crate) fn digest(&self) -> Sha256 {
        self.hasher.clone().finish()
    }

    /// Asks the file system for space up to this length, so that a full disk is known early. The
    /// oldest files of the store make room. File systems that can't promise are not asked again.
    pub(crate) fn reserve(&mut self, length: u64) -> Result<(), Error> {
        if length <= self.reserved.max(self.length).max(SMALL) {
            return Ok(());
        }
        let ask = |partial: &Self| {
            let (from, more) = (partial.length, length - partial.length);
            fs::fallocate(&partial.file, FallocateFlags::KEEP_SIZE, from, more)
        };
        let answer = match ask(self) {
            Err(Errno::NOSPC | Errno::DQUOT) => {
                self.store.make_room(length - self.length)?;
                ask(self)
            }
            answer => answer,
        };
        match answer {
            Ok(()) => self.reserved = length,
            Err(errno @ (Errno::NOSPC | Errno::DQUOT)) => {
                // Gives back what was promised before space ran out.
                let _ = fs::ftruncate(&self.file, self.length);
                return Err(Error::io(&self.path, "reserving space for a file")(errno.into()));
            }
            Err(_) => self.reserved = u64::MAX,
        }
        Ok(())
    }

    /// Adds bytes at the end.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .write_all_at(bytes, self.length)
            .map_err(Error::io(&self.path, "writing a partial file"))?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        reach!("fetch.partial.written");
        Ok(())
    }

    /// Takes over a whole file without copying, where the file system can; `false` if it can't. The
    /// bytes are this file's own from then on.
    pub(crate) fn share(&mut self, from: &File) -> Result<bool, Error> {
        if fs::ioctl_ficlone(&self.file, from).is_err() {
            return Ok(false);
        }
        self.hasher = Hasher::default();
        self.length = 0;
        self.read_back()?;
        Ok(true)
    }

    /// Begins anew.
    pub(crate) fn restart(&mut self) -> Result<(), Error> {
        self.hasher = Hasher::default();
        self.length = 0;
        self.reserved = 0;
        self.file.set_len(0).map_err(Error::io(&self.path, "emptying a partial file"))?;
        self.forget_origins();
        Ok(())
    }

    /// Where the bytes are from, if that was noted.
    pub(crate) fn origins(&self) -> Option<Origins> {
        use std::io::Read as _;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let note = fs::open(self.note(), flags, Mode::empty()).ok()?;
        let mut text = String::new();
        File::from(note).take(MOST_NOTE_BYTES).read_to_string(&mut text).ok()?;
        let (url, validator) = text.strip_suffix('\n')?.split_once('\n')?;
        Some(Origins { url: url.into(), validator: validator.into() })
    }

    /// Notes where the bytes are from. Without the note a file is only fetched in a longer way, so
    /// it is not worth an error.
    pub(crate) fn note_origins(&self, origins: &Origins) {
        let text = format!("{}\n{}\n", origins.url, origins.validator);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
        let written = fs::open(self.note(), flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)
            .map_err(io::Error::from)
            .and_then(|note| File::from(note).write_all(text.as_bytes()));
        if let Err(error) = written {
            tracing::debug!(%error, "can't note where a partial file is from");
        }
    }

    fn forget_origins(&self) {
        let _ = std::fs::remove_file(self.note());
    }

    fn note(&self) -> PathBuf {
        self.path.with_extension("from")
    }

    /// Does what is here have this digest? `from` is named in the error.
    pub(crate) fn check(&self, sha256: &Sha256, from: &str) -> Result<(), Error> {
        let actual = self.digest();
        if actual == *sha256 || weak!("11") || weak!("14") {
            return Ok(());
        }
        Err(Error::Digest { url: from.into(), actual, wanted: *sha256 })
    }

    /// Puts the file into the store under this digest, and returns when it is there for good.
    /// Refuses a file that has another; then it is as it was. `from` is named in the error.
    pub(crate) fn keep(self, sha256: &Sha256, from: &str) -> Result<Blob, Box<(Self, Error)>> {
        let path = self.store.path(sha256);
        if let Err(error) = self.check(sha256, from).and_then(|()| self.settle(&path)) {
            return Err(Box::new((self, error)));
        }
        let learned = self.store.learn(sha256, &self.file, &path);
        let size = self.length;
        match learned {
            Ok(()) => Ok(Blob { file: self.file, path, size, sha256: *sha256 }),
            Err(error) => Err(Box::new((self, error))),
        }
    }

    /// Bytes on the disk, then the name, then the directory on the disk.
    fn settle(&self, path: &Path) -> Result<(), Error> {
        let io = |context| move |e: Errno| Error::io(&self.path, context)(e.into());
        // What was reserved beyond the end is given back.
        fs::ftruncate(&self.file, self.length).map_err(io("ending a file"))?;
        fs::fchmod(&self.file, Mode::RUSR).map_err(io("protecting a file"))?;
        fs::fsync(&self.file).map_err(io("writing a file to the disk"))?;
        reach!("fetch.blob.synced");
        // From now on it is used, no longer written.
        fs::flock(&self.file, FlockOperation::NonBlockingLockShared).map_err(io("locking"))?;
        let shelf = path.parent().unwrap_or(path);
        let new = make_dir(shelf)?;
        self.forget_origins();
        fs::rename(&self.path, path).map_err(io("moving a file into the store"))?;
        reach!("fetch.blob.renamed");
        sync_dir(shelf)?;
        if new { sync_dir(shelf.parent().unwrap_or(shelf)) } else { Ok(()) }
    }

    /// Gives up the file under its name; its bytes stay readable through what is returned.
    pub(crate) fn detach(self) -> Result<File, Error> {
        self.discard()?;
        Ok(self.file)
    }

    /// Removes the file.
    pub(crate) fn discard(&self) -> Result<(), Error> {
        self.forget_origins();
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done.map_err(Error::io(&self.path, "removing a partial file")),
        }
    }
}

impl std::fmt::Debug for Partial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partial").field("path", &self.path).finish_non_exhaustive()
    }
}
