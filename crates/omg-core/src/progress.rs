//! What is heard of long work while it is done.

use std::fmt;
use std::sync::Arc;

use bitcode::{Decode, Encode};
#[cfg(feature = "serde")]
use serde::Serialize;

/// Stages of a change, in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase"))]
pub enum Phase {
    /// Lists are fetched.
    Sync,
    /// Files are fetched.
    Download,
    /// Digests and signatures are checked.
    Verify,
    /// Recipes are built.
    Build,
    /// The engine copies and checks once more.
    Prepare,
    /// The native library changes the system.
    Commit,
    /// Triggers, hooks and what is left to do.
    Finish,
}

impl Phase {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Download => "download",
            Self::Verify => "verify",
            Self::Build => "build",
            Self::Prepare => "prepare",
            Self::Commit => "commit",
            Self::Finish => "finish",
        }
    }
}

/// One thing heard.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase", tag = "event"))]
pub enum Progress {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
        /// Things to do in it; 0 if that is not known.
        items: u32,
    },
    /// How far a file has come.
    File {
        /// Its number in this phase, from 0.
        item: u32,
        /// What it is called.
        name: String,
        /// Bytes here.
        done: u64,
        /// Bytes in all, where that is known.
        total: Option<u64>,
        /// It is complete and was checked.
        finished: bool,
    },
    /// All files together.
    Total {
        /// Bytes here.
        done: u64,
        /// Bytes in all, as far as known.
        total: u64,
        /// Bytes a second, over the last seconds.
        rate: u64,
        /// Seconds left at that rate.
        remaining_s: Option<u32>,
    },
    /// How far the phase has come.
    Step {
        /// Per cent of the phase.
        percent: u8,
        /// What is done now: `unpacking vim (9.0-2)`.
        what: String,
    },
    /// Output of a foreign program: a maintainer script, a hook, a build. One line.
    Output {
        /// Package or program it is of; empty if not known.
        of: String,
        /// The line, as it was printed.
        line: String,
    },
    /// Waiting for a lock that somebody else holds.
    Waiting {
        /// Path of the lock.
        lock: String,
        /// Process that holds it, where that can be found.
        pid: Option<u32>,
        /// Its name.
        name: Option<String>,
        /// Seconds waited so far.
        seconds: u32,
    },
    /// Something that should be known: a mirror that failed, a file that was had from the cache.
    Note {
        /// One line.
        text: String,
    },
}

/// Hears the progress of many calls. A closure hears that of one.
pub trait Listener: Send + Sync {
    /// Takes what `call` said, without waiting for anything.
    fn hear(&self, call: u64, event: Progress);
}

impl<F: Fn(Progress) + Send + Sync> Listener for F {
    fn hear(&self, _: u64, event: Progress) {
        self(event);
    }
}

/// Where one call says how far it has come. Clones say it to the same listener.
#[derive(Clone, Default)]
pub struct Reporter {
    listener: Option<Arc<dyn Listener>>,
    call: u64,
}

impl Reporter {
    /// Says it to `listener`, under the number that it knows the call by.
    pub fn new(listener: Arc<dyn Listener>, call: u64) -> Self {
        Self { listener: Some(listener), call }
    }

    /// Says it to nobody.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Says it. Never waits.
    pub fn report(&self, event: Progress) {
        if let Some(listener) = &self.listener {
            listener.hear(self.call, event);
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("call", &self.call).finish_non_exhaustive()
    }
}
