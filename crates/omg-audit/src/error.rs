//! Everything that can go wrong with the log.

use std::io;
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};

use crate::NotARecord;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("can't use {} while {context}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file or directory is not what it must be: owned by the wrong user, writable by others, a link.
    #[error("{} {reason}", path.display())]
    Untrusted {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it: goes on after the path.
        reason: String,
    },
    /// Another process writes, and has for as long as we may wait.
    #[error("{} is held by process {holder}", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// Who holds it, as far as it says.
        holder: String,
    },
    /// There is no log here.
    #[error("no log at {}", path.display())]
    Absent {
        /// Where it would be.
        path: PathBuf,
    },
    /// The database below refused something.
    #[error("the log at {} failed while {context}", path.display())]
    Store {
        /// The database.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: Box<redb::Error>,
    },
    /// What is there is not what was written.
    #[error("the log at {} was altered: {reason}", path.display())]
    Tampered {
        /// The database.
        path: PathBuf,
        /// The first record that does not fit, where that is known.
        seq: Option<u64>,
        /// What does not fit.
        reason: String,
    },
    /// A record is not one.
    #[error("record {seq} of {} can't be read", path.display())]
    Record {
        /// The database.
        path: PathBuf,
        /// Its number.
        seq: u64,
        /// Why.
        source: NotARecord,
    },
    /// Over a stated limit.
    #[error("{what} is larger than {limit} bytes")]
    Limit {
        /// What.
        what: &'static str,
        /// The limit, bytes.
        limit: u64,
    },
    /// An earlier write of this process failed, and after a failed write nothing of what the system
    /// says about the file can be believed.
    #[error("an earlier write failed: {0}")]
    Poisoned(String),
    /// The system could not make what was written durable, so it isn't known whether it is.
    #[error("what was written may be lost")]
    Unsynced(#[source] Box<Error>),
    /// A write that several waited for failed.
    #[error(transparent)]
    Shared(std::sync::Arc<Error>),
    /// A text is not of the form it must have.
    #[error("{what}: {reason}")]
    Form {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// What this crate's calls give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(path: &Path, context: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, context, source }
    }

    pub(crate) fn store<E: Into<redb::Error>>(
        path: &Path,
        context: &'static str,
    ) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |source| Self::Store { path, context, source: Box::new(source.into()) }
    }

    pub(crate) fn tampered(path: &Path, seq: Option<u64>, reason: impl Into<String>) -> Self {
        Self::Tampered { path: path.to_owned(), seq, reason: reason.into() }
    }

    /// Is there no space left?
    pub(crate) fn is_full(&self) -> bool {
        let full = |e: &io::Error| {
            matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        match self {
            Self::Io { source, .. } => full(source),
            Self::Store { source, .. } => matches!(&**source, redb::Error::Io(e) if full(e)),
            Self::Shared(error) => error.is_full(),
            _ => false,
        }
    }

    /// Did the system fail to write, so that what it says of the file can't be believed any more? After
    /// `fsync` has failed the pages that are lost are read as if they were there.
    pub(crate) fn poisons(&self) -> bool {
        match self {
            Self::Unsynced(_) => true,
            Self::Store { .. } => !self.is_full(),
            Self::Shared(error) => error.poisons(),
            _ => false,
        }
    }

    /// The kind of fault that this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Tampered { .. } | Self::Record { .. } => Code::Tampered,
            Self::Locked { .. } => Code::Lock,
            Self::Absent { .. } => Code::NotFound,
            Self::Form { .. } => Code::Usage,
            Self::Shared(error) => error.code(),
            Self::Limit { .. } => Code::Limit,
            Self::Unsynced(_)
            | Self::Io { .. }
            | Self::Untrusted { .. }
            | Self::Store { .. }
            | Self::Poisoned(_) => Code::Audit,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = error.code();
        let message = match code {
            Code::Audit => "the log of changes can't be used, so nothing is changed",
            Code::Tampered => "the log of changes is not what was written",
            Code::Lock => "another process is writing the log of changes",
            _ => "the log of changes can't be read",
        };
        let fault = Self::caused_by(code, message, &error);
        match code {
            Code::Tampered => {
                fault.hint("`omg audit verify` names the first record that does not fit")
            }
            Code::Audit => fault.hint(
                "make room, or correct the owner, and try again; `omg doctor` looks for both",
            ),
            Code::Lock => fault.hint("try again when it has ended"),
            _ => fault,
        }
    }
}
