//! Everything that can go wrong while planning, and what the user is told of it.

use std::io;
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};

/// Targets of one kind that are named in a message; more are counted.
const NAMED: usize = 8;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No local database is there.
    #[error("no pacman database at {}", path.display())]
    NoDatabase {
        /// The file that should be there.
        path: PathBuf,
    },
    /// libalpm refused to do something.
    #[error("libalpm failed while {context}: {reason}")]
    Native {
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Its words.
        reason: String,
        /// What it logged about that, in order.
        log: Vec<String>,
    },
    /// A database is there and makes no sense.
    #[error("the database of {name} can't be used")]
    Unusable {
        /// The repository, or `local`.
        name: String,
        /// What libalpm says of it.
        reasons: Vec<String>,
    },
    /// Repositories that were never synchronised.
    #[error("no database of {} was ever fetched", listed(names))]
    Unfetched {
        /// Their names.
        names: Vec<String>,
    },
    /// pacman.conf has no repository of that name.
    #[error("pacman.conf has no repository '{name}'")]
    NoRepository {
        /// The name.
        name: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// Nothing is called so.
    #[error("nothing is called {}", listed(targets))]
    NotFound {
        /// What was asked for.
        targets: Vec<String>,
        /// Names close to the first.
        suggestions: Vec<String>,
    },
    /// Not installed.
    #[error("{} {} not installed", listed(targets), if targets.len() == 1 { "is" } else { "are" })]
    NotInstalled {
        /// What was asked for.
        targets: Vec<String>,
        /// Names close to the first.
        suggestions: Vec<String>,
    },
    /// A target that can't be one.
    #[error("'{}' can't be the name of a package", target.escape_debug())]
    Target {
        /// It.
        target: String,
    },
    /// A package file can't be read.
    #[error("{} is no package that can be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Is it there at all?
        exists: bool,
        /// Why.
        reasons: Vec<String>,
    },
    /// The same name was asked for twice, from two places.
    #[error("{name} was asked for twice, in two versions or from two places")]
    Twice {
        /// The name.
        name: String,
    },
    /// A provider was chosen that is none.
    #[error("{chosen} does not provide {wanted}, or can't be had")]
    Provider {
        /// What is to be provided.
        wanted: String,
        /// Who was chosen for it.
        chosen: String,
        /// Who could be.
        options: Vec<String>,
    },
    /// No set of packages meets the request.
    #[error("{message}")]
    Unsolvable {
        /// What can't be had.
        message: &'static str,
        /// Why, one line each.
        causes: Vec<String>,
        /// What to type next.
        hint: Option<String>,
    },
    /// HoldPkg names something that would go.
    #[error("{} would be removed, and pacman.conf holds {} (HoldPkg)", listed(names), if names.len() == 1 { "it" } else { "them" })]
    Held {
        /// What would go.
        names: Vec<String>,
    },
    /// A safe upgrade would do more than upgrade.
    #[error("a safe upgrade removes and replaces nothing, and this one would")]
    Unsafe {
        /// What it would do, one line each.
        causes: Vec<String>,
    },
    /// A file could not be read or written.
    #[error("{} failed while {context}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Another process holds pacman's lock.
    #[error("{} is held {}", path.display(), held_by(holder.as_ref(), *seconds))]
    Locked {
        /// The lock.
        path: PathBuf,
        /// Who holds it, where that can be found.
        holder: Option<(u32, String)>,
        /// Seconds waited.
        seconds: u64,
    },
    /// The transaction that libalpm prepared is not what was approved.
    #[error("the system is not as it was when the plan was approved")]
    PlanChanged,
    /// pacman has no way to do what is asked of configuration files.
    #[error("pacman never puts a package's configuration file in the place of yours")]
    Conffiles,
    /// A transaction was not carried out, or not to its end.
    #[error("pacman's library did not carry out the change: {reason}")]
    Transaction {
        /// Its words.
        reason: String,
        /// What kind of thing went wrong.
        code: Code,
        /// What is in the way, what it logged and the end of what scripts printed.
        causes: Vec<String>,
    },
    /// What a crash left can't be repaired.
    #[error("{what} can't be repaired")]
    Unrepaired {
        /// What.
        what: String,
        /// Why, one line each.
        causes: Vec<String>,
    },
    /// A verified copy that libalpm needs is not among those that were handed over.
    #[error("no verified copy of {name} was handed over")]
    NoCopy {
        /// The package or path.
        name: String,
    },
    /// A file's name would lead out of the directory that libalpm reads.
    #[error("'{}' can't be the name of a package's file", name.escape_debug())]
    FileName {
        /// It.
        name: String,
    },
    /// A signature is not what `SigLevel` asks for.
    #[error("the signature of {name} is not as pacman.conf wants it")]
    Signature {
        /// The package, database or path.
        name: String,
        /// What was found, one line each.
        reasons: Vec<String>,
    },
    /// Some packages would be newer than the system that they were built for.
    #[error("this would be a partial upgrade, which Arch does not support")]
    Partial {
        /// What is left behind, and by what: one line each.
        causes: Vec<String>,
        /// The targets that were asked for.
        targets: Vec<String>,
    },
}

