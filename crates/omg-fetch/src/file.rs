//! A file with a digest: what is asked for, and what is there then.

use std::path::PathBuf;

use omg_core::{SignatureSource, Wanted};

use crate::{Blob, Error, Sha256};

/// A file that is wanted, and by which digest it is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// What it is called in progress and messages.
    pub name: String,
    /// Where it can be had: whole URLs (`http`, `https`, `file`), best first.
    pub urls: Vec<String>,
    /// Bytes, where that is known. No more than these are ever taken.
    pub size: Option<u64>,
    /// Its digest.
    pub sha256: Sha256,
    /// Its signature, where one is wanted.
    pub signature: Option<SignatureSource>,
    /// Absolute paths where it may be already.
    pub cached: Vec<PathBuf>,
}

/// A file that is in the store, with the digest that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Absolute path in the store.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
    /// Its signature; `None` also where every mirror says that there is none.
    pub signature: Option<Vec<u8>>,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a file came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It was in the store.
    Store,
    /// It was copied from this path.
    Cached(PathBuf),
    /// It was fetched from this URL.
    Mirror(String),
}

impl Stored {
    /// Without a signature.
    pub(crate) fn new(blob: &Blob, origin: Origin) -> Self {
        let (path, size, sha256) = (blob.path.clone(), blob.size, blob.sha256);
        Self { path, size, sha256, signature: None, origin }
    }
}

impl TryFrom<&Wanted> for Request {
    type Error = Error;

    /// Fails if the digest is not known or is none.
    fn try_from(wanted: &Wanted) -> Result<Self, Error> {
        let sha256 = wanted
            .sha256
            .as_deref()
            .and_then(|digest| digest.parse().ok())
            .ok_or_else(|| Error::NoDigest { name: wanted.name.clone() })?;
        Ok(Self {
            name: wanted.name.clone(),
            urls: wanted.urls.clone(),
            size: wanted.size,
            sha256,
            signature: wanted.signature.clone(),
            cached: wanted.cached.iter().map(PathBuf::from).collect(),
        })
    }
}
