//! Why there is no plan.

use omg_core::{Code, Fault, escape, is_dangerous};
use rust_apt::error::AptErrors;

/// Most messages of libapt that one fault repeats.
const CAUSES: usize = 50;

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// libapt failed.
    #[error("{doing}")]
    Library {
        /// What failed, a sentence without a full stop.
        doing: &'static str,
        /// What libapt said.
        causes: Vec<String>,
    },
    /// A target or option can't be understood, or is of a kind that is not supported.
    #[error("{message}")]
    Usage {
        /// What.
        message: String,
    },
    /// A package file can't be read.
    #[error("'{path}' can't be read as a package: {why}")]
    File {
        /// Its path.
        path: String,
        /// Why, a sentence without a full stop.
        why: String,
        /// What libapt said.
        causes: Vec<String>,
    },
    /// A package file is not there.
    #[error("there is no file '{path}'")]
    NoFile {
        /// Its path.
        path: String,
    },
    /// No package has the name.
    #[error("no package is called '{name}'")]
    NoPackage {
        /// The name.
        name: String,
    },
    /// No package matches a pattern.
    #[error("no package matches '{pattern}'")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A package that no repository offers, or that is pinned away.
    #[error("package '{name}' has no installation candidate")]
    NoCandidate {
        /// Its name.
        name: String,
    },
    /// A package does not come in a version or from a suite.
    #[error("'{name}' is not to be had in '{version}'")]
    NoVersion {
        /// Its name.
        name: String,
        /// What was asked for.
        version: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A package was chosen to provide what it does not provide.
    #[error("'{chosen}' does not provide '{wanted}'")]
    NoProvider {
        /// What was wanted.
        wanted: String,
        /// What was chosen.
        chosen: String,
        /// Those that do.
        options: Vec<String>,
    },
    /// Dependencies can't be met.
    #[error("{what}")]
    Unmet {
        /// Why, a sentence without a full stop.
        what: &'static str,
        /// One broken dependency each.
        causes: Vec<String>,
        /// What to do about it.
        hint: &'static str,
    },
    /// Packages that the system can't do without would go.
    #[error("essential packages would be removed: {}", names.join(", "))]
    Essential {
        /// Their names.
        names: Vec<String>,
    },
    /// A package list has characters in a name that must not reach a terminal.
    #[error("the package lists have control characters in '{text}'")]
    Dangerous {
        /// The name, escaped.
        text: String,
    },
    /// The root can't be read.
    #[error("{}", .0.message)]
    Root(Fault),
}

impl Error {
    /// libapt's own words for a failure.
    pub(crate) fn library(doing: &'static str, errors: &AptErrors) -> Self {
        let errors = errors.iter().filter(|message| message.is_error).take(CAUSES);
        let mut causes: Vec<String> = errors.map(|error| clean(&error.msg)).collect();
        causes.extend(messages());
        Self::Library { doing, causes }
    }

    /// A target that can't be understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = clean(&error.to_string());
        let fault = |code| Fault::new(code, message.clone());
        match error {
            Error::Library { causes, .. } => {
                let mut fault = fault(Code::Unreadable);
                fault.cause = causes;
                fault.hint(
                    "`sudo apt-get update` brings the lists up to date; `apt-get check` tells more",
                )
            }
            Error::Usage { .. } => fault(Code::Usage),
            Error::File { causes, .. } => {
                let mut fault = fault(Code::Malformed);
                fault.cause = causes;
                fault
            }
            Error::NoPackage { .. } | Error::NoFile { .. } | Error::NoMatch { .. } => {
                fault(Code::NotFound)
            }
            Error::NoCandidate { .. } => fault(Code::NotFound).hint(
                "another package refers to it, but no repository offers it; refresh the lists",
            ),
            Error::NoVersion { name, known, .. } => {
                let fault = fault(Code::NotFound);
                if known.is_empty() {
                    return fault;
                }
                fault.hint(clean(&format!("'{name}' is to be had in {}", known.join(", "))))
            }
            Error::NoProvider { options, .. } => {
                let hint = format!("these do: {}", options.join(", "));
                fault(Code::NotFound).hint(clean(&hint))
            }
            Error::Unmet { causes, hint, .. } => {
                let mut fault = fault(Code::Unsolvable);
                fault.cause = causes;
                fault.hint(hint)
            }
            Error::Essential { .. } => fault(Code::Refused)
                .hint("the system may not start without them; `apt-get` has options for it"),
            Error::Dangerous { .. } => fault(Code::Malformed),
            Error::Root(fault) => fault,
        }
    }
}

/// Takes what libapt has to say off its stack: errors only, warnings are dropped.
pub(crate) fn messages() -> Vec<String> {
    let stack = AptErrors::new();
    let errors = stack.iter().filter(|message| message.is_error);
    errors.take(CAUSES).map(|message| clean(&message.msg)).collect()
}

/// Text of others, fit for a terminal.
pub(crate) fn clean(text: &str) -> String {
    escape(text.trim()).to_string()
}

/// A name or version as it goes into a plan.
///
/// # Errors
/// It has characters that no name has and that could control a terminal.
pub(crate) fn checked(text: &str) -> Result<String, Error> {
    if text.chars().any(is_dangerous) {
        return Err(Error::Dangerous { text: clean(text) });
    }
    Ok(text.to_owned())
}
