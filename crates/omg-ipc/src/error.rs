//! Everything that can go wrong between two ends of a socket.

//! What can go wrong between two processes.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use omg_core::{Code, Fault};

/// Why there is no connection, no answer or no listening socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused something about a file or socket.
    #[error("{}: {source} while {context}", path.display())]
    Path {
        /// The file.
        path: PathBuf,
        /// What was going on: finishes "while …".
        context: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The connection broke.
    #[error("{source} while {context}")]
    Connection {
        /// What was going on: finishes "while …".
        context: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody listens at the socket's path.
    #[error("{}: no daemon listens here", path.display())]
    Absent {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The peer closed the connection before the answer was whole.
    #[error("the connection was closed before the answer came")]
    Closed,
    /// The answer did not come in time.
    #[error("no answer within {} s", after.as_secs_f32())]
    Timeout {
        /// The time it was given.
        after: Duration,
    },
    /// The process behind the socket is another user's.
    #[error("{}: the process behind it belongs to uid {theirs}, not to uid {ours}", path.display())]
    ForeignServer {
        /// The socket.
        path: PathBuf,
        /// Who listens.
        theirs: u32,
        /// Who we are.
        ours: u32,
    },
    /// The socket's directory can't be trusted.
    #[error("{}: {problem}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another daemon serves this socket.
    #[error("{}: another daemon serves this socket{}", path.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Live {
        /// The socket.
        path: PathBuf,
        /// Its process, where it can be found.
        pid: Option<u32>,
    },
    /// Something that is no socket stands where the socket should be.
    #[error("{}: there is a file of another kind in the socket's place", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// An inherited descriptor is not what socket activation promises.
    #[error("the inherited descriptor is not a listening Unix stream socket")]
    NotActivated,
    /// Bytes are not the protocol.
    #[error(transparent)]
    Protocol(#[from] omg_proto::Error),
    /// The daemon refused the connection as a whole.
    #[error("{0}")]
    Refused(Fault),
    /// An answer carries an id that nobody waits for.
    #[error("an answer to request {id}, which was not asked")]
    Unasked {
        /// The id.
        id: u64,
    },
}

impl Error {
    pub(crate) fn path(path: &Path, context: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Path { path: path.to_owned(), context, source: source.into() }
    }

    /// Is it that no daemon runs, so that starting one may help?
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }

    /// This error as users meet it.
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::Path { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::ForeignServer { .. } | Self::Directory { .. } => Code::Peer,
            Self::Live { .. } => Code::Lock,
            Self::Timeout { .. } => Code::Timeout,
            Self::Protocol(omg_proto::Error::FrameTooLarge { .. }) => Code::Limit,
            Self::Protocol(_) | Self::Unasked { .. } => Code::Protocol,
            Self::Refused(fault) => return fault.clone(),
            _ => Code::Daemon,
        };
        let fault = Fault::new(code, self.to_string());
        match self {
            Self::Directory { path, .. } => fault.hint(format!(
                "chmod 700 {0}, or set OMG_SOCKET to a path in a directory of your own",
                path.display()
            )),
            Self::Live { .. } => fault.hint("omg daemon stop"),
            Self::ForeignServer { .. } => {
                fault.hint("set OMG_SOCKET to a path in a directory of your own")
            }
            Self::Protocol(omg_proto::Error::Version { .. }) => {
                fault.hint("omg daemon stop, then ask again")
            }
            Self::Closed | Self::Absent { .. } | Self::Timeout { .. } => {
                fault.hint("omg daemon logs")
            }
            _ => fault,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.fault()
    }
}
