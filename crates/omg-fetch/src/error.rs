//! Everything that can go wrong between a mirror and the store.

use std::io;
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};
use rustix::io::Errno;

use crate::Sha256;

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
    /// The directory of the store can't be trusted.
    #[error("{} can't be the store: {reason}", path.display())]
    Store {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting of the fetcher can't be used.
    #[error("{what} can't be used: {reason}")]
    Setting {
        /// Which: the proxy, the trust store.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A URL that is never asked.
    #[error("'{url}' is not asked: {reason}")]
    Address {
        /// The URL, escaped.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A redirect that is not followed.
    #[error("{url} sends us to '{target}', which is not followed: {reason}")]
    Redirect {
        /// The URL asked.
        url: String,
        /// Where it points, escaped.
        target: String,
        /// The rule that forbids it.
        reason: &'static str,
    },
    /// No connection, or one that broke.
    #[error("{url} can't be reached ({context})")]
    Unreachable {
        /// The URL asked.
        url: String,
        /// What was being done, one phrase.
        context: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// The answer ended before the last byte.
    #[error("{url} ended after {received} of {length} bytes")]
    Cut {
        /// The URL asked.
        url: String,
        /// Bytes that came.
        received: u64,
        /// Bytes that were announced or signed for.
        length: u64,
    },
    /// An answer that comes too slowly or too late.
    #[error("{url} is too slow: {reason}")]
    Slow {
        /// The URL asked.
        url: String,
        /// The limit that was missed.
        reason: String,
    },
    /// An HTTP status that is no answer.
    #[error("{url} answers with HTTP status {status}")]
    Status {
        /// The URL asked.
        url: String,
        /// The status.
        status: u16,
    },
    /// An answer that contradicts itself or the question.
    #[error("{url} gives an answer that makes no sense: {reason}")]
    Nonsense {
        /// The URL asked.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More bytes than there may be.
    #[error("{url} delivers more than {limit} bytes")]
    TooLarge {
        /// The URL asked.
        url: String,
        /// The limit.
        limit: u64,
        /// The limit is a size that was signed for.
        signed: bool,
    },
    /// Fewer bytes than were signed for.
    #[error("{url} delivers {received} bytes where the lists name {size}")]
    TooSmall {
        /// The URL asked.
        url: String,
        /// Bytes that came.
        received: u64,
        /// Bytes that should have come.
        size: u64,
    },
    /// Bytes that don't have the digest that was signed for them.
    #[error("{url} delivers other bytes than the lists name")]
    Digest {
        /// The URL asked, or a path.
        url: String,
        /// Their digest.
        actual: Sha256,
        /// The digest that they should have.
        wanted: Sha256,
    },
    /// Nobody has said which digest the file must have.
    #[error("no SHA-256 is known for {name}, so what a mirror delivers can't be checked")]
    NoDigest {
        /// The file.
        name: String,
    },
    /// No mirror delivered the file.
    #[error("{name} can't be fetched")]
    AllFailed {
        /// The file.
        name: String,
        /// The reason that weighs most, one of each mirror, in order.
        reasons: Vec<Error>,
    },
    /// A thread or task of this crate ended with a panic.
    #[error("a worker ended early while {context}")]
    Worker {
        /// What it was doing: finishes the phrase "while …".
        context: &'static str,
    },
}

impl Error {
    /// Wraps an I/O error; `context` finishes the phrase "while …".
    pub(crate) fn io(path: &Path, context: &'static str) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { path, context, source }
    }

    /// The server says that there is no such file: status 404 or 410.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 404 | 410),
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::AllFailed { reasons, .. } => {
                !reasons.is_empty() && reasons.iter().all(Self::is_missing)
            }
            _ => false,
        }
    }

    /// The same mirror may do better at the next try.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Cut { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// It lies with this machine and not with the mirror: no other mirror helps.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() != io::ErrorKind::NotFound,
            Self::Store { .. } | Self::Setting { .. } | Self::Worker { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        let full = |it: &io::Error| {
            [Errno::NOSPC, Errno::DQUOT].iter().any(|e| it.raw_os_error() == Some(e.raw_os_error()))
        };
        matches!(self, Self::Io { source, .. } if full(source))
    }

    /// What kind of error it is for people.
    pub fn code(&self) -> Code {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Code::Gone,
            Self::Io { .. } | Self::Store { .. } => Code::Unwritable,
            Self::Setting { .. } => Code::Settings,
            Self::Address { .. } | Self::Redirect { .. } | Self::NoDigest { .. } => Code::Refused,
            Self::TooLarge { signed: false, .. } => Code::Limit,
            Self::TooLarge { .. } | Self::TooSmall { .. } | Self::Digest { .. } => Code::Digest,
            Self::Status { status: 404 | 410, .. } => Code::Gone,
            Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Slow { .. }
            | Self::Status { .. }
            | Self::Nonsense { .. } => Code::Network,
            Self::AllFailed { reasons, .. } => {
                // What looks like an attack must not be hidden behind a mirror that is down; what is
                // gone everywhere is another thing than what can't be asked for now.
                let codes: Vec<_> = reasons.iter().map(Self::code).collect();
                [Code::Digest, Code::Refused, Code::Limit, Code::Network, Code::Gone]
                    .into_iter()
                    .find(|code| codes.contains(code))
                    .or(codes.first().copied())
                    .unwrap_or(Code::Network)
            }
            Self::Worker { .. } => Code::Internal,
        }
    }

    /// The error as it crosses to the service: code, causes, what to do.
    pub fn fault(&self) -> Fault {
        let mut fault = Fault::caused_by(self.code(), self.to_string(), self);
        // The first is the error itself, which is the message already.
        fault.cause.remove(0);
        match self {
            Self::AllFailed { reasons, .. } => {
                for reason in reasons {
                    let of = reason.fault();
                    fault.cause.push(of.to_string());
                    fault.hint = fault.hint.or(of.hint);
                }
            }
            Self::Digest { actual, wanted, .. } => {
                fault.cause.push(format!("SHA-256 is {actual}"));
                fault.cause.push(format!("the lists name {wanted}"));
            }
            _ => {}
        }
        if let Some(advice) = self.advice() {
            fault.hint = Some(advice);
        }
        fault
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            _ if self.is_full() => "omg clean".into(),
            Self::Io { source, path, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                format!("ls -ld {}", path.display())
            }
            Self::Store { path, .. } => format!("ls -ld {}", path.display()),
            Self::AllFailed { .. } if matches!(self.code(), Code::Gone | Code::Digest) => {
                "omg sync".into()
            }
            Self::Unreachable { url, .. } => format!("curl -sSI '{url}'"),
            _ => return None,
        })
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.fault()
    }
}
