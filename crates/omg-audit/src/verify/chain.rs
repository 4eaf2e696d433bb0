//! One walk over all records.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::note::{Checkpoint, PublicKey};
use super::tree::{Range, leaf};
use super::{Report, Verdict};
use crate::{Error, Hash, Id, Phase, Reader, Record, Result};

/// Something that must be the log as it was at a size.
struct Claim {
    checkpoint: Checkpoint,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It stands in the log.
    Stored,
    /// It stands in the log as that of its end.
    End,
    /// It was kept elsewhere.
    Anchor,
}

/// What is known of the log up to a record.
pub(super) struct Check {
    report: Report,
    log_id: Id,
    genesis: PublicKey,
    /// From here on records are read and not only hashed.
    from: u64,
    key: PublicKey,
    epoch: u32,
    size: u64,
    /// Up to here a checkpoint says that the log is what it was.
    settled: u64,
    head: Hash,
    tree: Range,
    boots: HashMap<Id, u64>,
    open: BTreeSet<u64>,
    claims: BTreeMap<u64, Vec<Claim>>,
}

impl Check {
    pub(super) fn new(report: Report, log_id: Id, genesis: PublicKey, from: u64) -> Self {
        Self {
            report,
            log_id,
            key: genesis.clone(),
            genesis,
            from,
            epoch: 0,
            size: 0,
            settled: 0,
            head: Hash::default(),
            tree: Range::default(),
            boots: HashMap::new(),
            open: BTreeSet::new(),
            claims: BTreeMap::new(),
        }
    }

    pub(super) fn run(mut self, reader: &Reader, anchors: &[Checkpoint]) -> Result<Report> {
        let end = self.claims(reader, anchors)?;
        self.settle();
        for row in reader.stored(0..)? {
            let (seq, bytes) = match row {
                Ok(row) => row,
                Err(e @ Error::Tampered { .. }) => {
                    self.bad(Some(self.size), e.to_string());
                    break;
                }
                Err(e) => return Err(e),
            };
            if !self.record(seq, &bytes) || !self.settle() {
                break;
            }
        }
        self.report.records = self.size;
        if self.report.verdict() != Verdict::Tampered {
            self.finish(end);
        }
        Ok(self.report)
    }

    /// Collects what the log should be at which size; gives the size at its end.
    fn claims(&mut self, reader: &Reader, anchors: &[Checkpoint]) -> Result<Option<u64>> {
        let mut add = |size, kind, checkpoint| {
            self.claims.entry(size).or_default().push(Claim { checkpoint, kind });
        };
        let mut bad = Vec::new();
        match reader.checkpoints() {
            Ok(stored) => {
                for (size, text) in stored {
                    match Checkpoint::parse(&text) {
                        Ok(checkpoint) if checkpoint.size == size => {
                            add(size, Kind::Stored, checkpoint);
                        }
                        Ok(_) => {
                            bad.push((Some(size), "a checkpoint stands at another's place".into()));
                        }
                        Err(e) => bad.push((Some(size), e.to_string())),
                    }
                }
            }
            Err(e @ Error::Tampered { .. }) => bad.push((None, e.to_string())),
            Err(e) => return Err(e),
        }
        let end = match reader.checkpoint().map(Checkpoint::parse) {
            Some(Ok(checkpoint)) => {
                let size = checkpoint.size;
                add(size, Kind::End, checkpoint);
                self.report.checkpoint = reader.checkpoint().map(str::to_owned);
                Some(size)
            }
            Some(Err(e)) => {
                bad.push((None, e.to_string()));
                None
            }
            None => None,
        };
        for anchor in anchors {
            add(anchor.size, Kind::Anchor, anchor.clone());
        }
        for (seq, text) in bad {
            self.bad(seq, text);
        }
        Ok(end)
    }

    /// Takes one record; false if there is no sense in going on.
    fn record(&mut self, seq: u64, bytes: &[u8]) -> bool {
        if seq != self.size {
            self.bad(Some(self.size), format!("the record is missing; the next is {seq}"));
            return false;
        }
        // What comes before `from` is only hashed, but for what changes the key.
        let read = seq >= self.from || rotates(bytes);
        if read || seq == 0 {
            match Record::from_bytes(bytes) {
                Ok(record) => {
                    if let Err(reason) = self.says(&record) {
                        self.bad(Some(seq), reason);
                        return false;
                    }
                }
                Err(e) => {
                    self.bad(Some(seq), e.to_string());
                    return false;
                }
            }
        }
        self.head = leaf(bytes);
        self.tree.push(self.head);
        self.size += 1;
        true
    }

