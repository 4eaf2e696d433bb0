//! Copies that only root can reach: made without following links, and hashed while they are made.
//!
//! Copies are not made durable. They are of use until the transaction ends, and what a power cut leaves
//! of them is deleted by the next one.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use omg_failpoint::{reach, weak};
use omg_verify::digest::{self, Also, Digests};
use rustix::fs::{CWD, FallocateFlags, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use crate::error::Error;

/// Largest file that is copied, bytes. The largest package of any distribution has 2 GiB.
pub(crate) const LARGEST: u64 = 8 << 30;

/// Most files below a directory of fetched lists, and how deep they may lie.
const LISTS: usize = 8192;
const DEPTH: usize = 4;

/// Most bytes of fetched lists together.
const LISTS_SIZE: u64 = 8 << 30;

/// A directory for the files of one order, deleted when it is dropped.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
}

/// A file that was copied.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) path: PathBuf,
    /// Open for reading; whatever happens to the path, these are the bytes that were hashed.
    pub(crate) file: File,
    pub(crate) digests: Digests,
}

impl Staging {
    /// Deletes what earlier orders left and makes a directory with a name that cannot be guessed.
    pub(crate) fn new(parent: &Path) -> Result<Self, Error> {
        empty(parent)?;
        let mut random = [0; 16];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(Error::io(parent, "drawing a name"))?;
        let name = format!("{:032x}", u128::from_be_bytes(random));
        let path = parent.join(name);
        fs::create_dir(&path).map_err(Error::io(&path, "making it"))?;
        Ok(Self { path })
    }

