//! Is a log what was written?
//!
//! This shares nothing with the writer but the [`Record`]: tree, checkpoints and keys are taken apart by
//! code of its own, so that a mistake of one does not hide in the other. It takes no lock, writes nothing
//! and asks no daemon.
//!
//! What it can't see from the log alone is that the log was cut off at a checkpoint, or replaced as a whole
//! together with the pinned key. For that it takes an anchor: a checkpoint that was kept elsewhere.

mod chain;
mod note;
mod tree;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{Error, Id, Reader, Record, Result, default_pin};

pub use note::{Checkpoint, PublicKey};
pub use tree::{NotProven, Proof};

/// What is checked against what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Against {
    /// File with the log's first public key; [`default_pin`] if absent.
    pub genesis: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere, as text.
    pub anchors: Vec<String>,
    /// What the records before this number say is not looked at. They are still hashed, since what follows
    /// rests on them.
    pub from: u64,
}

/// What a log is, after all.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// What was written.
    Whole,
    /// What was written, but something is open.
    Incomplete,
    /// Not what was written.
    Tampered,
}

/// Something that was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What it makes of the log.
    pub verdict: Verdict,
    /// The record that it begins with, where that is known.
    pub seq: Option<u64>,
    /// One line.
    pub text: String,
}

/// What came of verifying.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Which log it should be, by the pinned key.
    pub log_id: Option<Id>,
    /// Records that fit.
    pub records: u64,
    /// Checkpoints that fit.
    pub checkpoints: u64,
    /// Anchors that fit.
    pub anchors: u64,
    /// Keys that signed, one after the other.
    pub epochs: u32,
    /// What does not fit, or is open; in the order in which it was found.
    pub findings: Vec<Finding>,
    /// The signed checkpoint of the end, if it is good: what to keep elsewhere.
    pub checkpoint: Option<String>,
}

impl Report {
    fn new() -> Self {
        Self {
            log_id: None,
            records: 0,
            checkpoints: 0,
            anchors: 0,
            epochs: 0,
            findings: Vec::new(),
            checkpoint: None,
        }
    }

    fn tampered(mut self, seq: Option<u64>, text: impl Into<String>) -> Self {
        self.find(Verdict::Tampered, seq, text);
        self
    }

    fn find(&mut self, verdict: Verdict, seq: Option<u64>, text: impl Into<String>) {
        self.findings.push(Finding { verdict, seq, text: text.into() });
    }

    /// The worst of what was found.
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Whole)
    }

    /// The first record that is not what was written.
    pub fn first_bad(&self) -> Option<u64> {
        let bad = self.findings.iter().filter(|finding| finding.verdict == Verdict::Tampered);
        bad.filter_map(|finding| finding.seq).min()
    }

    /// The exit code of `omg audit verify`.
    pub fn exit(&self) -> u8 {
        match self.verdict() {
            Verdict::Whole => 0,
            Verdict::Tampered => 1,
            Verdict::Incomplete => 2,
        }
    }
}

/// Verifies the log in this directory.
///
/// # Errors
/// If the log, the pinned key or an anchor can't be read, or isn't of its form: then nothing is known. That
/// something does not fit is no error but the report.
pub fn verify(dir: &Path, against: &Against) -> Result<Report> {
    let pin = against.genesis.clone().unwrap_or_else(|| default_pin(dir));
    let pinned = std::fs::read_to_string(&pin).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::Absent { path: pin.clone() },
        _ => Error::io(&pin, "reading the pinned key")(e),
    })?;
    let genesis = PublicKey::parse(&pinned)?;
    let Some(log_id) = genesis.log_id().filter(|id| genesis.name() == Record::origin(id)) else {
        return Err(Error::Form { what: "the pinned key", reason: "it names another log".into() });
    };
    let mut anchors = Vec::with_capacity(against.anchors.len());
    for text in &against.anchors {
        anchors.push(Checkpoint::parse(text)?);
    }
    let mut report = Report::new();
    report.log_id = Some(log_id);
    let reader = match Reader::open(dir) {
        Ok(reader) => reader,
        Err(Error::Absent { .. }) => return Ok(report.tampered(Some(0), "the log is gone")),
        Err(e @ Error::Tampered { .. }) => return Ok(report.tampered(None, e.to_string())),
        Err(e) => return Err(e),
    };
    chain::Check::new(report, log_id, genesis, against.from).run(&reader, &anchors)
}
