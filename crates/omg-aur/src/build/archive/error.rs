//! Why an archive is no package.

use std::io;

use omg_core::{Code, Fault, escape};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It has something that no package may have.
    #[error("{}{reason}", of(path))]
    Refused {
        /// The entry, escaped; empty if it is about the whole.
        path: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// It has more of something than a package may have.
    #[error("it has more than {limit} {what}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// `.PKGINFO` is not in its format, or not what was to be built.
    #[error(".PKGINFO: {reason}")]
    Info {
        /// What is wrong, escaped.
        reason: String,
    },
    /// It can't be unpacked: damaged, cut off, or of no known format.
    #[error("it can't be unpacked: {0}")]
    Damaged(io::Error),
    /// The operating system refused to read the file.
    #[error("it can't be read: {0}")]
    Read(io::Error),
}

fn of(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("'{path}': ") }
}

/// An entry that breaks a rule; its path is foreign text.
pub(super) fn refused(path: &str, reason: &'static str) -> ArchiveError {
    let path: String = path.chars().take(200).collect();
    ArchiveError::Refused { path: escape(&path).to_string(), reason }
}

impl ArchiveError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Read(_) => Code::Unreadable,
            _ => Code::Archive,
        }
    }
}

impl From<ArchiveError> for Fault {
    fn from(error: ArchiveError) -> Self {
        Self::caused_by(error.code(), "this is not a package that may be installed", &error)
    }
}