fn held_by(holder: Option<&(u32, String)>, seconds: u64) -> String {
    let mut text = match holder {
        Some((pid, name)) => format!("by {name} (process {pid})"),
        None => "by a process that can't be found".to_owned(),
    };
    if seconds > 0 {
        text += &format!(", after {seconds} s of waiting");
    }
    text
}

fn listed(names: &[String]) -> String {
    let text = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// Lines of a fault: enough to act on, few enough to read.
fn shortened(mut lines: Vec<String>) -> Vec<String> {
    const LINES: usize = 24;
    let more = lines.len().saturating_sub(LINES);
    if more > 0 {
        lines.truncate(LINES);
        lines.push(format!("and {more} more"));
    }
    lines
}

impl Error {
    pub(crate) fn io(path: &Path, context: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), context, source }
    }

    fn code(&self) -> Code {
        match self {
            Self::NoDatabase { .. } => Code::NoBackend,
            Self::Native { .. } => Code::Failure,
            Self::Unusable { .. } | Self::File { exists: true, .. } => Code::Malformed,
            Self::Unfetched { .. } => Code::Unreadable,
            Self::NoRepository { .. }
            | Self::NotFound { .. }
            | Self::NotInstalled { .. }
            | Self::Provider { .. }
            | Self::File { exists: false, .. } => Code::NotFound,
            Self::Target { .. } | Self::Conffiles => Code::Usage,
            Self::Twice { .. } | Self::Unsolvable { .. } => Code::Unsolvable,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::Permission
            }
            Self::Io { .. } => Code::Unwritable,
            Self::Locked { .. } => Code::Lock,
            Self::PlanChanged => Code::PlanChanged,
            Self::Transaction { code, .. } => *code,
            Self::Unrepaired { .. } => Code::Interrupted,
            Self::NoCopy { .. } => Code::Digest,
            Self::Signature { .. } => Code::Signature,
            Self::FileName { .. }
            | Self::Held { .. }
            | Self::Unsafe { .. }
            | Self::Partial { .. } => Code::Refused,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let mut fault = Self::new(error.code(), error.to_string());
        match error {
            Error::Native { log, .. } => fault.cause = shortened(log),
            Error::Unusable { name, reasons } => {
                fault.cause = shortened(reasons);
                fault.hint = Some(match name.as_str() {
                    "local" => "sudo pacman-db-upgrade".into(),
                    _ => "sudo pacman -Syy".into(),
                });
            }
            Error::Unfetched { .. } => fault.hint = Some("omg sync".into()),
            Error::Transaction { causes, .. } | Error::Unrepaired { causes, .. } => {
                fault.cause = shortened(causes);
            }
            Error::Locked { holder: None, .. } => {
                fault.hint = Some("omg recover, when no package manager is running".into());
            }
            Error::PlanChanged => fault.hint = Some("run the command again".into()),
            Error::File { reasons, .. } | Error::Signature { reasons, .. } => {
                fault.cause = shortened(reasons);
            }
            Error::NoRepository { known, .. } => fault.suggestions = known,
            Error::NotFound { suggestions, .. } | Error::NotInstalled { suggestions, .. } => {
                fault.suggestions = suggestions;
            }
            Error::Provider { options, .. } => fault.suggestions = options,
            Error::Unsolvable { causes, hint, .. } => {
                fault.cause = shortened(causes);
                fault.hint = hint;
            }
            Error::Held { names } => {
                fault.hint = Some(format!(
                    "take {} off HoldPkg in pacman.conf if that is really meant",
                    listed(&names)
                ));
            }
            Error::Unsafe { causes } => {
                fault.cause = shortened(causes);
                fault.hint = Some("omg update --full".into());
            }
            Error::Partial { causes, targets } => {
                fault.cause = shortened(causes);
                fault.hint = Some(format!("omg install --upgrade {}", targets.join(" ")));
            }
            Error::Io { .. }
            | Error::Locked { .. }
            | Error::Conffiles
            | Error::FileName { .. }
            | Error::NoCopy { .. }
            | Error::NoDatabase { .. }
            | Error::Target { .. }
            | Error::Twice { .. } => {}
        }
        fault
    }
}
