//! Everything that keeps us from confining a program.

use std::io;
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};

/// What went wrong. In every case the program was not run, or is not running any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// bubblewrap is not installed.
    #[error("bubblewrap is not installed: there is no {}", path.display())]
    NoBubblewrap {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Our own executable is not there.
    #[error("omg-sandbox-exec is missing: there is no {}", path.display())]
    NoShim {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Root, and nobody to run as.
    #[error("nothing is built as root, and no user to build as was given")]
    Root,
    /// bubblewrap or the kernel refused.
    #[error("the program can't be confined: {said}")]
    Refused {
        /// What bubblewrap or `omg-sandbox-exec` said, escaped.
        said: String,
    },
    /// The operating system refused something.
    #[error("can't use {} while {context}", path.display())]
    Io {
        /// File, directory or program.
        path: PathBuf,
        /// What was being done: finishes the phrase "while …".
        context: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl SandboxError {
    pub(crate) fn io(path: &Path, context: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), context, source }
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoBubblewrap { .. } => "install the package bubblewrap",
            Self::NoShim { .. } => "install OMG again: omg-sandbox-exec belongs beside omgd",
            Self::Root => "run omgd as a user, or set `aur.build_user`",
            Self::Refused { said } => refused(said)?,
            Self::Io { .. } => return None,
        })
    }
}

/// What can be done about what bubblewrap says.
fn refused(said: &str) -> Option<&'static str> {
    let namespace = ["namespace", "uid map", "gid map", "user.max_user_namespaces"];
    if namespace.iter().any(|words| said.contains(words)) {
        return Some(
            "user namespaces are switched off here: `sysctl kernel.unprivileged_userns_clone=1 \
             user.max_user_namespaces=10000`, and on Ubuntu \
             `sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
        );
    }
    if said.contains("Landlock") {
        return Some(
            "boot a kernel with Landlock (`lsm=landlock,…`), or let the policy allow builds without",
        );
    }
    if said.contains("Unknown option") {
        return Some("bubblewrap 0.8 or later is needed");
    }
    None
}

impl From<&SandboxError> for Fault {
    fn from(error: &SandboxError) -> Self {
        let mut fault = Self::caused_by(Code::Sandbox, "the build can't be confined", error);
        fault.hint = error.advice().map(str::to_owned);
        fault
    }
}

impl From<SandboxError> for Fault {
    fn from(error: SandboxError) -> Self {
        Self::from(&error)
    }
}
