//! The database below the log, as its writer sees it: opened under the lock, checked at its tail,
//! appended to.
//!
//! The lock is let go of when nothing waits, so that other writers get at the log while a long
//! transaction of the native tool runs.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use minicbor::{Decode, Encode};
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition,
};
use rustix::fs::OFlags;

use super::batch::Batch;
use super::file::Plain;
use super::files::Dir;
use super::keys::Key;
use super::{Options, create, tree};
use crate::{Error, Hash, Id, Record, Result, checkpoint};

pub(super) const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
pub(super) const CHECKPOINTS: TableDefinition<'_, u64, &str> = TableDefinition::new("checkpoints");
/// Intents that nothing has ended yet.
pub(super) const OPEN: TableDefinition<'_, u64, ()> = TableDefinition::new("open");
pub(super) const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");
pub(super) const TAIL: &str = "tail";

/// Name of the database.
pub(super) const DATABASE: &str = "log.redb";
/// Name of the lock: of the owner alone, or any user could keep a change from being made by holding it.
pub(super) const LOCK: &str = "lock";

/// Records from one checkpoint that stays to the next.
pub(super) const CHECKPOINT_EVERY: u64 = 64;

/// Where the log ends. It says nothing that the records don't; it saves reading them all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(super) struct Tail {
    /// Number of records.
    #[n(0)]
    pub(super) size: u64,
    /// `prev` of the next record.
    #[n(1)]
    pub(super) head: Hash,
    #[n(2)]
    pub(super) boot_id: Id,
    #[n(3)]
    pub(super) boot_ms: u64,
    /// Key in force.
    #[n(4)]
    pub(super) epoch: u32,
    /// Wall clock when it came into force.
    #[n(5)]
    pub(super) epoch_since_ms: u64,
    /// Size at the last checkpoint that stays.
    #[n(6)]
    pub(super) checkpointed: u64,
    #[n(7)]
    pub(super) peaks: Vec<Hash>,
    /// The checkpoint of exactly this size.
    #[n(8)]
    pub(super) note: String,
    #[n(9)]
    pub(super) log_id: Id,
}

/// An open database, and while it is used its lock.
pub(super) struct Store {
    pub(super) db: Database,
    pub(super) path: PathBuf,
    pub(super) tail: Tail,
    pub(super) key: Key,
    lock: Option<File>,
    file: Plain,
    /// The file's header when the lock was let go of.
    parked: Vec<u8>,
}

impl Drop for Store {
    /// Closing is what a crash is. redb would write on closing, and make that durable in four steps; but
    /// every commit is durable and has the allocator's state with it, so there is nothing to be gained.
    /// And after a write that failed, or without the lock, nothing more must be written.
    fn drop(&mut self) {
        self.file.close();
    }
}

impl Store {
    /// Opens the log, makes it if there is none, and looks whether its end is as it was written.
    /// `seen` is the end as this process left it: nothing is checked twice.
    pub(super) fn open(dir: &Dir, options: &Options, seen: Option<&(u64, Hash)>) -> Result<Self> {
        let lock = take_lock(dir, options.lock_timeout)?;
        let path = dir.join(DATABASE);
        let Some(file) = dir.file(DATABASE, OFlags::empty(), false)? else {
            return create::create(dir, options, lock);
        };
        let length = file.metadata().map_err(Error::io(&path, "asking its length"))?.len();
        if length == 0 {
            return Err(Error::tampered(&path, None, "the file is empty"));
        }
        let file = Plain::new(file);
        let db = file.database().map_err(damaged(&path))?;
        // The file gets its name when its first record is in it.
        let Some(tail) = read_tail(&db, &path)? else {
            return Err(Error::tampered(&path, Some(0), "there are no records"));
        };
        let key = Key::of_epoch(dir, tail.epoch)?;
        let store = Self::new((db, file), path, tail, key, lock);
        if seen != Some(&(store.tail.size, store.tail.head)) {
            store.check_tail()?;
            create::check_pin(dir, options, &store)?;
        }
        Ok(store)
    }

