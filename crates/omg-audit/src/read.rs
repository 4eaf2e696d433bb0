//! Reading a log beside its writer, also as another user.
//!
//! A reader never locks, since whoever can lock can keep others from writing, and never writes. It reads
//! the whole file into memory twice; if both are equal it is the file as it was at one moment, and what a
//! writer had begun then is undone in memory, as after a crash.

mod filter;
mod history;
mod snapshot;

use std::ops::RangeFrom;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    ReadableTableMetadata as _, TableDefinition,
};

use crate::{Error, Record, Result};

pub use filter::Filter;
pub use history::{Change, Ended};

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
const CHECKPOINTS: TableDefinition<'_, u64, &str> = TableDefinition::new("checkpoints");
const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");

/// Key in a writer's note of the log's end under which its checkpoint is; see `docs/audit.md`.
const NOTE: u32 = 8;

/// A log as it was when it was opened.
pub struct Reader {
    path: PathBuf,
    /// Keeps what the tables are read from.
    _db: Database,
    records: Option<ReadOnlyTable<u64, &'static [u8]>>,
    checkpoints: Option<ReadOnlyTable<u64, &'static str>>,
    note: Option<String>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Reader {
    /// Reads the log in this directory.
    ///
    /// # Errors
    /// `Absent` if there is none; `Io` if this user may not read it; `Tampered` if the database is
    /// damaged. Whether the records are what was written is for [`verify`](crate::verify) to say.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("log.redb");
        let bytes = snapshot::take(&path)?;
        guarded(&path, || Self::of(path.clone(), bytes))
    }

    fn of(path: PathBuf, bytes: Vec<u8>) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::Absent { path });
        }
        let damaged = |e: redb::Error| Error::tampered(&path, None, e.to_string());
        let backend = snapshot::Memory::new(bytes);
        let mut db = Database::builder()
            .set_cache_size(8 << 20)
            .create_with_backend(backend)
            .map_err(|e| damaged(e.into()))?;
        // Each page has a checksum, and nothing is believed of a file in which one is wrong.
        if !omg_failpoint::weak!("52") && !db.check_integrity().map_err(|e| damaged(e.into()))? {
            return Err(Error::tampered(&path, None, "pages of the database are damaged"));
        }
        let read = db.begin_read().map_err(|e| damaged(e.into()))?;
        let records = table(&read, RECORDS).map_err(damaged)?;
        let checkpoints = table(&read, CHECKPOINTS).map_err(damaged)?;
        let state = table(&read, STATE).map_err(damaged)?;
        let tail = match &state {
            Some(state) => state.get("tail").map_err(|e| damaged(e.into()))?,
            None => None,
        };
        let note = tail.and_then(|tail| note_of(tail.value()));
        Ok(Self { path, _db: db, records, checkpoints, note })
    }

    /// The database that was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of records.
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn len(&self) -> Result<u64> {
        guarded(&self.path, || match &self.records {
            Some(records) => records.len().map_err(Error::store(&self.path, "counting records")),
            None => Ok(0),
        })
    }

    /// Are there no records?
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// One record.
    ///
    /// # Errors
    /// If it is none, or the database is damaged.
    pub fn get(&self, seq: u64) -> Result<Option<Record>> {
        match self.stored(seq..)?.next().transpose()? {
            Some((found, bytes)) if found == seq => decoded(&self.path, seq, &bytes).map(Some),
            _ => Ok(None),
        }
    }

    /// The records from this number on, in order.
    ///
    /// # Errors
    /// If the database is damaged; each item, if it is no record.
    pub fn records(&self, from: u64) -> Result<impl Iterator<Item = Result<Record>>> {
        let path = self.path.clone();
        Ok(self.stored(from..)?.map(move |row| {
            let (seq, bytes) = row?;
            decoded(&path, seq, &bytes)
        }))
    }

    /// The stored bytes from this number on.
    pub(crate) fn stored(
        &self,
        range: RangeFrom<u64>,
    ) -> Result<impl Iterator<Item = Result<(u64, Vec<u8>)>> + use<>> {
        let path = self.path.clone();
        let rows = guarded(&path, || match &self.records {
            Some(table) => {
                table.range(range).map(Some).map_err(Error::store(&self.path, "reading records"))
            }
            None => Ok(None),
        })?;
        let mut rows = rows.into_iter().flatten();
        Ok(std::iter::from_fn(move || {
            let next = guarded(&path, || {
                let Some(row) = rows.next() else { return Ok(None) };
                let (seq, bytes) = row.map_err(Error::store(&path, "reading records"))?;
                Ok(Some((seq.value(), bytes.value().to_vec())))
            });
            next.transpose()
        }))
    }

    /// The checkpoints that stay, by number of records.
    pub(crate) fn checkpoints(&self) -> Result<Vec<(u64, String)>> {
        let context = "reading checkpoints";
        guarded(&self.path, || {
            let Some(table) = &self.checkpoints else { return Ok(Vec::new()) };
            let rows = table.iter().map_err(Error::store(&self.path, context))?;
            rows.map(|row| {
                let (size, note) = row.map_err(Error::store(&self.path, context))?;
                Ok((size.value(), note.value().to_owned()))
            })
            .collect()
        })
    }

    /// The signed checkpoint of the log's end: what to keep elsewhere. Not verified.
    pub fn checkpoint(&self) -> Option<&str> {
        self.note.as_deref()
    }
}

fn decoded(path: &Path, seq: u64, bytes: &[u8]) -> Result<Record> {
    Record::from_bytes(bytes).map_err(|source| Error::Record { path: path.to_owned(), seq, source })
}

fn table<K: redb::Key + 'static, V: redb::Value + 'static>(
    read: &ReadTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<Option<ReadOnlyTable<K, V>>, redb::Error> {
    match read.open_table(definition) {
        Ok(table) => Ok(Some(table)),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// The checkpoint in the writer's note of the log's end.
fn note_of(tail: &[u8]) -> Option<String> {
    let mut decoder = minicbor::Decoder::new(tail);
    for _ in 0..decoder.map().ok()?? {
        if decoder.u32().ok()? == NOTE {
            return decoder.str().ok().map(str::to_owned);
        }
        decoder.skip().ok()?;
    }
    None
}

/// What is read may be damaged in ways that the database's checks do not see, and it then panics.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::tampered(path, None, "the database is damaged")))
}
