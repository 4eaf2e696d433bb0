//! Everything that can go wrong while reading an Arch system.

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
    /// A file, or something in it, exceeds its stated limit.
    #[error("{} has more than {limit} {unit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
        /// What is counted: `bytes`, `entries`.
        unit: &'static str,
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
    /// A compressed file or an archive ends early or is damaged.
    #[error("{} can't be unpacked", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: io::Error,
    },
    /// A file is compressed in a way that is not read here.
    #[error("{} is compressed with {format}, which is not supported", path.display())]
    Compression {
        /// The file.
        path: PathBuf,
        /// The format's name.
        format: &'static str,
    },
    /// No pacman database is below the root.
    #[error("no pacman database at {}", path.display())]
    NoDatabase {
        /// The directory that should be there.
        path: PathBuf,
    },
    /// The local database is of a layout that is not read here.
    #[error("the database at {} {}", path.display(), layout(*.found, *.known))]
    DatabaseVersion {
        /// The directory of the local database.
        path: PathBuf,
        /// The version that it says it is of, if it says so.
        found: Option<u64>,
        /// The version that is read.
        known: u64,
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
    /// A database or package is not vouched for by whom it must be.
    #[error("{what} is not trusted: {source}")]
    Verify {
        /// The file.
        what: String,
        /// Why.
        source: omg_verify::Error,
    },
    /// There are no keys to verify by.
    #[error("{what} can't be verified: {reason}")]
    Keyring {
        /// The file.
        what: String,
        /// What is wrong with the keyring.
        reason: String,
    },
    /// A file could not be fetched.
    #[error("{what} can't be fetched")]
    Fetch {
        /// The file.
        what: String,
        /// Why.
        source: omg_fetch::Error,
    },
    /// A repository without a server.
    #[error("[{name}] has no server")]
    NoServer {
        /// The repository.
        name: String,
    },
    /// A database older than the policy allows.
    #[error("nothing was built for {what} since {newest}, and {days} days are allowed")]
    Expired {
        /// The repository.
        what: String,
        /// When its newest package was built.
        newest: String,
        /// The limit.
        days: u64,
    },
    /// A database older than one that was accepted before.
    #[error("{what} is offered as of {offered}, and was accepted as of {have} before")]
    Rollback {
        /// The repository.
        what: String,
        /// When the newest package that was accepted was built.
        have: String,
        /// When the newest one offered was.
        offered: String,
    },
    /// A file is not the one that a database names.
    #[error("{what} is not what [{repository}] names: {reason}")]
    Mismatch {
        /// The file.
        what: String,
        /// The repository.
        repository: String,
        /// What differs.
        reason: String,
    },
    /// A version that no database in place has.
    #[error("no database has {what}")]
    Gone {
        /// Name and version.
        what: String,
    },
    /// A file among fetched databases that is none of pacman.conf's.
    #[error("'{name}' is no database of a configured repository")]
    Stranger {
        /// Its name, escaped.
        name: String,
    },
    /// The swap of the databases went wrong.
    #[error(transparent)]
    Swap(#[from] omg_backend::swap::Error),
    /// A thread of this crate ended with a panic.
    #[error("a worker thread ended early while {context}")]
    Worker {
        /// What it was doing: finishes the phrase "while …".
        context: &'static str,
    },
    /// Who takes the packages refused one.
    #[error("{}", .0.message)]
    Sink(Fault),
}

impl Error {
    /// Wraps an I/O error; `context` finishes the phrase "while …".
    pub(crate) fn io(path: &Path, context: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), context, source }
    }

    /// Wraps an error of writing.
    pub(crate) fn write(
        path: &Path,
        context: &'static str,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Write { path, context, source }
    }

    /// What to type next.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Archive { path, .. } if path.extension().is_none() => return None,
            Self::Archive { .. } | Self::Compression { .. } | Self::Malformed { line: 0, .. } => {
                "sudo pacman -Syy".into()
            }
            Self::Io { source, path, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                format!("ls -l {}", path.display())
            }
            Self::NotInstalled { name } => format!("omg info {name}"),
            Self::Gone { .. } | Self::Mismatch { .. } => "omg sync".into(),
            Self::Keyring { .. } => "sudo pacman-key --init && sudo pacman-key --populate".into(),
            // What is newer than all that is known can't be made older.
            Self::DatabaseVersion { found, known, .. } if found.is_none_or(|it| it < *known) => {
                "sudo pacman-db-upgrade".into()
            }
            _ => return None,
        })
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
        if let Self::Sink(fault) = self {
            return fault.clone();
        }
        let mut fault = Fault::new(self.code(), self.to_string());
        match self {
            Self::Fetch { source, .. } => {
                let inner = source.fault();
                fault.cause = [vec![inner.message], inner.cause].concat();
                fault.hint = inner.hint;
            }
            Self::Verify { what, source } => {
                let inner = source.fault(what);
                fault.cause = inner.cause;
                fault.hint = inner.hint;
            }
            Self::Swap(swap::Error::Io { source, .. }) => fault.cause = vec![source.to_string()],
            _ => {
                if let Some(cause) = std::error::Error::source(self) {
                    fault.cause = vec![cause.to_string()];
                }
            }
        }
        fault.hint = self.hint().or(fault.hint);
        fault
    }

    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Io { .. } => Code::Unreadable,
            Self::TooLarge { .. } => Code::Limit,
            Self::Malformed { .. }
            | Self::DatabaseVersion { .. }
            | Self::Archive { .. }
            | Self::Compression { .. }
            | Self::Swap(swap::Error::Malformed { .. }) => Code::Malformed,
            Self::NoDatabase { .. } => Code::NoBackend,
            Self::NotInstalled { .. } => Code::NotFound,
            Self::Pattern { .. } => Code::Usage,
            Self::Write { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Write { .. } | Self::Swap(_) => Code::Unwritable,
            Self::Verify { source, .. } => source.code(),
            Self::Keyring { .. } => Code::Signature,
            Self::Fetch { source, .. } => source.code(),
            Self::NoServer { .. } => Code::Settings,
            Self::Expired { .. } => Code::Expired,
            Self::Rollback { .. } => Code::Rollback,
            Self::Mismatch { .. } => Code::Digest,
            Self::Gone { .. } => Code::Gone,
            Self::Stranger { .. } => Code::Refused,
            Self::Worker { .. } => Code::Internal,
            Self::Sink(fault) => fault.code,
        }
    }
}

fn layout(found: Option<u64>, known: u64) -> String {
    match found {
        Some(found) => format!("is of version {found}, not {known}"),
        None => format!("has no version; it should be {known}"),
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.fault()
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Sink(fault)
    }
}
