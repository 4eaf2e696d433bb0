//! A change of the log as the verbs of the past see it.

use omg_audit::{Actor, Change, Ended, Subject};

/// One change of the past.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Past {
    /// Number of its first record: what `undo` takes.
    pub(crate) id: u64,
    /// Milliseconds since the epoch.
    pub(crate) wall_ms: u64,
    pub(crate) op: String,
    pub(crate) words: Vec<String>,
    pub(crate) actor: Actor,
    /// What was done to which package; of what was not done, what was intended.
    pub(crate) subjects: Vec<Subject>,
    pub(crate) ended: Ended,
    /// Number of the fault, 0 if none.
    pub(crate) code: u16,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) notices: Vec<String>,
    /// Milliseconds that it took.
    pub(crate) ms: Option<u64>,
    pub(crate) undoes: Option<u64>,
}

impl From<Change> for Past {
    fn from(change: Change) -> Self {
        let done = change.done();
        let subjects = if done.is_empty() { &change.intent.subjects } else { done }.to_vec();
        let ended = change.ended();
        let id = change.seq();
        let outcome = change.end.or_else(|| Some(change.intent.clone())).and_then(|it| it.outcome);
        let ms = outcome.as_ref().map(|outcome| outcome.ms);
        let outcome = outcome.unwrap_or_default();
        Self {
            id,
            wall_ms: change.intent.wall_ms,
            op: change.intent.op,
            words: change.intent.words,
            actor: change.intent.actor,
            subjects,
            ended,
            code: outcome.code,
            message: outcome.message,
            causes: outcome.causes,
            notices: outcome.notices,
            ms,
            undoes: change.intent.undoes,
        }
    }
}

impl Past {
    /// Did it move packages, and is that in the system?
    pub(crate) fn moved(&self) -> bool {
        self.ended == Ended::Done && self.subjects.iter().any(|it| it.from != it.to)
    }

    /// May it have moved packages? What failed or was cut off may have, in part or, once recovered,
    /// wholly.
    pub(crate) fn may_have_moved(&self) -> bool {
        self.ended != Ended::Refused && self.subjects.iter().any(|it| it.from != it.to)
    }

    /// How it ended, for people and JSON.
    pub(crate) fn end(&self) -> &'static str {
        match self.ended {
            Ended::Done => "done",
            Ended::Failed => "failed",
            Ended::Interrupted => "interrupted",
            Ended::Refused => "refused",
            Ended::Open => "open",
        }
    }
}

/// Those that moved or marked a package of this name.
pub(crate) fn of_package<'a>(
    changes: &'a [Past],
    name: &'a str,
) -> impl Iterator<Item = (&'a Past, &'a Subject)> {
    changes.iter().flat_map(move |past| {
        past.subjects.iter().filter(move |it| it.name == name).map(move |it| (past, it))
    })
}

/// SHA-256 of the file that brought this version last, hexadecimal, as far as a change tells that was
/// made.
pub(crate) fn digest(
    changes: &[Past],
    name: &str,
    architecture: &str,
    version: &str,
) -> Option<String> {
    let made = changes.iter().rev().filter(|past| past.ended == Ended::Done);
    let of = |it: &&Subject| {
        it.name == name && it.architecture == architecture && it.to.as_deref() == Some(version)
    };
    made.flat_map(|past| past.subjects.iter().filter(of))
        .find_map(|subject| subject.sha256.map(|hash| hash.to_string()))
}
