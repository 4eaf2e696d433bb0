//! Logs to test with, and what an attacker does to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omg_audit::{Actor, Done, Entry, Hash, Log, Options, Record, Subject, default_pin};
use omg_core::{Code, Fault};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use tempfile::TempDir;

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
const CHECKPOINTS: TableDefinition<'_, u64, &str> = TableDefinition::new("checkpoints");
const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");

/// Number of random cases: few by default, `OMG_CASES` times as many for a night.
pub(crate) fn cases(few: usize) -> usize {
    let factor = std::env::var("OMG_CASES").ok().and_then(|text| text.parse().ok());
    few * factor.unwrap_or(1)
}

/// A directory to have a log in, and the log's directory in it.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let keep = tempfile::tempdir().unwrap();
    let dir = keep.path().join("audit");
    (keep, dir)
}

pub(crate) fn entry(op: &str, package: &str, number: usize) -> Entry {
    let subject = Subject {
        action: op.into(),
        purl: format!("pkg:deb/debian/{package}@{number}?arch=amd64"),
        name: package.into(),
        architecture: "amd64".into(),
        source: "apt".into(),
        repository: "bookworm/main".into(),
        from: number.checked_sub(1).map(|before| before.to_string()),
        to: Some(number.to_string()),
        sha256: Some(Hash::default()),
        automatic_before: Some(false),
        automatic_after: Some(false),
        ..Subject::default()
    };
    Entry {
        words: vec![op.into(), package.into()],
        subjects: vec![subject],
        ..Entry::new(op, format!("{number:032x}"), Actor::default())
    }
}

pub(crate) fn fault() -> Fault {
    Fault::new(Code::Signature, "the signature is not good")
}

/// Writes changes from several threads until the log has about so many records more; some are refused, some
/// fail.
pub(crate) fn fill(log: &Log, records: usize) {
    const THREADS: usize = 32;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in (thread..records.div_ceil(2)).step_by(THREADS) {
                    let package = format!("package{}", number % 7);
                    match number % 10 {
                        3 => {
                            log.deny(entry("install", &package, number), &fault()).unwrap();
                        }
                        7 => {
                            log.begin(entry("remove", &package, number))
                                .unwrap()
                                .abort(&fault())
                                .unwrap();
                        }
                        _ => {
                            log.begin(entry("upgrade", &package, number))
                                .unwrap()
                                .commit(&Done::default())
                                .unwrap();
                        }
                    }
                }
            });
        }
    });
}

/// A log with about so many records.
pub(crate) fn filled(records: usize) -> (TempDir, PathBuf) {
    let (keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    fill(&log, records);
    (keep, dir)
}

/// The contents of a database, to be edited and put back by redb itself, so that only what OMG checks can
/// tell.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    pub(crate) records: BTreeMap<u64, Vec<u8>>,
    pub(crate) checkpoints: BTreeMap<u64, String>,
    pub(crate) state: BTreeMap<String, Vec<u8>>,
}

impl Contents {
    pub(crate) fn of(dir: &Path) -> Self {
        let db = Database::open(dir.join("log.redb")).unwrap();
        let read = db.begin_read().unwrap();
        let records = read.open_table(RECORDS).unwrap();
        let records = records.iter().unwrap().map(|row| {
            let (seq, bytes) = row.unwrap();
            (seq.value(), bytes.value().to_vec())
        });
        let checkpoints = read.open_table(CHECKPOINTS).unwrap();
        let checkpoints = checkpoints.iter().unwrap().map(|row| {
            let (size, text) = row.unwrap();
            (size.value(), text.value().to_owned())
        });
        let state = read.open_table(STATE).unwrap();
        let state = state.iter().unwrap().map(|row| {
            let (key, bytes) = row.unwrap();
            (key.value().to_owned(), bytes.value().to_vec())
        });
        Self {
            records: records.collect(),
            checkpoints: checkpoints.collect(),
            state: state.collect(),
        }
    }

    /// Makes a log of this in another place, with the pin of the one it is taken from.
    pub(crate) fn write(&self, from: &Path) -> (TempDir, PathBuf) {
        let (keep, dir) = place();
        std::fs::create_dir(&dir).unwrap();
        std::fs::copy(default_pin(from), default_pin(&dir)).unwrap();
        let db = Database::create(dir.join("log.redb")).unwrap();
        let mut transaction = db.begin_write().unwrap();
        transaction.set_quick_repair(true);
        transaction.set_durability(redb::Durability::Immediate).unwrap();
        {
            let mut records = transaction.open_table(RECORDS).unwrap();
            for (seq, bytes) in &self.records {
                records.insert(seq, bytes.as_slice()).unwrap();
            }
            let mut checkpoints = transaction.open_table(CHECKPOINTS).unwrap();
            for (size, text) in &self.checkpoints {
                checkpoints.insert(size, text.as_str()).unwrap();
            }
            let mut state = transaction.open_table(STATE).unwrap();
            for (key, bytes) in &self.state {
                state.insert(key.as_str(), bytes.as_slice()).unwrap();
            }
        }
        transaction.commit().unwrap();
        (keep, dir)
    }

    pub(crate) fn record(&self, seq: u64) -> Record {
        Record::from_bytes(&self.records[&seq]).unwrap()
    }

    pub(crate) fn len(&self) -> u64 {
        self.records.len() as u64
    }
}

/// Numbers that are the same in every run, for cases that must be found again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `end` (splitmix64).
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
