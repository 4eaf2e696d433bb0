//! What can go wrong beside the questions themselves.

use std::path::PathBuf;

use omg_core::{Code, Fault};

/// What can fail between the layers and a backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source} while {doing}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
        /// Finishes "while …".
        doing: &'static str,
    },
    /// A block of records can't be had from the store any more; the index is being built again.
    #[error("record block {block} can't be read")]
    NoRecord {
        /// Its number.
        block: u32,
    },
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Io { .. } => Code::Unwritable,
            Error::NoRecord { .. } => Code::Unreadable,
        };
        let hint = match &error {
            Error::Io { .. } => "queries go on without it",
            Error::NoRecord { .. } => "the index is being built again; ask again in a second",
        };
        Fault::caused_by(code, "a part of the daemon's own data can't be used", &error).hint(hint)
    }
}