    pub(super) fn new(
        (db, file): (Database, Plain),
        path: PathBuf,
        tail: Tail,
        key: Key,
        lock: File,
    ) -> Self {
        Self { db, path, tail, key, lock: Some(lock), file, parked: Vec::new() }
    }

    /// Lets other processes write, and keeps the database open for the case that none does; false if it
    /// can't be told later whether one has.
    pub(super) fn park(&mut self) -> bool {
        let header = self.file.header();
        self.lock = None;
        header.map(|header| self.parked = header).is_ok()
    }

    /// Takes the lock again; false if another process has written meanwhile, so that what this one
    /// remembers of the file is past.
    pub(super) fn unpark(&mut self, dir: &Dir, timeout: Duration) -> Result<bool> {
        if self.lock.is_some() {
            return Ok(true);
        }
        let lock = take_lock(dir, timeout)?;
        let Some(now) = dir.file(DATABASE, OFlags::empty(), false)? else { return Ok(false) };
        let context = "looking whether another process has written";
        let same = self.file.is(&now).map_err(Error::io(&self.path, context))?
            && self.file.header().map_err(Error::io(&self.path, context))? == self.parked;
        self.lock = Some(lock);
        Ok(same)
    }

    /// Does the end fit together: number of records, chain since the last checkpoint that stays, root of
    /// the tree, signature of the checkpoint of the very end?
    fn check_tail(&self) -> Result<()> {
        let (path, tail) = (&self.path, &self.tail);
        let wrong = |seq, reason: &str| Err(Error::tampered(path, seq, reason));
        let note =
            checkpoint::sign(&tail.log_id, tail.size, &tree::root(&tail.peaks), &self.key.signing);
        // Ed25519 has one signature of one text by one key.
        if note != tail.note {
            return wrong(None, "its end is not what was signed");
        }
        let read = self.db.begin_read().map_err(Error::store(path, "reading its end"))?;
        let records = read.open_table(RECORDS).map_err(Error::store(path, "reading its end"))?;
        let count = records.len().map_err(Error::store(path, "counting its records"))?;
        if count != tail.size {
            return wrong(Some(count.min(tail.size)), "records are missing or too many");
        }
        let from = tail.size.saturating_sub(CHECKPOINT_EVERY);
        let mut head = None;
        for (at, row) in
            (from..).zip(records.range(from..).map_err(Error::store(path, "reading its end"))?)
        {
            let (seq, bytes) = row.map_err(Error::store(path, "reading its end"))?;
            let record = Record::from_bytes(bytes.value()).map_err(|source| Error::Record {
                path: path.clone(),
                seq: at,
                source,
            })?;
            let fits = seq.value() == at
                && record.seq == at
                && record.log_id == tail.log_id
                && head.is_none_or(|head| head == record.prev);
            if !fits {
                return wrong(Some(at), "a record does not follow from the one before");
            }
            head = Some(tree::leaf(bytes.value()));
        }
        if head == Some(tail.head) {
            Ok(())
        } else {
            wrong(tail.size.checked_sub(1), "the last record is another")
        }
    }

    /// Writes a batch. Durable when it returns.
    pub(super) fn write(&mut self, batch: Batch) -> Result<()> {
        // The records may be there or not, so writing them again might have them there twice.
        let unsynced = |store: &Self, e| {
            if store.file.is_unsynced() { Error::Unsynced(Box::new(e)) } else { e }
        };
        self.write_all(batch).map_err(|e| unsynced(self, e))
    }

