//! What an engine is told to do to the system, and what came of it.

use bitcode::{Decode, Encode};
#[cfg(feature = "serde")]
use serde::Serialize;

use crate::{Artifact, Change, Planned};

/// What happens to a configuration file that the user and the package both changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Encode, Decode)]
pub enum Conffiles {
    /// The user's stays; the package's is put beside it (`.dpkg-dist`, `.pacnew`).
    #[default]
    Keep,
    /// The package's takes its place; the user's is kept beside it (`.dpkg-old`; not on Arch).
    Replace,
}

/// Something that the engine does as root.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Task {
    /// Carries out a plan.
    Apply {
        /// What was asked for. The engine plans it again.
        change: Change,
        /// The digest of the plan that was approved.
        digest: String,
        /// The files that it needs.
        artifacts: Vec<Artifact>,
        /// Number of the recorded change that this one undoes or repeats.
        undoes: Option<u64>,
    },
    /// Makes installed packages count as chosen by the user, or as there for others.
    Mark {
        /// Names.
        packages: Vec<String>,
        /// There for others.
        automatic: bool,
    },
    /// Keeps packages as they are, or lets them go again.
    Hold {
        /// Names.
        packages: Vec<String>,
        /// True to keep.
        hold: bool,
        /// Why, in the user's words.
        reason: Option<String>,
        /// Until when, seconds since the epoch; for good if absent.
        until: Option<u64>,
    },
    /// Puts fetched lists or sync databases into place, all or none.
    Lists {
        /// Absolute path of the directory that they were fetched to.
        directory: String,
    },
    /// Finishes or reverts what a crash left.
    Recover,
    /// Deletes package files that are not installed any more from the native tool's cache.
    Clean {
        /// All of them, also of installed versions.
        all: bool,
    },
}

/// One order to a committing engine.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Order {
    /// Drawn by the client, for the log: 16 bytes, hexadecimal.
    pub request: String,
    /// What is to be done.
    pub task: Task,
    /// How configuration files are treated.
    pub conffiles: Conffiles,
    /// Seconds to wait for another holder of the native lock.
    pub lock_timeout_s: u32,
}

/// A kind of thing that is left for the user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase"))]
pub enum NoticeKind {
    /// A new configuration file was put beside the user's: its path.
    Conffile,
    /// Output of a maintainer script or hook that should be read.
    Output,
    /// Anything else.
    Note,
}

/// Something that is left for the user.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Notice {
    /// What kind.
    pub kind: NoticeKind,
    /// The package that it is of; empty if not known.
    pub package: String,
    /// A path or a line.
    pub text: String,
}

/// What came of an order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Outcome {
    /// Number of its record in the log of changes.
    pub record: u64,
    /// What was done.
    pub changes: Vec<Planned>,
    /// What is left for the user.
    pub notices: Vec<Notice>,
}
