//! The verified files of a transaction, where libalpm finds them.
//!
//! libalpm opens packages by name. The names that it is given are links to the descriptors of the very
//! files that were verified: whatever is done to a path after that, those bytes are installed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use omg_commit::{Commission, Proof};
use omg_core::Planned;
use omg_failpoint::weak;

use crate::error::Error;
use crate::workplace::{self, Workplace};

/// The files of one transaction.
pub(crate) struct Copies<'a> {
    commission: &'a Commission<'a>,
    signatures: &'a HashMap<String, Vec<u8>>,
    /// Those that the user named, by name of file.
    pub(crate) named: BTreeMap<OsString, PathBuf>,
}

impl<'a> Copies<'a> {
    /// Puts them into the directory that libalpm reads, and nothing else.
    pub(crate) fn lay(
        workplace: &Workplace,
        commission: &'a Commission<'a>,
        signatures: &'a HashMap<String, Vec<u8>>,
    ) -> Result<Self, Error> {
        workplace::empty(&workplace.packages)?;
        let mut named = BTreeMap::new();
        for (proof, path, file) in commission.files {
            let at = workplace.packages.join(plain(&proof.file_name)?);
            let to = if weak!("30") {
                path.clone()
            } else {
                PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
            };
            symlink(to, &at).map_err(|error| Error::io(&at, "making a link", error))?;
            if let Some(signature) = signatures.get(&proof.file_name) {
                let at = workplace.packages.join(format!("{}.sig", proof.file_name));
                fs::write(&at, signature)
                    .map_err(|error| Error::io(&at, "writing a signature", error))?;
            }
            if let Some(planned) = planned(commission, proof)
                && planned.repository.starts_with('/')
            {
                named.insert(proof.file_name.clone().into(), at);
            }
        }
        Ok(Self { commission, signatures, named })
    }

    /// Keeps files where they outlast this process: in pacman's cache, for good, so that there is a way
    /// back to what was built here, too. A file that the user named never takes the place of another; it
    /// is kept until the transaction is over then. Answers with where, by name of package.
    pub(crate) fn keep(
        &self,
        workplace: &Workplace,
        cache: Option<&PathBuf>,
    ) -> Result<BTreeMap<String, PathBuf>, Error> {
        let mut kept = BTreeMap::new();
        let mut directories = BTreeSet::new();
        for (proof, path, file) in self.commission.files {
            let Some(planned) = planned(self.commission, proof) else { continue };
            let name = plain(&proof.file_name)?;
            let named = planned.repository.starts_with('/');
            let directory = match cache {
                Some(cache) if !named || is_free(file, &cache.join(name)) => cache,
                _ => &workplace.keep,
            };
            fs::create_dir_all(directory)
                .map_err(|error| Error::io(directory, "making a directory", error))?;
            directories.insert(directory);
            let at = directory.join(name);
            keep(path, file, &at).map_err(|error| Error::io(&at, "keeping a package", error))?;
            if let Some(signature) = self.signatures.get(&proof.file_name) {
                let at = directory.join(format!("{}.sig", proof.file_name));
                replace(&at, |new| new.write_all(signature))
                    .map_err(|error| Error::io(&at, "keeping a signature", error))?;
            }
            kept.insert(planned.name.clone(), at);
        }
        // The journal says that they are there, also after a power cut.
        for at in kept.values().chain(directories) {
            let durable = File::open(at).and_then(|file| file.sync_all());
            durable.map_err(|error| Error::io(at, "keeping a package", error))?;
        }
        Ok(kept)
    }
}

fn planned<'a>(commission: &'a Commission<'_>, proof: &Proof) -> Option<&'a Planned> {
    commission.plan.changes.get(proof.change)
}

/// A name that stays in its directory, of what libalpm could look for.
fn plain(name: &str) -> Result<&str, Error> {
    let sound = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    if sound || weak!("21") { Ok(name) } else { Err(Error::FileName { name: name.to_owned() }) }
}

/// By another name of the same file where that is possible, which costs nothing; else by its bytes.
fn keep(path: &Path, file: &File, at: &Path) -> io::Result<()> {
    if is_same(file, at)? {
        return Ok(());
    }
    let new = temporary(at);
    let _ = fs::remove_file(&new);
    if fs::hard_link(path, &new).is_ok() {
        fs::set_permissions(&new, Permissions::from_mode(0o644))?;
        return fs::rename(&new, at);
    }
    replace(at, |new| {
        let mut buffer = vec![0; 1 << 18];
        let mut offset = 0;
        loop {
            let read = file.read_at(&mut buffer, offset)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            new.write_all(bytes)?;
            offset += read as u64;
        }
    })
}

/// Is nothing there, or are these the bytes?
fn is_free(file: &File, at: &Path) -> bool {
    match fs::symlink_metadata(at) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(_) => is_same(file, at).unwrap_or(false),
    }
}

/// Are these the bytes that are there already?
fn is_same(file: &File, at: &Path) -> io::Result<bool> {
    let there = fs::symlink_metadata(at);
    let size = file.metadata()?.len();
    if !there.is_ok_and(|there| there.is_file() && there.len() == size) {
        return Ok(false);
    }
    let other = File::open(at)?;
    let (mut ours, mut theirs) = (vec![0; 1 << 18], vec![0; 1 << 18]);
    let mut offset = 0;
    while offset < size {
        let read = file.read_at(&mut ours, offset)?;
        let (Some(ours), Some(theirs)) = (ours.get(..read), theirs.get_mut(..read)) else {
            return Ok(false);
        };
        if read == 0 || other.read_exact_at(theirs, offset).is_err() || ours != theirs {
            return Ok(false);
        }
        offset += read as u64;
    }
    Ok(true)
}

fn replace(at: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let new = temporary(at);
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
    write(&mut file)?;
    fs::rename(&new, at)
}

fn temporary(at: &Path) -> PathBuf {
    let mut name = at.as_os_str().to_owned();
    name.push(".omg");
    PathBuf::from(name)
}
