//! Why the system is not changed, or only in part.

use std::io;
use std::path::PathBuf;

use omg_core::{Code, Fault};

use crate::error::clean;

/// What went wrong while changing the system.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: {source} while {context}", path.display())]
    Io {
        path: PathBuf,
        /// Finishes "while …".
        context: &'static str,
        source: io::Error,
    },
    #[error("{} is locked{}", path.display(), holder.as_ref().map(|it| format!(" by {it}")).unwrap_or_default())]
    Locked {
        path: PathBuf,
        /// Name and process id.
        holder: Option<String>,
    },
    #[error("nobody waits for the lock any more")]
    Cancelled,
    #[error("{what}")]
    Transaction {
        /// What failed, one line.
        what: String,
        /// libapt's words and the end of the output.
        causes: Vec<String>,
    },
    #[error("'{package}' is not installed")]
    NotInstalled { package: String },
    #[error("{} is not in dpkg's format: {why}", path.display())]
    Malformed { path: PathBuf, why: String },
    #[error("no signed list has '{package}' in this version")]
    Unproven { package: String },
    #[error("nobody who may signed for '{package}'")]
    Unsigned {
        package: String,
        /// Why the lists that have it can't be believed.
        problems: Vec<String>,
    },
    #[error("'{package}' must be installed again, and its archive is not in apt's cache")]
    Gone { package: String },
}

impl Error {
    /// For `map_err`: a failure of the operating system with a file.
    pub(crate) fn io<E: Into<io::Error>>(
        path: impl Into<PathBuf>,
        context: &'static str,
    ) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |source| Self::Io { path, context, source: source.into() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Error::Io { .. } => Code::Unwritable,
            Error::Locked { .. } => Code::Lock,
            Error::Cancelled => Code::Declined,
            Error::Transaction { .. } => Code::Transaction,
            Error::NotInstalled { .. } => Code::NotFound,
            Error::Malformed { .. } => Code::Malformed,
            Error::Unproven { .. } => Code::Digest,
            Error::Unsigned { .. } => Code::Signature,
            Error::Gone { .. } => Code::Gone,
        };
        let mut fault = Self::new(code, clean(&error.to_string()));
        match error {
            Error::Transaction { causes, .. } => {
                fault.cause = causes;
                fault.hint("`omg recover` finishes or reverts what was begun")
            }
            Error::Unsigned { problems, .. } => {
                fault.cause = problems.iter().map(|problem| clean(problem)).collect();
                fault.hint("`omg sync` fetches and checks the lists anew")
            }
            Error::Locked { .. } => fault.hint("wait until it is done, then ask again"),
            Error::Unproven { .. } => fault.hint("`omg sync` brings the lists up to date"),
            Error::Gone { package } => {
                fault.hint(format!("`sudo apt-get install --reinstall {package}` fetches it"))
            }
            _ => fault,
        }
    }
}
