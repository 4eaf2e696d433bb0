//! Everything that can go wrong with git and the recipes it brings.

use std::io;
use std::path::{Path, PathBuf};

use omg_core::Code;

/// What git does when it needs the network.
pub(super) const FETCHING: &str = "fetching a recipe";

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A name, a commit or an address that is never handed to git.
    #[error("'{name}' can't be used: {reason}")]
    Name {
        /// What was given, escaped.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// The AUR has no recipe of this name.
    #[error("the AUR has no recipe '{name}'")]
    NotFound {
        /// The package base.
        name: String,
    },
    /// A commit is not in the recipe's repository.
    #[error("the recipe '{name}' has no commit {commit}")]
    NoCommit {
        /// The package base.
        name: String,
        /// The commit.
        commit: String,
    },
    /// The program `git` is missing.
    #[error("recipes are fetched by git, which is not installed")]
    NoGit,
    /// Git ended with an error.
    #[error("git failed while {doing} ({status}): {said}")]
    Git {
        /// Finishes the phrase "while …".
        doing: &'static str,
        /// How it ended.
        status: String,
        /// What it said, escaped.
        said: String,
    },
    /// Git was stopped because it took too long.
    #[error("git took longer than {seconds} s while {doing}")]
    Deadline {
        /// Finishes the phrase "while …".
        doing: &'static str,
        /// The limit, seconds.
        seconds: u64,
    },
    /// A repository or an answer of git is larger than its stated limit.
    #[error("more than {limit} bytes while {doing}")]
    Limit {
        /// Finishes the phrase "while …".
        doing: &'static str,
        /// The limit, bytes.
        limit: u64,
    },
    /// Git's answer is not in the form that its manual says.
    #[error("git's answer makes no sense while {doing}")]
    Answer {
        /// Finishes the phrase "while …".
        doing: &'static str,
    },
    /// The operating system refused something.
    #[error("can't use {} while {context}", path.display())]
    Io {
        /// The file, directory or program.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl RecipeError {
    /// Wraps an I/O error; `context` finishes the phrase "while …".
    pub(crate) fn io(path: &Path, context: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), context, source }
    }

    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Name { .. } => Code::Usage,
            Self::NotFound { .. } | Self::NoCommit { .. } => Code::NotFound,
            Self::Git { doing, .. } | Self::Deadline { doing, .. } if *doing == FETCHING => {
                Code::Network
            }
            Self::NoGit | Self::Git { .. } => Code::Failure,
            Self::Deadline { .. } => Code::Timeout,
            Self::Limit { .. } => Code::Limit,
            Self::Answer { .. } => Code::Malformed,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Io { .. } => Code::Unreadable,
        }
    }

    /// What to type next.
    pub(crate) fn advice(&self) -> Option<String> {
        Some(match self {
            Self::NoGit => "sudo pacman -S git".into(),
            Self::NotFound { name } => format!("omg search {name}"),
            Self::Io { source, path, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                format!("ls -ld {}", path.display())
            }
            _ => return None,
        })
    }
}
