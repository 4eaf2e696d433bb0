//! Everything that keeps a recipe from being built.

use std::io;
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault, escape};
use omg_sandbox::SandboxError;

use super::archive::ArchiveError;
use crate::recipes::RecipeError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The recipe's files can't be read or fetched.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// `.SRCINFO` makes no sense, or is not there.
    #[error(transparent)]
    Srcinfo(#[from] crate::Error),
    /// The recipe has something that can't be built from.
    #[error("the recipe can't be built: {reason}")]
    Unfit {
        /// The rule that it breaks.
        reason: String,
    },
    /// A source can't be had.
    #[error("'{name}' can't be fetched: {reason}")]
    Source {
        /// The source, escaped.
        name: String,
        /// Why, escaped.
        reason: String,
    },
    /// A source is not what the recipe says.
    #[error("'{name}' is not what the recipe was written for: {reason}")]
    Digest {
        /// The source, escaped.
        name: String,
        /// Which checksum.
        reason: String,
    },
    /// A source's signature is not good.
    #[error("the signature of '{name}' is not good: {reason}")]
    Signature {
        /// The source, escaped.
        name: String,
        /// Why.
        reason: String,
    },
    /// The commit has not been out for long enough.
    #[error("{reason}")]
    Young {
        /// How old it is and should be.
        reason: String,
    },
    /// The build can't be confined.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// makepkg was run and failed.
    #[error("building {base} failed: {reason}")]
    Failed {
        /// The package base.
        base: String,
        /// How it ended.
        reason: String,
        /// The end of its output, escaped.
        tail: Vec<String>,
        /// All of it.
        log: PathBuf,
        /// What may help.
        hint: Option<&'static str>,
    },
    /// What was built is no package, or not the one that was asked for.
    #[error("'{name}', which the build made, is refused")]
    Product {
        /// The file, escaped.
        name: String,
        /// Why.
        source: ArchiveError,
    },
    /// Something that the build left where packages should be.
    #[error("the build left '{name}' among its packages: {reason}")]
    Planted {
        /// The file, escaped.
        name: String,
        /// What it is.
        reason: &'static str,
    },
    /// Another recipe that this one needs was not built.
    #[error("'{needed}', which it needs, was not built")]
    Needs {
        /// The other package base.
        needed: String,
    },
    /// The operating system refused something.
    #[error("can't use {} while {context}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl BuildError {
    pub(super) fn io(path: &Path, context: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Io { path: path.to_path_buf(), context, source: source.into() }
    }

    pub(super) fn unfit(reason: impl Into<String>) -> Self {
        Self::Unfit { reason: reason.into() }
    }

    pub(super) fn source(name: &str, reason: impl AsRef<str>) -> Self {
        Self::Source { name: shown(name), reason: shown(reason.as_ref()) }
    }

    pub(super) fn digest(name: &str, reason: impl Into<String>) -> Self {
        Self::Digest { name: shown(name), reason: reason.into() }
    }

    /// The error as it crosses to the service: code, causes, what to do.
    pub fn fault(&self) -> Fault {
        let mut fault = match self {
            Self::Recipe(error) => {
                let mut fault = Fault::caused_by(error.code(), "the recipe can't be used", error);
                fault.hint = error.advice();
                return fault;
            }
            Self::Srcinfo(error) => return error.fault(),
            Self::Sandbox(error) => return error.into(),
            _ => Fault::new(self.code(), self.to_string()),
        };
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            fault.cause.push(cause.to_string());
            next = cause.source();
        }
        if let Self::Failed { tail, log, .. } = self {
            fault.cause.extend(tail.iter().cloned());
            fault.cause.push(format!("all of its output is in {}", log.display()));
        }
        fault.hint = self.advice();
        fault
    }

    fn code(&self) -> Code {
        match self {
            Self::Recipe(error) => error.code(),
            Self::Srcinfo(error) => error.fault().code,
            Self::Unfit { .. } | Self::Failed { .. } | Self::Needs { .. } => Code::Build,
            Self::Source { .. } => Code::Network,
            Self::Digest { .. } => Code::Digest,
            Self::Signature { .. } => Code::Signature,
            Self::Young { .. } => Code::Policy,
            Self::Sandbox(_) => Code::Sandbox,
            Self::Product { source, .. } => source.code(),
            Self::Planted { .. } => Code::Archive,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Io { .. } => Code::Unwritable,
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Failed { hint, log, .. } => match hint {
                Some(hint) => (*hint).to_owned(),
                None => format!("less {}", log.display()),
            },
            Self::Young { .. } => "wait, or name the package in `aur.exempt`".into(),
            Self::Digest { .. } => {
                "the source was changed after the recipe was written: ask the maintainer".into()
            }
            Self::Signature { .. } => {
                "`validpgpkeys` names the keys; put theirs among your keys for builds".into()
            }
            Self::Io { path, source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                format!("ls -ld {}", path.display())
            }
            _ => return None,
        })
    }
}

impl From<BuildError> for Fault {
    fn from(error: BuildError) -> Self {
        error.fault()
    }
}

/// Foreign text, short and safe to show.
pub(super) fn shown(text: &str) -> String {
    let text: String = text.chars().take(300).collect();
    escape(&text).to_string()
}
