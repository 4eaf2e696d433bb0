//! Everything that can go wrong while reading a Debian system.

use std::io;
use std::path::{Path, PathBuf};

use omg_backend::swap;
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
    /// A file could not be written.
    #[error("can't write {} while {context}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A repository, or a list of it, is not vouched for by whom it must be.
    #[error("{what} is not trusted: {source}")]
    Verify {
        /// The repository.
        what: String,
        /// Why.
        source: omg_verify::Error,
    },
    /// A file could not be fetched.
    #[error("{what} can't be fetched")]
    Fetch {
        /// The repository or file.
        what: String,
        /// Why.
        source: omg_fetch::Error,
    },
    /// A Release file says itself that it must not be believed any more.
    #[error("the Release file of {what} is expired since {since}")]
    Expired {
        /// The repository.
        what: String,
        /// Since when.
        since: String,
    },
    /// A Release file of times to come.
    #[error("the Release file of {what} is from the future: {date}")]
    Future {
        /// The repository.
        what: String,
        /// Its date.
        date: String,
    },
    /// A Release file older than one that was accepted before.
    #[error("{what} is offered as of {offered}, and was accepted as of {have} before")]
    Rollback {
        /// The repository.
        what: String,
        /// The newest date that was accepted.
        have: String,
        /// The date offered.
        offered: String,
    },
    /// A repository calls itself something else than before.
    #[error("{what} changed its {field} from '{from}' to '{to}'")]
    Renamed {
        /// The repository.
        what: String,
        /// The field of its Release file.
        field: &'static str,
        /// What it was.
        from: String,
        /// What it is now.
        to: String,
    },
    /// A list is not the one that its Release file names.
    #[error("{what} is not what the Release file of {suite} says: {reason}")]
    Mismatch {
        /// The list.
        what: String,
        /// The repository.
        suite: String,
        /// What differs.
        reason: String,
    },
    /// A source that can't be used.
    #[error("{what} can't be used: {reason}")]
    Source {
        /// The repository.
        what: String,
        /// Why.
        reason: &'static str,
    },
    /// A version that no list in place has.
    #[error("no list has {what}")]
    Gone {
        /// Name, version and architecture.
        what: String,
    },
    /// Another process holds a lock.
    #[error("{} is locked by {holder}", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// Process and its name.
        holder: String,
    },
    /// The swap of the lists went wrong.
    #[error(transparent)]
    Swap(#[from] omg_backend::swap::Error),
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

    /// Wraps an error of writing.
    pub(crate) fn write(path: &Path, context: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Write { path, context, source }
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
        let mut fault = Fault::new(self.code(), self.to_string());
        match self {
            Self::Swap(swap::Error::Io { source, .. }) => fault.cause = vec![source.to_string()],
            Self::Fetch { source, .. } => {
                let inner = source.fault();
                fault.cause = [vec![inner.message], inner.cause].concat();
                fault.hint = inner.hint;
            }
            // Its text is in the message already.
            Self::Verify { what, source } => {
                let inner = source.fault(what);
                fault.cause = inner.cause;
                fault.hint = inner.hint;
            }
            _ => {
                if let Some(cause) = std::error::Error::source(self) {
                    fault.cause = vec![cause.to_string()];
                }
            }
        }
        fault.hint = self.advice().or(fault.hint);
        fault
    }

    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Io { .. } | Self::Unsettled { .. } => Code::Unreadable,
            Self::TooLarge { .. } => Code::Limit,
            Self::Malformed { .. }
            | Self::Compressed { .. }
            | Self::Swap(swap::Error::Malformed { .. }) => Code::Malformed,
            Self::NoDatabase { .. } => Code::NoBackend,
            Self::NotInstalled { .. } => Code::NotFound,
            Self::Pattern { .. } => Code::Usage,
            Self::Write { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Write { .. } | Self::Swap(_) => Code::Unwritable,
            Self::Verify { source, .. } => source.code(),
            Self::Fetch { source, .. } => source.code(),
            Self::Expired { .. } | Self::Future { .. } => Code::Expired,
            Self::Rollback { .. } => Code::Rollback,
            Self::Mismatch { .. } => Code::Digest,
            Self::Renamed { .. } | Self::Source { .. } => Code::Refused,
            Self::Gone { .. } => Code::Gone,
            Self::Locked { .. } => Code::Lock,
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
            Self::Gone { .. } | Self::Mismatch { .. } => "omg sync".into(),
            Self::Expired { .. } | Self::Future { .. } => "date -u".into(),
            Self::Renamed { field, .. } => {
                format!("apt-get update -o Acquire::AllowReleaseInfoChange::{field}=true")
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