    /// Does what the record says fit what came before?
    fn says(&mut self, record: &Record) -> Result<(), String> {
        if record.log_id != self.log_id {
            return Err(format!("it is of another log, {}", record.log_id));
        }
        if record.seq != self.size {
            return Err(format!("it says that it is record {}", record.seq));
        }
        if record.prev != self.head {
            return Err("it does not follow from the record before".into());
        }
        if record.key_epoch != self.epoch {
            return Err(format!(
                "it is of key {}, in the time of key {}",
                record.key_epoch, self.epoch
            ));
        }
        let last = self.boots.entry(record.boot_id).or_default();
        if record.boot_ms < *last {
            return Err("the time since the machine's start goes back".into());
        }
        *last = record.boot_ms;
        if record.seq == 0 || record.phase == Phase::Rotate || record.rotation.is_some() {
            self.rotate(record)?;
        }
        match (record.phase, record.intent) {
            (Phase::Intent, None) => {
                self.open.insert(record.seq);
            }
            (Phase::Commit | Phase::Abort | Phase::Recovered, Some(intent)) => {
                if !self.open.remove(&intent) && intent >= self.from {
                    return Err(format!("it ends change {intent}, which is not open"));
                }
            }
            (Phase::Deny | Phase::Export | Phase::Rotate, None) => {}
            _ => return Err("a record of its kind has another shape".into()),
        }
        Ok(())
    }

    fn rotate(&mut self, record: &Record) -> Result<(), String> {
        let (Some(rotation), Phase::Rotate) = (&record.rotation, record.phase) else {
            return Err("it announces no key where it must, or one where it must not".into());
        };
        let expected = if record.seq == 0 { Some(0) } else { self.epoch.checked_add(1) };
        if Some(rotation.epoch) != expected {
            return Err(format!("it announces key {}, and that is not the next", rotation.epoch));
        }
        if record.seq == 0 && rotation.key.0 != self.genesis.bytes() {
            return Err("the log begins with another key than the pinned one".into());
        }
        let message = rotation.message(&self.log_id, record.seq, &record.prev);
        if !self.key.verifies(&message, &rotation.signature.0) {
            return Err("the key before did not sign the new one".into());
        }
        let name = Record::origin(&self.log_id);
        let Some(key) = PublicKey::new(&name, &rotation.key.0) else {
            return Err("the new key is no key".into());
        };
        self.key = key;
        self.epoch = rotation.epoch;
        self.report.epochs = self.epoch.saturating_add(1);
        Ok(())
    }

    /// Holds what is said of this size against what it is; false if there is no sense in going on.
    fn settle(&mut self) -> bool {
        let Some(claims) = self.claims.remove(&self.size) else { return true };
        let root = self.tree.root();
        let before = self.report.findings.len();
        // A record that was changed is one of those that no checkpoint has vouched for yet.
        let first = Some(self.settled);
        for claim in claims {
            let what = match claim.kind {
                Kind::Stored => "the checkpoint",
                Kind::End => "the checkpoint of the end",
                Kind::Anchor => "the anchor",
            };
            if claim.checkpoint.origin != Record::origin(&self.log_id) {
                self.bad(first, format!("{what} is of another log"));
            } else if claim.checkpoint.root != root {
                let text = format!(
                    "the log is not what it was when {what} of {} records was made",
                    self.size
                );
                self.bad(first, text);
            } else if !claim.checkpoint.is_signed_by(&self.key) {
                self.bad(first, format!("{what} is not signed by the key of its time"));
            } else {
                match claim.kind {
                    Kind::Anchor => self.report.anchors += 1,
                    Kind::Stored | Kind::End => self.report.checkpoints += 1,
                }
            }
        }
        self.settled = self.size;
        self.report.findings.len() == before
    }

    /// After the last record.
    fn finish(&mut self, end: Option<u64>) {
        match end {
            // The writer signs the end whenever it writes.
            Some(size) if size < self.size => {
                self.bad(Some(size), "nothing signs the log from here on");
            }
            None => self.bad(Some(0), "nothing signs the log"),
            Some(_) => {}
        }
        let beyond: Vec<u64> = std::mem::take(&mut self.claims).into_keys().collect();
        for size in beyond {
            let text = format!("the log was cut off or forked: it had {size} records");
            self.bad(Some(self.size), text);
        }
        for seq in std::mem::take(&mut self.open) {
            let text = "nothing ended this change: it is under way, or was interrupted";
            self.report.find(Verdict::Incomplete, Some(seq), text);
        }
    }

    fn bad(&mut self, seq: Option<u64>, text: impl Into<String>) {
        self.report.find(Verdict::Tampered, seq, text);
    }
}

/// Might these bytes be a change of the key? Says yes where it is not sure.
fn rotates(bytes: &[u8]) -> bool {
    const PHASE: u32 = 8;
    let phase = || -> Result<Option<u8>, minicbor::decode::Error> {
        let mut decoder = minicbor::Decoder::new(bytes);
        for _ in 0..decoder.map()?.unwrap_or_default() {
            if decoder.u32()? == PHASE {
                return decoder.u8().map(Some);
            }
            decoder.skip()?;
        }
        Ok(None)
    };
    phase().map_or(true, |phase| phase.is_none_or(|phase| phase == Phase::Rotate as u8))
}