    fn write_all(&mut self, batch: Batch) -> Result<()> {
        let path = &self.path;
        let begun = self.db.begin_write().map_err(Error::store(path, "beginning to write"))?;
        let mut transaction = begun;
        // One-phase commit is weaker where contents may be malicious, and the allocator's state is
        // saved so that opening after a crash does not read the whole file.
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        {
            let context = "writing records";
            let mut records =
                transaction.open_table(RECORDS).map_err(Error::store(path, context))?;
            for (seq, bytes) in &batch.records {
                records.insert(seq, bytes.as_slice()).map_err(Error::store(path, context))?;
            }
            let mut notes =
                transaction.open_table(CHECKPOINTS).map_err(Error::store(path, context))?;
            for (size, note) in &batch.checkpoints {
                notes.insert(size, note.as_str()).map_err(Error::store(path, context))?;
            }
            let mut open = transaction.open_table(OPEN).map_err(Error::store(path, context))?;
            for seq in &batch.opened {
                open.insert(seq, ()).map_err(Error::store(path, context))?;
            }
            for seq in &batch.closed {
                open.remove(seq).map_err(Error::store(path, context))?;
            }
            let mut state = transaction.open_table(STATE).map_err(Error::store(path, context))?;
            let tail = minicbor::to_vec(&batch.tail).map_err(|e| Error::Poisoned(e.to_string()))?;
            state.insert(TAIL, tail.as_slice()).map_err(Error::store(path, context))?;
        }
        omg_failpoint::reach!("audit.append.before");
        transaction.commit().map_err(Error::store(path, "making records durable"))?;
        omg_failpoint::reach!("audit.append.durable");
        self.tail = batch.tail;
        Ok(())
    }

    /// Numbers of the intents that nothing has ended.
    pub(super) fn open_intents(&self) -> Result<Vec<u64>> {
        let context = "reading open intents";
        let read = self.db.begin_read().map_err(Error::store(&self.path, context))?;
        let open = read.open_table(OPEN).map_err(Error::store(&self.path, context))?;
        let rows = open.iter().map_err(Error::store(&self.path, context))?;
        rows.map(|row| Ok(row.map_err(Error::store(&self.path, context))?.0.value())).collect()
    }

    /// One record.
    pub(super) fn record(&self, seq: u64) -> Result<Record> {
        let context = "reading a record";
        let read = self.db.begin_read().map_err(Error::store(&self.path, context))?;
        let records = read.open_table(RECORDS).map_err(Error::store(&self.path, context))?;
        let row = records.get(seq).map_err(Error::store(&self.path, context))?;
        let Some(bytes) = row else {
            return Err(Error::tampered(&self.path, Some(seq), "an open intent is missing"));
        };
        Record::from_bytes(bytes.value()).map_err(|source| Error::Record {
            path: self.path.clone(),
            seq,
            source,
        })
    }
}

/// A database that can't be opened for another reason than the system's is not what was written.
fn damaged(path: &std::path::Path) -> impl FnOnce(redb::DatabaseError) -> Error {
    let path = path.to_owned();
    move |error| match redb::Error::from(error) {
        error @ (redb::Error::Io(_) | redb::Error::PreviousIo) => {
            Error::store(&path, "opening it")(error)
        }
        error => Error::tampered(&path, None, error.to_string()),
    }
}

fn read_tail(db: &Database, path: &std::path::Path) -> Result<Option<Tail>> {
    let context = "reading its end";
    let read = db.begin_read().map_err(Error::store(path, context))?;
    let state = match read.open_table(STATE) {
        Ok(state) => state,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(e) => return Err(Error::store(path, context)(e)),
    };
    let Some(bytes) = state.get(TAIL).map_err(Error::store(path, context))? else {
        return Ok(None);
    };
    minicbor::decode(bytes.value())
        .map(Some)
        .map_err(|e| Error::tampered(path, None, format!("its end can't be read: {e}")))
}

/// Takes the lock that writers of all processes share, waiting for it.
fn take_lock(dir: &Dir, timeout: Duration) -> Result<File> {
    let path = dir.join(LOCK);
    let lock = dir.file_or_new(LOCK, true)?;
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_micros(500);
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(20));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = [0; 20];
                let read = lock.read_at(&mut holder, 0).unwrap_or(0);
                let holder = holder.get(..read).map(String::from_utf8_lossy).unwrap_or_default();
                return Err(Error::Locked { path, holder: holder.trim().to_owned() });
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(Error::io(&path, "locking it")(e)),
        }
    }
    // Who holds it is a hint for others only, and a full disk must not keep a record from being written.
    let _ = lock
        .set_len(0)
        .and_then(|()| lock.write_all_at(std::process::id().to_string().as_bytes(), 0));
    Ok(lock)
}
