//! Documents: files whose digest nobody has signed for, such as `InRelease` or a sync database.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::Sha256;

/// Bytes of a document that are kept in memory; a larger one is in a file without a name.
pub(crate) const MOST_BYTES_IN_MEMORY: u64 = 4 << 20;

/// A document that is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DocumentRequest {
    /// Where it can be had: whole URLs (`http`, `https`, `file`), best first.
    pub urls: Vec<String>,
    /// Bytes, at most.
    pub cap: u64,
    /// The version that is here already.
    pub conditional: Option<Conditional>,
}

/// The version of a document that is here already, as [`Document`] had it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Conditional {
    /// Its ETag.
    pub etag: Option<String>,
    /// When it was last changed, as the mirror wrote it.
    pub last_modified: Option<String>,
}

/// What there was to fetch.
#[derive(Debug)]
pub enum Fetched {
    /// The version that is here already is the newest, says the mirror.
    Unchanged,
    /// A document.
    New(Document),
}

/// A document as a mirror delivered it. Nothing of it is verified.
#[derive(Debug)]
pub struct Document {
    /// Its bytes.
    pub content: Content,
    /// Bytes.
    pub size: u64,
    /// Their digest.
    pub sha256: Sha256,
    /// What names this version at this mirror.
    pub etag: Option<String>,
    /// When it was last changed, as the mirror wrote it.
    pub last_modified: Option<String>,
    /// Where it came from in the end: the mirror's URL or what that redirects to.
    pub url: String,
    /// Which of the URLs asked for that was.
    pub mirror: usize,
}

/// Bytes of a document.
#[derive(Debug)]
pub enum Content {
    /// In memory: up to 4 MiB.
    Memory(Vec<u8>),
    /// In a file that has no name and is gone when it is closed.
    File(File),
}

impl Content {
    /// All of it, in memory. No more than the cap of its request.
    pub fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::File(file) => {
                let mut bytes = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(0)];
                file.read_exact_at(&mut bytes, 0)?;
                Ok(bytes)
            }
        }
    }
}
