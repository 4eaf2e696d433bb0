//! Changes that were announced and have not ended.

use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use omg_core::Fault;
use rustix::fs::OFlags;

use super::batch::Draft;
use super::files::Dir;
use super::group::Group;
use super::{PENDING, store::Store};
use crate::{Done, Entry, Outcome, Phase, Record, Result};

/// A change that is recorded as about to be made. If it is dropped without [`Pending::commit`] or
/// [`Pending::abort`], or the process dies, the next one that opens the log records it as `recovered`.
#[derive(Debug)]
#[must_use = "a change that is not ended counts as interrupted"]
pub struct Pending {
    group: Arc<Group>,
    seq: u64,
    /// The intent without what only it has: plan and subjects.
    entry: Entry,
    begun: Instant,
    _held: Held,
}

/// What shows other processes that an intent's process is alive: a file locked as long as it is. The kernel
/// lets go of it however the process ends, and the next one to look sees that at once.
#[derive(Debug)]
pub(super) struct Held {
    group: Option<Arc<Group>>,
    name: String,
    _lock: File,
}

fn name(seq: u64) -> String {
    format!("{PENDING}/{seq}")
}

impl Held {
    /// Takes the lock of an intent; none if another process has it.
    pub(super) fn take(dir: &Dir, seq: u64) -> Result<Option<Self>> {
        let name = name(seq);
        let lock = dir.file_or_new(&name, true)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { group: None, name, _lock: lock })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(e)) => {
                Err(crate::Error::io(&dir.join(&name), "locking it")(e))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Left behind it does no harm: it is locked by nobody, and its number is never used again.
        if let Some(group) = &self.group {
            let _ = group.dir.remove(&self.name);
        }
    }
}

pub(super) fn begin(group: &Arc<Group>, entry: Entry) -> Result<Pending> {
    let draft = Draft::new(Phase::Intent, entry);
    let mut rest = draft.entry.clone();
    rest.plan = None;
    rest.subjects = Vec::new();
    rest.evidence = None;
    let begun = Instant::now();
    let written = group.submit(draft)?;
    omg_failpoint::reach!("audit.intent.written");
    let Some(mut held) = written.held else {
        return Err(crate::Error::Poisoned("an intent has no lock".into()));
    };
    held.group = Some(Arc::clone(group));
    Ok(Pending { group: Arc::clone(group), seq: written.seq, entry: rest, begun, _held: held })
}

impl Pending {
    /// Number of the intent: what `omg history` calls the change.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Records that the change was made; gives the record's number. Durable when it returns.
    ///
    /// # Errors
    /// If it can't be recorded. The change is made nevertheless, and counts as interrupted.
    pub fn commit(self, done: &Done) -> Result<u64> {
        omg_failpoint::reach!("audit.commit.before");
        let seq = self.end(Phase::Commit, Outcome::default(), done)?;
        omg_failpoint::reach!("audit.commit.written");
        Ok(seq)
    }

    /// Records that the change was not made; gives the record's number. Durable when it returns.
    ///
    /// # Errors
    /// If it can't be recorded.
    pub fn abort(self, fault: &Fault) -> Result<u64> {
        self.abort_after(fault, &Done::default())
    }

    /// The same for a change of which a part was made.
    ///
    /// # Errors
    /// If it can't be recorded.
    pub fn abort_after(self, fault: &Fault, done: &Done) -> Result<u64> {
        omg_failpoint::reach!("audit.abort.before");
        let seq = self.end(Phase::Abort, Outcome::of(fault), done)?;
        omg_failpoint::reach!("audit.abort.written");
        Ok(seq)
    }

    fn end(self, phase: Phase, outcome: Outcome, done: &Done) -> Result<u64> {
        let mut entry = self.entry.clone();
        entry.subjects.clone_from(&done.subjects);
        let outcome = Outcome {
            ms: self.begun.elapsed().as_millis() as u64,
            notices: done.notices.clone(),
            ..outcome
        };
        let draft = Draft { intent: Some(self.seq), ..Draft::new(phase, entry) }.outcome(outcome);
        Ok(self.group.submit(draft)?.seq)
    }
}

/// Records intents whose processes died; gives them.
pub(super) fn recover(group: &Group) -> Result<Vec<Record>> {
    let (mut intents, mut held) = (Vec::new(), Vec::new());
    group.with(|store: &Store| {
        for seq in store.open_intents()? {
            // Who holds the lock is alive, or is another thread that is recording the same.
            if let Some(lock) = Held::take(&group.dir, seq)? {
                intents.push(store.record(seq)?);
                held.push(lock);
            }
        }
        Ok(())
    })?;
    let mut interrupted = Vec::new();
    for intent in intents {
        let entry = Entry {
            words: intent.words.clone(),
            plan_digest: intent.plan_digest,
            undoes: intent.undoes,
            ..Entry::new(intent.op.clone(), intent.request.clone(), intent.actor.clone())
        };
        let draft = Draft { intent: Some(intent.seq), ..Draft::new(Phase::Recovered, entry) };
        let outcome = Outcome {
            code: omg_core::Code::Interrupted as u16,
            message: "the process that made the change ended in the middle of it".into(),
            ..Outcome::default()
        };
        // Another process may have seen it dead and recorded it before we held its lock.
        if group.submit_once(&draft.outcome(outcome))? {
            interrupted.push(intent);
        }
    }
    for lock in held {
        group.dir.remove(&lock.name)?;
    }
    Ok(interrupted)
}

/// Removes the file of an intent that was never written.
pub(super) fn forget(dir: &Dir, seq: u64) -> Result<()> {
    dir.remove(&name(seq))
}

/// Makes sure that a record can be written although the disk is full: space that is given back
/// when it is needed.
pub(super) fn reserve(dir: &Dir, bytes: u64) -> Result<()> {
    const RESERVE: &str = "reserve";
    let path = dir.join(RESERVE);
    let file = match dir.file(RESERVE, OFlags::empty(), true)? {
        Some(file) => file,
        None => dir.file_or_new(RESERVE, true)?,
    };
    let length = file.metadata().map_err(crate::Error::io(&path, "asking its length"))?.len();
    if length < bytes {
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)
            .map_err(|e| crate::Error::io(&path, "reserving space")(e.into()))?;
    }
    Ok(())
}

/// Gives the reserved space back.
pub(super) fn release_reserve(dir: &Dir) -> Result<()> {
    dir.remove("reserve")
}