    /// Where the files of a plan are, by the names that the native tool gives them.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A directory below it.
    pub(crate) fn below(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(Error::io(&path, "making it")(error))
            }
            _ => Ok(path),
        }
    }

    /// Copies the client's file at `from`, an absolute path, to `to`. More than `size` bytes, where that
    /// is known, are never copied.
    pub(crate) fn copy(&self, from: &str, to: PathBuf, size: Option<u64>) -> Result<Copied, Error> {
        if !from.starts_with('/') {
            let why = "is not an absolute path".to_owned();
            return Err(Error::Unfit { path: from.to_owned(), why });
        }
        debug_assert!(to.starts_with(&self.path), "a copy is made in the staging directory");
        let source = open(from)?;
        if weak!("30") {
            return in_place(from, source, to);
        }
        reach!("commit.copy.before");
        let copied = copy(from, source, to, size)?;
        reach!("commit.copy.after");
        Ok(copied)
    }

    /// Copies a directory of fetched lists.
    pub(crate) fn copy_lists(&self, from: &str) -> Result<PathBuf, Error> {
        let to = self.below("lists")?;
        let mut left = Left { files: LISTS, bytes: LISTS_SIZE };
        self.tree(from, &to, DEPTH, &mut left)?;
        Ok(to)
    }

    fn tree(&self, from: &str, to: &Path, depth: usize, left: &mut Left) -> Result<(), Error> {
        let refuse = |path: &str, why: &str| {
            Err(Error::Unfit { path: path.to_owned(), why: why.to_owned() })
        };
        let entries = fs::read_dir(from).map_err(Error::io(from, "reading it"))?;
        for entry in entries {
            let entry = entry.map_err(Error::io(from, "reading it"))?;
            let name = entry.file_name();
            let path = format!("{from}/{}", name.display());
            let Some(name) = name.to_str() else { return refuse(&path, "its name is no text") };
            if left.files == 0 {
                return refuse(from, "has too many files");
            }
            left.files -= 1;
            let kind = entry.file_type().map_err(Error::io(&path, "asking what it is"))?;
            if kind.is_dir() {
                if depth == 0 {
                    return refuse(&path, "lies too deep");
                }
                let below = to.join(name);
                fs::create_dir(&below).map_err(Error::io(&below, "making it"))?;
                self.tree(&path, &below, depth - 1, left)?;
            } else {
                let copied = self.copy(&path, to.join(name), None)?;
                left.bytes = match left.bytes.checked_sub(copied.digests.size) {
                    Some(left) => left,
                    None => return refuse(from, "is too large"),
                };
            }
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What can't be deleted now is deleted before the next order.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What may still be copied.
struct Left {
    files: usize,
    bytes: u64,
}

/// Deletes what an order left that was cut off.
pub(crate) fn empty(parent: &Path) -> Result<(), Error> {
    let failed = |path: &Path| Error::io(path.to_path_buf(), "deleting what an earlier order left");
    for entry in fs::read_dir(parent).map_err(failed(parent))? {
        let entry = entry.map_err(failed(parent))?;
        let path = entry.path();
        let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let deleted = if directory { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        deleted.map_err(failed(&path))?;
    }
    Ok(())
}

/// Opens a client's regular file. No link is followed, wherever in the path: a user's link could lead
/// root to a file that the user may not read.
fn open(path: &str) -> Result<File, Error> {
    if weak!("22") {
        return File::open(path).map_err(Error::io(path, "opening it"));
    }
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let file = loop {
        match openat2(CWD, path, flags, Mode::empty(), resolve) {
            Ok(file) => break File::from(file),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(Errno::LOOP) => {
                let why = "is a link, or lies behind one".to_owned();
                return Err(Error::Unfit { path: path.to_owned(), why });
            }
            Err(error) => {
                return Err(Error::Artifact { path: path.to_owned(), why: error.to_string() });
            }
        }
    };
    let kind = file.metadata().map_err(Error::io(path, "asking what it is"))?;
    if !kind.is_file() {
        let why = "is not a regular file".to_owned();
        return Err(Error::Unfit { path: path.to_owned(), why });
    }
    Ok(file)
}

fn copy(from: &str, source: File, to: PathBuf, size: Option<u64>) -> Result<Copied, Error> {
    let there = source.metadata().map_err(Error::io(from, "asking for its size"))?.size();
    let limit = size.unwrap_or(LARGEST);
    if there > limit {
        let what = if size.is_some() { "size" } else { "size of a package" };
        return Err(Error::Differs { path: from.to_owned(), what });
    }
    let mut options = OpenOptions::new();
    let target = options.write(true).create_new(true).mode(0o644).open(&to);
    let target = target.map_err(Error::io(&to, "making it"))?;
    if there > 0 {
        // Room for all of it, before the first byte is copied. Some file systems can't promise it.
        match rustix::fs::fallocate(&target, FallocateFlags::KEEP_SIZE, 0, there) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => {}
            Err(error) => return Err(Error::io(&to, "reserving room for it")(error)),
        }
    }
    let digests = digest::copy(source, &target, Also::default(), Some(limit)).map_err(|error| {
        let why = format!("can't be copied to {}: {error}", to.display());
        Error::Artifact { path: from.to_owned(), why }
    })?;
    if digests.size > limit {
        return Err(Error::Differs { path: from.to_owned(), what: "size" });
    }
    drop(target);
    let file = File::open(&to).map_err(Error::io(&to, "opening it again"))?;
    Ok(Copied { path: to, file, digests })
}

/// What a verifier does that does not know better: it looks at the file where it is.
fn in_place(from: &str, source: File, to: PathBuf) -> Result<Copied, Error> {
    let digests = digest::file(&source, Also::default(), None)
        .map_err(|error| Error::Artifact { path: from.to_owned(), why: error.to_string() })?;
    std::os::unix::fs::symlink(from, &to).map_err(Error::io(&to, "making it"))?;
    Ok(Copied { path: to, file: source, digests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_without_links_are_copied() {
        let dir = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(dir.path()).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        fs::create_dir(base.join("real")).unwrap();
        fs::write(base.join("real/file"), b"abc").unwrap();
        std::os::unix::fs::symlink(base.join("real"), base.join("way")).unwrap();
        std::os::unix::fs::symlink(base.join("real/file"), base.join("link")).unwrap();
        rustix::fs::mkfifoat(CWD, base.join("pipe"), Mode::from_raw_mode(0o666)).unwrap();
        let parent = base.join("staging");
        fs::create_dir(&parent).unwrap();
        fs::write(parent.join("left"), b"x").unwrap();
        let staging = Staging::new(&parent).unwrap();
        assert!(!parent.join("left").exists());
        let to = |name: &str| staging.path().join(name);
        for bad in ["way/file", "link", "pipe", "real", "none"] {
            assert!(staging.copy(&text(&base.join(bad)), to(bad), None).is_err(), "{bad}");
        }
        assert!(staging.copy("real/file", to("relative"), None).is_err());
        let good = text(&base.join("real/file"));
        assert!(matches!(staging.copy(&good, to("long"), Some(2)), Err(Error::Differs { .. })));
        let copied = staging.copy(&good, to("good"), Some(3)).unwrap();
        assert_eq!(copied.digests.sha256, digest::Sha256::of(b"abc"));
        let path = staging.path().to_path_buf();
        drop(staging);
        assert!(!path.exists());
    }

    #[test]
    fn lists_are_copied_with_limits() {
        let dir = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(dir.path()).unwrap();
        let from = base.join("a/b/c/d/e");
        fs::create_dir_all(&from).unwrap();
        let parent = base.join("staging");
        fs::create_dir(&parent).unwrap();
        let staging = Staging::new(&parent).unwrap();
        assert!(staging.copy_lists(base.join("a").to_str().unwrap()).is_ok());
        let staging = Staging::new(&parent).unwrap();
        fs::create_dir(from.join("f")).unwrap();
        assert!(staging.copy_lists(base.join("a").to_str().unwrap()).is_err());
    }
}
