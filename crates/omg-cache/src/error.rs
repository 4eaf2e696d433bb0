//! Why a store cannot be used.

use std::path::PathBuf;

use omg_core::{Code, Fault};

/// Why a store can't be used. Queries go on without it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source} while {doing}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
        /// Finishes "while …".
        doing: &'static str,
    },
    /// Another process has it open.
    #[error("{path} is in use by another process", path = path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a store, or its contents don't fit their checksums.
    #[error("{path} is damaged: {what}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Io { .. } => Code::Unwritable,
            Error::Locked { .. } => Code::Lock,
            Error::Damaged { .. } => Code::Malformed,
        };
        Fault::caused_by(code, "the store on disk can't be used", &error)
            .hint("queries go on without it; deleting the file loses time, never data")
    }
}
