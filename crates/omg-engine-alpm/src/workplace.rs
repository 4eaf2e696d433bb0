//! The directory of this engine's own, `var/lib/omg/alpm`, which only root may enter.
//!
//! * `packages`: what libalpm may read in this transaction, and nothing else ([`crate::copies`]).
//! * `keep`: files of packages that are in no cache, for as long as a transaction lasts.
//! * `journal`: what a transaction is about to do ([`crate::journal`]).
//! * `aside`: entries of the local database that a crash left half written.

use std::fs::{self, DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Below the root.
const DIRECTORY: &str = "var/lib/omg/alpm";

/// The directory.
#[derive(Debug)]
pub(crate) struct Workplace {
    pub(crate) packages: PathBuf,
    pub(crate) keep: PathBuf,
    pub(crate) journal: PathBuf,
    pub(crate) aside: PathBuf,
}

impl Workplace {
    /// Makes or finds it. To be called by whoever holds the lock.
    pub(crate) fn prepare(root: &Path) -> Result<Self, Error> {
        let path = root.join(DIRECTORY);
        let this = Self {
            packages: path.join("packages"),
            keep: path.join("keep"),
            journal: path.join("journal"),
            aside: path.join("aside"),
        };
        for directory in [&path, &this.packages, &this.keep] {
            private(directory)?;
        }
        empty(&this.packages)?;
        Ok(this)
    }
}

fn private(directory: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o755).create(directory);
    made.and_then(|()| fs::set_permissions(directory, Permissions::from_mode(0o700)))
        .map_err(|error| Error::io(directory, "making a directory", error))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(path, "removing it", error))
        }
        _ => Ok(()),
    }
}

/// Removes all files of a directory.
pub(crate) fn empty(directory: &Path) -> Result<(), Error> {
    let failed = |error| Error::io(directory, "emptying it", error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        remove(&entry.map_err(failed)?.path())?;
    }
    Ok(())
}
