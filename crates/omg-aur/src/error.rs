//! Everything that can go wrong between us and the AUR.

use std::io;
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};

use crate::resolve::Unsolvable;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("can't read or write {} while {context}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
    /// An input is larger than its stated limit.
    #[error("{what} is larger than {limit} {unit}")]
    TooLarge {
        /// The file or address.
        what: String,
        /// The limit that it exceeds.
        limit: u64,
        /// What is counted: `bytes`, `lines`.
        unit: &'static str,
    },
    /// An input was read but is not in its format.
    #[error("{what}:{line}: {reason}")]
    Malformed {
        /// The file or address.
        what: String,
        /// Line, counted from 1; 0 where the format has no lines.
        line: u32,
        /// What was expected.
        reason: String,
    },
    /// An argument is not of the form that the AUR knows.
    #[error("{reason}")]
    Argument {
        /// What is wrong with it.
        reason: String,
    },
    /// The base address can't be used.
    #[error("the AUR's address '{address}' can't be used: {reason}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection, or one that broke.
    #[error("the AUR can't be reached at {address} ({context})")]
    Unreachable {
        /// The address asked.
        address: String,
        /// What was being done, one phrase.
        context: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// An answer that comes too slowly or too late.
    #[error("{address} answers too slowly: {reason}")]
    Slow {
        /// The address asked.
        address: String,
        /// The limit that was missed.
        reason: String,
    },
    /// A redirect that is not followed.
    #[error("{address} sends us to '{target}', which is not followed: {reason}")]
    Redirect {
        /// The address asked.
        address: String,
        /// Where it points, escaped.
        target: String,
        /// The rule that forbids it.
        reason: &'static str,
    },
    /// An HTTP status that is no answer.
    #[error("{address} answers with HTTP status {status}")]
    Status {
        /// The address asked.
        address: String,
        /// The status.
        status: u16,
        /// Seconds that the server asks us to wait.
        retry_after: Option<u64>,
    },
    /// An answer of type `error`.
    #[error("the AUR refuses the request: {message}")]
    Refused {
        /// What the AUR says, escaped.
        message: String,
    },
    /// Asked to wait, and there is no earlier answer.
    #[error("the AUR asked us to wait; the next request is possible in {seconds} s")]
    Waiting {
        /// Seconds until then.
        seconds: u64,
        /// Why we wait: the error of the last request.
        reason: String,
    },
    /// No dump has been fetched.
    #[error("the AUR's list of packages has not been fetched yet")]
    NoDump,
    /// A request for packages that can't be met.
    #[error(transparent)]
    Unsolvable(#[from] Box<Unsolvable>),
    /// A recipe can't be fetched, read or compared.
    #[error(transparent)]
    Recipe(#[from] crate::recipes::RecipeError),
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

    /// The error as it crosses to the service: code, causes, what to do.
    pub fn fault(&self) -> Fault {
        let mut fault = Fault::new(self.code(), self.to_string());
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            fault.cause.push(cause.to_string());
            next = cause.source();
        }
        if let Self::Waiting { reason, .. } = self {
            fault.cause.push(reason.clone());
        }
        fault.hint = self.advice();
        if let Self::Unsolvable(unsolvable) = self {
            fault.suggestions = unsolvable.suggestions().to_vec();
        }
        fault
    }

    fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Io { .. } => Code::Unreadable,
            Self::TooLarge { .. } => Code::Limit,
            Self::Malformed { .. } => Code::Malformed,
            Self::Argument { .. } => Code::Usage,
            Self::Address { .. } => Code::Settings,
            Self::NoDump => Code::NotFound,
            Self::Unsolvable(unsolvable) => unsolvable.code(),
            Self::Recipe(error) => error.code(),
            Self::Unreachable { .. }
            | Self::Redirect { .. }
            | Self::Slow { .. }
            | Self::Status { .. }
            | Self::Waiting { .. } => Code::Network,
            Self::Refused { .. } => Code::Failure,
            Self::Worker { .. } => Code::Internal,
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::NoDump => "omg aur sync".into(),
            Self::Io { source, path, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                format!("ls -ld {}", path.display())
            }
            Self::Unreachable { address, .. } | Self::Status { address, .. } => {
                format!("curl -sSI {address}")
            }
            Self::Unsolvable(unsolvable) => return unsolvable.advice(),
            Self::Recipe(error) => return error.advice(),
            _ => return None,
        })
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.fault()
    }
}
