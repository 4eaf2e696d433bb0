//! Why an order is not carried out, before a native library has a say.

use std::io;
use std::path::PathBuf;

use omg_core::{Code, Fault};

/// What went wrong around the native library.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: {source} while {context}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was going on: finishes "while …".
        context: &'static str,
        source: io::Error,
    },
    #[error("{}: belongs to user {owner}, or others may write to it", path.display())]
    Foreign { path: PathBuf, owner: u32 },
    #[error("{path}: {why}")]
    Artifact {
        /// As the client named it.
        path: String,
        why: String,
    },
    /// Nothing that a client has to offer: a link, a device, too many files.
    #[error("{path}: {why}")]
    Unfit {
        /// As the client named it.
        path: String,
        why: String,
    },
    #[error("{path}: does not have the {what} that was signed for it")]
    Differs { path: String, what: &'static str },
    #[error("no file was given for {package}")]
    Missing { package: String },
    #[error("nothing vouches for {package}: no digest of it was signed or approved")]
    Unproven { package: String },
    #[error("the order is not usable: {why}")]
    Order { why: String },
    #[error("stopped by a signal before anything was changed")]
    Stopped,
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
            Error::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => Code::Permission,
                _ => Code::Unwritable,
            },
            Error::Foreign { .. } => Code::Permission,
            Error::Artifact { .. } => Code::Unreadable,
            Error::Unfit { .. } => Code::Refused,
            Error::Differs { .. } | Error::Missing { .. } | Error::Unproven { .. } => Code::Digest,
            Error::Order { .. } => Code::Usage,
            Error::Stopped => Code::Declined,
        };
        let fault = Self::new(code, error.to_string());
        match error {
            Error::Foreign { path, .. } => fault.hint(format!(
                "look who made it, then `chown root: {0}; chmod go-w {0}`",
                path.display()
            )),
            Error::Differs { .. } | Error::Missing { .. } => {
                fault.hint("ask again: the files are fetched and checked anew")
            }
            _ => fault,
        }
    }
}
