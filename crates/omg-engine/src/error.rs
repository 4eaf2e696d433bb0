//! What can go wrong between the daemon and an engine.

use std::io;
use std::path::PathBuf;

use omg_core::{Code, Fault};

/// Why there is no engine, or no answer from it that can be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The executable can't be started.
    #[error("{}: can't be started: {source}", path.display())]
    Start {
        /// The executable.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was started too often in a short time.
    #[error("{}: was started {starts} times within {seconds} s, and is gone again", path.display())]
    Restarts {
        /// The executable.
        path: PathBuf,
        /// How often.
        starts: usize,
        /// In how many seconds.
        seconds: u64,
    },
    /// It died twice over the same change.
    #[error("{}: died twice over this change: {how}", path.display())]
    Died {
        /// The executable.
        path: PathBuf,
        /// How it ended the second time: `signal 11`, `exit code 1`.
        how: String,
    },
    /// It was stopped while the plan was made.
    #[error("{}: was stopped", path.display())]
    Stopped {
        /// The executable.
        path: PathBuf,
    },
    /// No answer came in time. The engine was ended.
    #[error("{}: no plan within {seconds} s", path.display())]
    Timeout {
        /// The executable.
        path: PathBuf,
        /// The time it was given.
        seconds: f32,
    },
    /// The pipe broke.
    #[error("{source} while {context}")]
    Pipe {
        /// What was going on: finishes "while …".
        context: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A length is over its limit; nothing was allocated for it.
    #[error("{what} of {length} is over the limit of {limit}")]
    Limit {
        /// Of what: `frame`, `list of changes`.
        what: &'static str,
        /// Bytes or items, as far as they were counted.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// Bytes are not what their place calls for.
    #[error("undecodable {what}: {source}")]
    Undecodable {
        /// What was expected.
        what: &'static str,
        /// What the codec says.
        source: bitcode::Error,
    },
    /// A message ends before its end, or goes on after it.
    #[error("{what} of a wrong length")]
    Length {
        /// What was expected.
        what: &'static str,
    },
    /// The first frame is not a greeting of this protocol.
    #[error("the peer does not speak the engine protocol")]
    NotEngine,
    /// The peer speaks another version.
    #[error("the peer speaks engine protocol {theirs}, this side speaks {ours}")]
    Version {
        /// Our number.
        ours: u16,
        /// Theirs.
        theirs: u16,
    },
    /// A plan says something that no plan can say.
    #[error("the plan is refused: {0}")]
    Plan(String),
}

impl Error {
    /// Does it say something about one answer only? Else the bytes that follow it make no sense either.
    pub(crate) fn is_about_one_answer(&self) -> bool {
        matches!(self, Self::Plan(_))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match &error {
            Error::Start { path, source } => {
                let message = format!("{} can't be started", path.display());
                Self::caused_by(Code::Engine, message, source).hint(match source.kind() {
                    io::ErrorKind::NotFound => {
                        "it is installed beside omgd: `cargo xtask install`, or the package it comes with"
                    }
                    io::ErrorKind::PermissionDenied => "its file must be executable: `ls -l` shows it",
                    _ => "`omg daemon logs` shows more",
                })
            }
            Error::Restarts { .. } => {
                let hint = "wait some seconds and try again; `omg daemon logs` shows what it said";
                Self::new(Code::Engine, error.to_string()).hint(hint)
            }
            Error::Died { how, .. } => {
                // What the dynamic linker says; nothing of the engine has run then.
                let hint = if how.contains("error while loading shared libraries") {
                    "install the library that it names, or OMG as built for this release of the system"
                } else {
                    "`omg daemon logs` shows what it said before; everything but plans goes on"
                };
                Self::new(Code::Engine, error.to_string()).hint(hint)
            }
            Error::Version { .. } => {
                let hint = "install omgd and its engines together, then `omg daemon stop`";
                Self::new(Code::Engine, error.to_string()).hint(hint)
            }
            Error::Timeout { .. } => Self::new(Code::Timeout, error.to_string()),
            Error::Limit { .. } => Self::new(Code::Limit, error.to_string()),
            Error::Plan(_) => Self::new(Code::Malformed, error.to_string()),
            _ => Self::new(Code::Engine, error.to_string()),
        }
    }
}
