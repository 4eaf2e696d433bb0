//! Choosing records.

use crate::{Phase, Record};

/// Which records are wanted; nothing set is all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Not before, milliseconds since the epoch by the machine's clock.
    pub since_ms: Option<u64>,
    /// Not after.
    pub until_ms: Option<u64>,
    /// Only these operations: `install`, `remove`, …
    pub ops: Vec<String>,
    /// Only with one of these packages among the subjects, by name.
    pub packages: Vec<String>,
    /// Only of these kinds. In a history of changes: kinds of the record that ended the change.
    pub phases: Vec<Phase>,
    /// Only by this user: the one whose rights were used, who called `sudo`, or who logged in.
    pub user: Option<u32>,
    /// From this number on.
    pub from: u64,
    /// No more than so many.
    pub limit: Option<usize>,
}

impl Filter {
    /// Does it want this record? Says nothing of `limit`.
    pub fn wants(&self, record: &Record) -> bool {
        self.wants_kind(record.phase) && self.wants_rest(record, &record.subjects)
    }

    pub(super) fn wants_kind(&self, phase: Phase) -> bool {
        self.phases.is_empty() || self.phases.contains(&phase)
    }

    /// All but the kind; `subjects` may be those of another record of the same change.
    pub(super) fn wants_rest(&self, record: &Record, subjects: &[crate::Subject]) -> bool {
        let actor = &record.actor;
        let users = [Some(actor.uid), actor.loginuid, actor.via.as_ref().and_then(|via| via.uid)];
        let named = |name: &String| subjects.iter().any(|subject| subject.name == *name);
        record.seq >= self.from
            && self.since_ms.is_none_or(|since| record.wall_ms >= since)
            && self.until_ms.is_none_or(|until| record.wall_ms <= until)
            && (self.ops.is_empty() || self.ops.contains(&record.op))
            && (self.packages.is_empty() || self.packages.iter().any(named))
            && self.user.is_none_or(|user| users.contains(&Some(user)))
    }
}
