//! The dump on disk: the file as it came, and beside it where it came from and when.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The file's name, here as there.
pub(crate) const FILE: &str = "packages-meta-ext-v1.json.gz";
/// What is known of it.
const SIDECAR: &str = "packages-meta-ext-v1.origin.json";
/// Bytes of the sidecar, at most.
const MOST_SIDECAR_BYTES: u64 = 4096;
/// Bytes of an ETag, at most; longer ones are not kept.
const MOST_TAG_BYTES: usize = 512;
/// Files that an interrupted fetch left are removed when they are this old.
const LEFT_OVER: Duration = Duration::from_hours(1);

/// Names that are tried for new files, at most.
const MOST_TRIES: u64 = 10_000;

/// Where the dump is, or will be.
#[derive(Clone, Debug)]
pub(crate) struct Dump {
    directory: PathBuf,
}

/// Where the dump came from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Base address of the AUR.
    pub(crate) address: String,
    /// What the server calls this state.
    pub(crate) etag: Option<String>,
    /// Seconds since the epoch at which the server last said that this is the newest.
    pub(crate) checked: u64,
    /// Packages in it.
    pub(crate) packages: u64,
    /// BLAKE3 of the file, hexadecimal: says whether this is about the file that is there.
    pub(crate) digest: String,
}

/// A dump that is being fetched. Dropped before [`Incoming::keep`], it leaves nothing.
#[derive(Debug)]
pub(crate) struct Incoming {
    file: File,
    path: PathBuf,
    hasher: blake3::Hasher,
}

// === impl Dump ===

impl Dump {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_path_buf() }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    fn sidecar(&self) -> PathBuf {
        self.directory.join(SIDECAR)
    }

    /// What the sidecar says; `None` if it is not there or makes no sense, which costs one fetch.
    pub(crate) fn told(&self) -> Option<Origin> {
        use std::io::Read as _;
        let mut text = Vec::new();
        File::open(self.sidecar()).ok()?.take(MOST_SIDECAR_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Seconds since the epoch at which the dump was the newest, as far as that is known.
    pub(crate) fn time(&self) -> u64 {
        let written = || {
            let time = fs::metadata(self.path()).ok()?.modified().ok()?;
            Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
        };
        self.told().map(|origin| origin.checked).or_else(written).unwrap_or(0)
    }

    /// Where the file came from, if that is known of this very file and it came from there.
    pub(crate) fn origin(&self, address: &str) -> Option<Origin> {
        let origin = self.told().filter(|origin| origin.address == address)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(self.path()).ok()?).ok()?;
        (hasher.finalize().to_hex().as_str() == origin.digest).then_some(origin)
    }

    /// Begins a new file beside the one that is there.
    pub(crate) fn receive(&self) -> Result<Incoming, Error> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let context = "storing the list of the AUR's packages";
        fs::create_dir_all(&self.directory)
            .map_err(|error| Error::io(&self.directory, context, error))?;
        self.remove_left_over();
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = self.directory.join(format!("{FILE}.{}-{number}.tmp", std::process::id()));
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
            match file {
                Ok(file) => return Ok(Incoming { file, path, hasher: blake3::Hasher::new() }),
                // In a container every run may have the number of the one that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < MOST_TRIES => {}
                Err(error) => return Err(Error::io(&path, context, error)),
            }
        }
    }

    /// Notes that the server has nothing newer.
    pub(crate) fn checked(&self, origin: &Origin) -> Result<(), Error> {
        self.write_sidecar(origin)
    }

    fn write_sidecar(&self, origin: &Origin) -> Result<(), Error> {
        let path = self.sidecar();
        let temporary = self.directory.join(format!("{SIDECAR}.{}.tmp", std::process::id()));
        let error =
            |error| Error::io(&path, "storing where the list of the AUR's packages is from", error);
        let text = serde_json::to_vec(origin).map_err(|cause| error(cause.into()))?;
        let written = File::create(&temporary)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            // What can't be removed now is removed as left over.
            let _ = fs::remove_file(&temporary);
        }
        written.and_then(|()| self.sync()).map_err(error)
    }

    fn sync(&self) -> std::io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn remove_left_over(&self) {
        let old = SystemTime::now().checked_sub(LEFT_OVER);
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let ours = name.to_str().is_some_and(|name| {
                (name.starts_with(FILE) || name.starts_with(SIDECAR))
                    && Path::new(name).extension().is_some_and(|end| end == "tmp")
            });
            let time = entry.metadata().and_then(|data| data.modified()).ok();
            if ours && time < old {
                // Another process may have been faster.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

// === impl Incoming ===

impl Incoming {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|error| Error::io(&self.path, "storing the list of the AUR's packages", error))
    }

    /// What was written, from its beginning.
    pub(crate) fn reader(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(|error| {
            Error::io(&self.path, "checking the list of the AUR's packages", error)
        })
    }

    /// Puts the file in the place of the one that is there: first its bytes, then its name, then
    /// where it is from. After a crash between the two the sidecar is about another file, which
    /// its digest shows.
    pub(crate) fn keep(mut self, dump: &Dump, mut origin: Origin) -> Result<(), Error> {
        origin.digest = self.hasher.finalize().to_hex().to_string();
        origin.etag = origin.etag.filter(|tag| tag.len() <= MOST_TAG_BYTES);
        let target = dump.path();
        let renamed = self.file.sync_all().and_then(|()| fs::rename(&self.path, &target));
        renamed
            .and_then(|()| dump.sync())
            .map_err(|error| Error::io(&target, "storing the list of the AUR's packages", error))?;
        self.path = PathBuf::new();
        dump.write_sidecar(&origin)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.path != Path::new("")
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!("{} can't be removed: {error}", self.path.display());
        }
    }
}
