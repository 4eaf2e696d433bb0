//! Records on their way into the log: numbered, linked, encoded, covered by a checkpoint.

use super::keys::Key;
use super::store::{CHECKPOINT_EVERY, Tail};
use super::tree;
use crate::{
    Actor, Entry, Error, MAX_RECORD, Outcome, Phase, Record, Result, Rotation, Time, VERSION,
    checkpoint, redact,
};

/// What is to be recorded, without its place.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) phase: Phase,
    pub(super) entry: Entry,
    pub(super) intent: Option<u64>,
    pub(super) outcome: Option<Outcome>,
    pub(super) rotation: Option<Rotation>,
}

impl Draft {
    /// What may hold a secret is taken out here, at the only way into the log.
    pub(super) fn new(phase: Phase, mut entry: Entry) -> Self {
        if !omg_failpoint::weak!("57") {
            entry.words = redact::words(&entry.words);
            entry.request = redact::text(&entry.request);
        }
        Self { phase, entry, intent: None, outcome: None, rotation: None }
    }

    pub(super) fn outcome(mut self, mut outcome: Outcome) -> Self {
        if !omg_failpoint::weak!("57") {
            outcome.message = redact::text(&outcome.message);
            for line in outcome.causes.iter_mut().chain(&mut outcome.notices) {
                *line = redact::text(line);
            }
        }
        self.outcome = Some(outcome);
        self
    }
}

/// What is written in one transaction.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) records: Vec<(u64, Vec<u8>)>,
    pub(super) checkpoints: Vec<(u64, String)>,
    pub(super) opened: Vec<u64>,
    pub(super) closed: Vec<u64>,
    pub(super) tail: Tail,
}

impl Batch {
    /// A batch that goes on where the log ends.
    pub(super) fn after(tail: &Tail) -> Self {
        Self {
            records: Vec::new(),
            checkpoints: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            tail: tail.clone(),
        }
    }

    /// Adds a record; gives its number.
    pub(super) fn push(&mut self, draft: &Draft, time: &Time) -> Result<u64> {
        let tail = &self.tail;
        let boot_ms = if tail.boot_id == time.boot_id && !omg_failpoint::weak!("59") {
            // Two processors may read the clock a little apart.
            tail.boot_ms.max(time.boot_ms)
        } else {
            time.boot_ms
        };
        let entry = draft.entry.clone();
        let record = Record {
            v: VERSION,
            log_id: tail.log_id,
            seq: tail.size,
            boot_id: time.boot_id,
            wall_ms: time.wall_ms,
            boot_ms,
            key_epoch: tail.epoch,
            prev: tail.head,
            phase: draft.phase,
            actor: entry.actor,
            request: entry.request,
            op: entry.op,
            words: entry.words,
            plan_digest: entry.plan_digest,
            plan: entry.plan,
            subjects: entry.subjects,
            evidence: entry.evidence,
            lock_blake3: entry.lock_blake3,
            undoes: entry.undoes,
            intent: draft.intent,
            outcome: draft.outcome.clone(),
            rotation: draft.rotation.clone(),
        };
        let bytes = record.to_bytes();
        if bytes.is_empty() || bytes.len() > MAX_RECORD {
            return Err(Error::Limit { what: "a record", limit: MAX_RECORD as u64 });
        }
        let (seq, leaf) = (record.seq, tree::leaf(&bytes));
        tree::push(&mut self.tail.peaks, seq, leaf);
        self.tail.size = seq.saturating_add(1);
        self.tail.head = leaf;
        self.tail.boot_id = time.boot_id;
        self.tail.boot_ms = boot_ms;
        self.records.push((seq, bytes));
        match (draft.phase, draft.intent) {
            (Phase::Intent, _) => self.opened.push(seq),
            (_, Some(intent)) => self.closed.push(intent),
            _ => {}
        }
        Ok(seq)
    }

    /// Hands over from one key to the next: a checkpoint of the old one for all before, and a record
    /// in which it signs the new one.
    pub(super) fn rotate(&mut self, key: &Key, next: &Key, time: &Time) -> Result<()> {
        if self.tail.size > 0 {
            let note = checkpoint::sign(
                &self.tail.log_id,
                self.tail.size,
                &tree::root(&self.tail.peaks),
                &key.signing,
            );
            self.checkpoints.push((self.tail.size, note));
        }
        let rotation = key.announce(next, &self.tail.log_id, self.tail.size, &self.tail.head);
        let entry = Entry::new("rotate", "", Actor::of_writer());
        let draft = Draft { rotation: Some(rotation), ..Draft::new(Phase::Rotate, entry) };
        self.push(&draft, time)?;
        self.tail.epoch = next.epoch;
        self.tail.epoch_since_ms = time.wall_ms;
        self.tail.checkpointed = self.tail.size;
        Ok(())
    }

    /// Signs the end; the signature stays if it is time for one that does.
    pub(super) fn seal(&mut self, key: &Key) {
        let tail = &mut self.tail;
        tail.note =
            checkpoint::sign(&tail.log_id, tail.size, &tree::root(&tail.peaks), &key.signing);
        if tail.size - tail.checkpointed.min(tail.size) >= CHECKPOINT_EVERY {
            tail.checkpointed = tail.size;
            self.checkpoints.push((tail.size, tail.note.clone()));
        }
    }
}

impl Actor {
    /// The process that writes, where no change is behind it.
    fn of_writer() -> Self {
        Self { uid: rustix::process::getuid().as_raw(), pid: std::process::id(), ..Self::default() }
    }
}
