//! Why there is no policy to judge by. Then nothing is judged and nothing is changed.

use std::io;
use std::path::PathBuf;

use omg_core::{Code, Fault};

/// A policy that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It can't be read.
    #[error("{}: {source} while reading the policy", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is larger than a policy may be.
    #[error("{}: is larger than the limit of {limit} bytes", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// Somebody else than its owner could have written it.
    #[error("{}: {why}", path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It makes no sense.
    #[error("{}:{line}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What was expected.
        what: String,
    },
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Read { .. } => Code::Unreadable,
            Error::Limit { .. } => Code::Limit,
            Error::Owner { .. } => Code::Policy,
            Error::Malformed { .. } => Code::Malformed,
        };
        let hint = match error {
            Error::Owner { .. } => {
                "only its owner may be able to write a policy: `chown`, `chmod go-w`"
            }
            _ => {
                "`omg audit policy` checks the file; without a policy that can be read nothing is changed"
            }
        };
        Self::new(code, error.to_string()).hint(hint)
    }
}
