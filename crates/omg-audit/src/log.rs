//! The writer.

mod batch;
mod create;
mod file;
mod files;
mod group;
mod keys;
mod pending;
mod store;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use omg_core::Fault;

use crate::{Actor, Entry, Outcome, Phase, Record, Result, Time};
use batch::Draft;
use group::Group;

pub use create::default_pin;
pub use pending::Pending;

/// Directory of the locks that intents hold while they are open.
const PENDING: &str = "pending";

/// How a log is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// All users may read it: the log of the system, not that of a user.
    pub world_readable: bool,
    /// How long to wait for a process that writes.
    pub lock_timeout: Duration,
    /// Where the first public key is pinned; [`default_pin`] if absent.
    pub pin: Option<PathBuf>,
    /// How long one signing key is used.
    pub key_lifetime: Duration,
    /// The clock.
    pub clock: fn() -> Time,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            world_readable: false,
            lock_timeout: Duration::from_secs(30),
            pin: None,
            key_lifetime: Duration::from_hours(24),
            clock: Time::now,
        }
    }
}

/// A log that can be written. Clones write through the same queue; processes take turns.
#[derive(Clone, Debug)]
pub struct Log {
    group: Arc<Group>,
    interrupted: Arc<[Record]>,
}

impl Log {
    /// Opens the log in this directory; makes both where they are not. Intents whose process died are
    /// recorded as such, see [`Log::interrupted`].
    ///
    /// # Errors
    /// If directory or files are another user's, writable by others, or links; if another process writes
    /// for longer than may be waited; if the end of the log is not as it was written, or the log that was
    /// here is gone (`Tampered`); if it can't be written.
    pub fn open(dir: &Path, options: &Options) -> Result<Self> {
        let group = Arc::new(Group::open(dir, options)?);
        let interrupted = pending::recover(&group)?.into();
        Ok(Self { group, interrupted })
    }

    /// Records that a change is about to be made. Durable when it returns.
    ///
    /// # Errors
    /// If it can't be recorded. Then nothing must be changed.
    pub fn begin(&self, entry: Entry) -> Result<Pending> {
        pending::begin(&self.group, entry)
    }

    /// Records that a change was refused; gives the record's number. Durable when it returns.
    ///
    /// # Errors
    /// If it can't be recorded.
    pub fn deny(&self, entry: Entry, fault: &Fault) -> Result<u64> {
        let draft = Draft::new(Phase::Deny, entry).outcome(Outcome::of(fault));
        Ok(self.group.submit(draft)?.seq)
    }

    /// Records that records before `cursor` were handed out in this format.
    ///
    /// # Errors
    /// If it can't be recorded.
    pub fn exported(&self, actor: Actor, format: &str, cursor: u64) -> Result<u64> {
        let words = vec![format.to_owned(), cursor.to_string()];
        let entry = Entry { words, ..Entry::new("export", "", actor) };
        Ok(self.group.submit(Draft::new(Phase::Export, entry))?.seq)
    }

    /// The intents that were found open, by dead processes, when this log was opened. They are recorded as
    /// `recovered` now; whether their changes were made is for the caller to find out.
    pub fn interrupted(&self) -> &[Record] {
        &self.interrupted
    }

    /// The signed checkpoint of the log as it is now: what to keep elsewhere, so that it can be seen if the
    /// log is cut off or replaced.
    ///
    /// # Errors
    /// If the log can't be opened.
    pub fn checkpoint(&self) -> Result<String> {
        self.group.with(|store| Ok(store.tail.note.clone()))
    }

    /// The log's first public key, as text: what the verifier has to be told.
    ///
    /// # Errors
    /// If the log can't be opened.
    pub fn genesis(&self) -> Result<String> {
        self.group.with(create::genesis)
    }
}

impl Outcome {
    /// The outcome that is a fault.
    fn of(fault: &Fault) -> Self {
        Self {
            code: fault.code as u16,
            message: fault.message.clone(),
            causes: fault.cause.clone(),
            ..Self::default()
        }
    }
}
