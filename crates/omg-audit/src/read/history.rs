//! The records as a history of changes: each intent with what ended it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Filter, Phase, Reader, Record, Result, Subject};

/// How a change ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// It was made.
    Done,
    /// It failed or was given up.
    Failed,
    /// Its process died.
    Interrupted,
    /// It was refused before anything was done.
    Refused,
    /// Nothing is recorded: it is being made, or nobody has opened the log since its process died.
    Open,
}

/// A change, or one that was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// The intent, or the refusal.
    pub intent: Record,
    /// What ended it.
    pub end: Option<Record>,
}

impl Change {
    /// Its number: that of the intent.
    pub fn seq(&self) -> u64 {
        self.intent.seq
    }

    /// How it ended.
    pub fn ended(&self) -> Ended {
        match (self.intent.phase, self.end.as_ref().map(|end| end.phase)) {
            (Phase::Deny, _) => Ended::Refused,
            (_, Some(Phase::Commit)) => Ended::Done,
            (_, Some(Phase::Recovered)) => Ended::Interrupted,
            (_, Some(_)) => Ended::Failed,
            (_, None) => Ended::Open,
        }
    }

    /// What was done to which package, as far as is known. Of a change that was interrupted this is
    /// nothing, though some of what its intent says may have been done.
    pub fn done(&self) -> &[Subject] {
        match &self.end {
            Some(end) if !end.subjects.is_empty() => &end.subjects,
            Some(end) if end.phase == Phase::Commit => &self.intent.subjects,
            _ => &[],
        }
    }
}

impl Reader {
    /// The records that the filter wants, oldest first.
    ///
    /// # Errors
    /// If a record is none, or the database is damaged.
    pub fn select(&self, filter: &Filter) -> Result<Vec<Record>> {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let mut chosen = Vec::new();
        for record in self.records(filter.from)? {
            let record = record?;
            if chosen.len() >= limit {
                break;
            }
            if filter.wants(&record) {
                chosen.push(record);
            }
        }
        Ok(chosen)
    }

    /// The changes that the filter wants, newest first, refusals among them.
    ///
    /// # Errors
    /// As of [`Reader::select`].
    pub fn history(&self, filter: &Filter) -> Result<Vec<Change>> {
        let mut changes = BTreeMap::new();
        for record in self.records(0)? {
            let record = record?;
            match (record.phase, record.intent) {
                (Phase::Intent | Phase::Deny, _) => {
                    changes.insert(record.seq, Change { intent: record, end: None });
                }
                (_, Some(intent)) => {
                    if let Some(change) = changes.get_mut(&intent) {
                        change.end = Some(record);
                    }
                }
                _ => {}
            }
        }
        let wanted = |change: &Change| {
            let kind = change.end.as_ref().map_or(change.intent.phase, |end| end.phase);
            let subjects =
                if change.done().is_empty() { &change.intent.subjects } else { change.done() };
            filter.wants_kind(kind) && filter.wants_rest(&change.intent, subjects)
        };
        let limit = filter.limit.unwrap_or(usize::MAX);
        Ok(changes.into_values().rev().filter(wanted).take(limit).collect())
    }

    /// One change, by the number of its intent or of any record of it.
    ///
    /// # Errors
    /// As of [`Reader::select`].
    pub fn change(&self, seq: u64) -> Result<Option<Change>> {
        let Some(record) = self.get(seq)? else { return Ok(None) };
        if let Some(intent) = record.intent {
            let intent = self.get(intent)?;
            return Ok(intent.map(|intent| Change { intent, end: Some(record) }));
        }
        if !matches!(record.phase, Phase::Intent | Phase::Deny) {
            return Ok(None);
        }
        for end in self.records(seq + 1)? {
            let end = end?;
            if end.intent == Some(seq) {
                return Ok(Some(Change { intent: record, end: Some(end) }));
            }
        }
        Ok(Some(Change { intent: record, end: None }))
    }

    /// The changes that made a package what it is, newest first: all in which something was done to it,
    /// and those that were interrupted when something was about to be.
    ///
    /// # Errors
    /// As of [`Reader::select`].
    pub fn blame(&self, package: &str) -> Result<Vec<Change>> {
        let mut changes =
            self.history(&Filter { packages: vec![package.into()], ..Filter::default() })?;
        changes.retain(|change| {
            matches!(change.ended(), Ended::Interrupted | Ended::Open)
                || change.done().iter().any(|subject| subject.name == package)
        });
        Ok(changes)
    }

    /// The changes that were interrupted and that no `recover` has put right since, oldest first; also those
    /// that nothing has ended yet, which may be under way.
    ///
    /// # Errors
    /// As of [`Reader::select`].
    pub fn interrupted(&self) -> Result<Vec<Change>> {
        let history = self.history(&Filter::default())?;
        let mut interrupted = Vec::new();
        for change in history {
            match change.ended() {
                Ended::Done if change.intent.op == "recover" => break,
                Ended::Interrupted | Ended::Open => interrupted.push(change),
                _ => {}
            }
        }
        interrupted.reverse();
        Ok(interrupted)
    }
}
