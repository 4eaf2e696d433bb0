//! Everything that can go wrong while reading a Debian system.

use std::io;
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("can't read {} while {context}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than its stated limit.
    #[error("{} is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit that it exceeds, bytes.
        limit: u64,
    },
    /// A file was read but is not in its format.
    #[error("{}:{line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1; 0 where the format has no lines.
        line: u32,
        /// What was expected.
        reason: String,
    },
    /// A compressed file ends early or is damaged.
    #[error("{} can't be decompressed", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: io::Error,
    },
    /// A file was replaced again and again while it was read.
    #[error("{} kept changing while it was read", path.display())]
    Unsettled {
        /// The file.
        path: PathBuf,
    },
    /// No dpkg database is below the root.
    #[error("no dpkg database at {}", path.display())]
    NoDatabase {
        /// The status file that should be there.
        path: PathBuf,
    },
    /// No package of this name is installed.
    #[error("'{name}' is not installed")]
    NotInstalled {
        /// The name asked for.
        name: String,
    },
    /// A name or pattern is not of the form it must have.
    #[error("{reason}")]
    Pattern {
        /// What is wrong with it.
        reason: String,
    },
    /// A thread of this crate ended with a panic.
    #[error("a worker thread ended early while {context}")]
    Worker {
        /// What it was doing: finishes the phrase "while …".
        context: &'static str,
    },
}

impl Error {
    /// Wraps an I/O error; `context` finishes the phrase "while …".
    pub(crate) fn io(path: &Path, context: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), context, source }
    }

    /// What to type next.
    pub(crate) fn hint(&self) -> Option<String> {
        self.advice()
    }

    /// One line with the cause, for warnings.
    pub(crate) fn with_cause(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }

    /// The error as it crosses to the service: code, causes, what to do.
    pub fn fault(&self) -> Fault {
        let fault = Fault::new(self.code(), self.to_string());
        let mut fault = match std::error::Error::source(self) {
            Some(cause) => Fault { cause: vec![cause.to_string()], ..fault },
            None => fault,
        };
        fault.hint = self.advice();
        fault
    }

    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Io { .. } | Self::Unsettled { .. } => Code::Unreadable,
            Self::TooLarge { .. } => Code::Limit,
            Self::Malformed { .. } | Self::Compressed { .. } => Code::Malformed,
            Self::NoDatabase { .. } => Code::NoBackend,
            Self::NotInstalled { .. } => Code::NotFound,
            Self::Pattern { .. } => Code::Usage,
            Self::Worker { .. } => Code::Internal,
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Compressed { .. } | Self::Unsettled { .. } => "sudo apt-get update".into(),
            Self::Malformed { path, .. } if path.starts_with("/var/lib/apt/lists") => {
                "sudo apt-get update".into()
            }
            Self::Io { source, path, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                format!("ls -l {}", path.display())
            }
            Self::NotInstalled { name } => format!("omg info {name}"),
            _ => return None,
        })
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.fault()
    }
}
