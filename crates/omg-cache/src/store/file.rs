//! The redb file. Layout and checksums: docs/formats.md, "The store".
//!
//! redb checks its pages only while repairing; over a damaged file its other operations may return
//! errors, wrong values, or panic. So every value that is given out is sealed, but for the image's
//! rows: the image has a checksum of its own, which whoever opens it checks, and here its length is.
//! The generation and the size of the answers are in plain numbers; what a wrong one can do is drop
//! answers early or late. And every operation runs under `catch_unwind`; a panic, an error or a value
//! that does not fit its seal counts as damage, after which this `File` is not used again. That makes
//! `AssertUnwindSafe` right: nobody sees what a panic broke.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use omg_core::Generation;
use redb::{
    Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition, TableError,
};

use super::StoredIndex;
use super::seal::{HEAD, Refused, seal, unseal};
use crate::{Error, Key};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const IMAGE: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("image");
const RECORDS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("records");
const ANSWERS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("answers");

/// First byte under each checksum.
const META_TAG: u8 = 0;
const RECORDS_TAG: u8 = 2;
const ANSWERS_TAG: u8 = 3;

/// Bytes of the image in one row: with redb's own it just fits a page of 64 KiB. Small enough for
/// the allocator to reuse redb's buffer for the next row, large enough for few of them.
const CHUNK: usize = (64 << 10) - 512;

/// Largest image, bytes; a damaged row can't make us reserve more.
const IMAGE_LIMIT: usize = 512 << 20;

/// redb's page cache, bytes. The kernel's own cache does the work; this holds inner pages.
const PAGE_CACHE: usize = 4 << 20;

/// Bytes of answers after which they are dropped and collected anew.
const ANSWERS_LIMIT: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct File {
    database: Database,
    path: PathBuf,
    /// Mixed into every generation; differs between builds of the program.
    build: u64,
    /// What was wrong with the file that stood here before.
    pub(super) repaired: Option<String>,
    /// Rows and bytes of answers at the time of opening.
    pub(super) answers: (u64, u64),
}

/// Rows, bytes, and rows dropped for room.
pub(super) type Written = (u64, u64, u64);

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if let Some(directory) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|source| {
                Error::Io {
                    path: directory.to_path_buf(),
                    source,
                    doing: "making the cache directory",
                }
            })?;
        }
        match Self::open_as_is(path) {
            Err(Error::Damaged { what, .. }) => {
                move_aside(path)?;
                let mut file = Self::open_as_is(path)?;
                file.repaired =
                    Some(format!("{} was damaged ({what}) and is made anew", path.display()));
                Ok(file)
            }
            other => other,
        }
    }

    fn open_as_is(path: &Path) -> Result<Self, Error> {
        let io = |source, doing| Error::Io { path: path.to_path_buf(), source, doing };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|source| io(source, "opening the store"))?;
        let opened = catch_unwind(AssertUnwindSafe(|| {
            Database::builder().set_cache_size(PAGE_CACHE).create_file(file)
        }));
        let database = match opened {
            Ok(Ok(database)) => database,
            Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => {
                return Err(Error::Locked { path: path.to_path_buf() });
            }
            Ok(Err(DatabaseError::Storage(redb::StorageError::Io(source))))
                if !matches!(
                    source.kind(),
                    std::io::ErrorKind::InvalidData
                        | std::io::ErrorKind::UnexpectedEof
                        | std::io::ErrorKind::InvalidInput
                ) =>
            {
                return Err(io(source, "opening the store"));
            }
            Ok(Err(error)) => return Err(damaged(path, error.to_string())),
            Err(_) => return Err(damaged(path, "opening it panicked".into())),
        };
        let mut file = Self {
            database,
            path: path.to_path_buf(),
            build: build_stamp(),
            repaired: None,
            answers: (0, 0),
        };
        match file.count_answers() {
            Ok(answers) => file.answers = answers,
            Err(error) => {
                drop_guarded(Some(Arc::new(file)));
                return Err(error);
            }
        }
        Ok(file)
    }

    fn count_answers(&self) -> Result<(u64, u64), Error> {
        self.guarded(|database| {
            let read = database.begin_read()?;
            let rows = match read.open_table(ANSWERS) {
                Ok(table) => table.len()?,
                Err(TableError::TableDoesNotExist(_)) => return Ok((0, 0)),
                Err(error) => return Err(error.into()),
            };
            let bytes = match read.open_table(META) {
                Ok(table) => {
                    table.get("answers-bytes")?.and_then(|row| row.value().try_into().ok())
                }
                Err(TableError::TableDoesNotExist(_)) => None,
                Err(error) => return Err(error.into()),
            };
            Ok((rows, bytes.map_or(0, u64::from_le_bytes)))
        })
    }

    fn ours(&self, generation: Generation) -> Generation {
        Generation(generation.0 ^ self.build)
    }

    /// Runs an operation over the database; see the module's text.
    fn guarded<T>(
        &self,
        run: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        match catch_unwind(AssertUnwindSafe(|| run(&self.database))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(redb::Error::Io(source))) => {
                Err(Error::Io { path: self.path.clone(), source, doing: "using the store" })
            }
            Ok(Err(error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed))) => {
                Err(Error::Io {
                    path: self.path.clone(),
                    source: std::io::Error::other(error.to_string()),
                    doing: "using the store",
                })
            }
            Ok(Err(error)) => Err(damaged(&self.path, error.to_string())),
            Err(_) => Err(damaged(&self.path, "reading it panicked".into())),
        }
    }

    fn unseal(
        &self,
        table: u8,
        generation: Generation,
        key: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        match unseal(table, generation, key, sealed) {
            Ok(value) => Ok(Some(value.to_vec())),
            Err(Refused::Outdated) => Ok(None),
            Err(Refused::Damaged) => {
                Err(damaged(&self.path, "a value does not fit its checksum".into()))
            }
        }
    }

    /// One read transaction for both tables: a writer between two would look like damage.
    pub(super) fn index(&self, catalogue: Generation) -> Result<Option<StoredIndex>, Error> {
        let found = self.guarded(|database| {
            let read = database.begin_read()?;
            let Some(sealed) = get(&read, META, "index")? else { return Ok(None) };
            let (length, blocks) = match self.meta(catalogue, &sealed) {
                Ok(Some(meta)) => meta,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(Err(error))),
            };
            let image = image(&read, length)?;
            if image.len() != length {
                return Ok(Some(Err(damaged(
                    &self.path,
                    "the index's image is incomplete".into(),
                ))));
            }
            Ok(Some(Ok(StoredIndex { image, blocks })))
        })?;
        found.transpose()
    }

    /// Length of the image and number of blocks, if the index is this catalogue's.
    fn meta(&self, catalogue: Generation, sealed: &[u8]) -> Result<Option<(usize, u32)>, Error> {
        let Some(meta) = self.unseal(META_TAG, self.ours(catalogue), b"index", sealed)? else {
            return Ok(None);
        };
        match read_meta(&meta) {
            Some(meta) => Ok(Some(meta)),
            None => Err(damaged(&self.path, "the index's own row makes no sense".into())),
        }
    }

    pub(super) fn block(
        &self,
        catalogue: Generation,
        number: u32,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(sealed) =
            self.guarded(|database| get(&database.begin_read()?, RECORDS, number))?
        else {
            return Ok(None);
        };
        self.unseal(RECORDS_TAG, self.ours(catalogue), &number.to_le_bytes(), &sealed)
    }

    pub(super) fn answer(&self, key: &Key) -> Result<Option<Bytes>, Error> {
        let Some(sealed) =
            self.guarded(|database| get(&database.begin_read()?, ANSWERS, &*key.request))?
        else {
            return Ok(None);
        };
        match unseal(ANSWERS_TAG, self.ours(key.generation), &key.request, &sealed) {
            Ok(_) => Ok(Some(Bytes::from(sealed).slice(HEAD..))),
            Err(Refused::Outdated) => Ok(None),
            Err(Refused::Damaged) => {
                Err(damaged(&self.path, "an answer does not fit its checksum".into()))
            }
        }
    }

    /// Two commits: the first gives the old index's pages back, so the file need not hold both.
    pub(super) fn put_index(
        &self,
        catalogue: Generation,
        image: &[u8],
        blocks: &[Vec<u8>],
    ) -> Result<(), Error> {
        let generation = self.ours(catalogue);
        let mut meta = Vec::with_capacity(12);
        meta.extend_from_slice(&(image.len() as u64).to_le_bytes());
        meta.extend_from_slice(&u32::try_from(blocks.len()).unwrap_or(u32::MAX).to_le_bytes());
        let meta = seal(META_TAG, generation, b"index", &meta);
        self.drop_index()?;
        self.commit(|write| {
            let mut table = write.open_table(IMAGE)?;
            for (number, chunk) in (0_u32..).zip(image.chunks(CHUNK)) {
                table.insert(number, chunk)?;
            }
            let mut table = write.open_table(RECORDS)?;
            for (number, block) in (0_u32..).zip(blocks) {
                table.insert(
                    number,
                    &*seal(RECORDS_TAG, generation, &number.to_le_bytes(), block),
                )?;
            }
            write.open_table(META)?.insert("index", &*meta)?;
            Ok(())
        })
    }

    pub(super) fn drop_index(&self) -> Result<(), Error> {
        self.commit(|write| {
            write.delete_table(IMAGE)?;
            write.delete_table(RECORDS)?;
            write.open_table(META)?.remove("index")?;
            Ok(())
        })
    }

    /// Keeps answers of one generation, and drops those of any other.
    pub(super) fn put_answers(&self, answers: &[(Key, Bytes)]) -> Result<Written, Error> {
        let Some((last, _)) = answers.last() else { return Ok((0, 0, 0)) };
        let generation = self.ours(last.generation);
        self.commit(|write| {
            let mut meta = write.open_table(META)?;
            let stored = meta
                .get("answers")?
                .and_then(|row| row.value().try_into().ok())
                .map(u64::from_le_bytes);
            let mut bytes = meta
                .get("answers-bytes")?
                .and_then(|row| row.value().try_into().ok())
                .map_or(0, u64::from_le_bytes);
            let mut dropped = 0;
            if stored != Some(generation.0) || bytes > ANSWERS_LIMIT {
                dropped = write.open_table(ANSWERS)?.len()?;
                write.delete_table(ANSWERS)?;
                bytes = 0;
            }
            let mut table = write.open_table(ANSWERS)?;
            for (key, answer) in answers.iter().filter(|(key, _)| key.generation == last.generation)
            {
                let sealed = seal(ANSWERS_TAG, generation, &key.request, answer);
                if table.insert(&*key.request, &*sealed)?.is_none() {
                    bytes += (key.request.len() + sealed.len()) as u64;
                }
            }
            meta.insert("answers", &generation.0.to_le_bytes()[..])?;
            meta.insert("answers-bytes", &bytes.to_le_bytes()[..])?;
            Ok((table.len()?, bytes, dropped))
        })
    }

    /// One durable commit. Quick repair implies two phases; with it, opening after a kill does not
    /// walk the whole file.
    fn commit<T>(
        &self,
        run: impl FnOnce(&redb::WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        self.guarded(|database| {
            let mut write = database.begin_write()?;
            write.set_quick_repair(true);
            let value = run(&write)?;
            write.commit()?;
            Ok(value)
        })
    }
}

fn get<K: redb::Key + 'static>(
    read: &redb::ReadTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    key: K::SelfType<'_>,
) -> Result<Option<Vec<u8>>, redb::Error> {
    match read.open_table(table) {
        Ok(table) => Ok(table.get(key)?.map(|row| row.value().to_vec())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The image's rows, of `length` bytes in all if none is missing or too long.
fn image(read: &redb::ReadTransaction, length: usize) -> Result<Vec<u8>, redb::Error> {
    let table = read.open_table(IMAGE)?;
    let mut image = super::huge::buffer(length);
    for number in 0..length.div_ceil(CHUNK) {
        let Some(row) = table.get(u32::try_from(number).unwrap_or(u32::MAX))? else { break };
        image.extend_from_slice(row.value());
        if image.len() > length {
            break;
        }
    }
    Ok(image)
}

fn read_meta(meta: &[u8]) -> Option<(usize, u32)> {
    let (length, rest) = meta.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length))
        .ok()
        .filter(|&length| length <= IMAGE_LIMIT)?;
    Some((length, u32::from_le_bytes(rest.try_into().ok()?)))
}

fn damaged(path: &Path, what: String) -> Error {
    Error::Damaged { path: path.to_path_buf(), what }
}

/// Renames a damaged file to `NAME.damaged`, over any older one.
pub(super) fn move_aside(path: &Path) -> Result<(), Error> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    match std::fs::rename(path, &aside) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::Io {
            path: path.to_path_buf(),
            source,
            doing: "moving a damaged store aside",
        }),
        _ => Ok(()),
    }
}

/// Closes a file. redb writes while closing, so over a damaged file that can panic, too.
pub(super) fn drop_guarded(file: Option<Arc<File>>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(file)));
}

/// Tells builds of the running program apart by its file's size and time; 0 where it has none.
fn build_stamp() -> u64 {
    let Ok(meta) = std::env::current_exe().and_then(std::fs::metadata) else { return 0 };
    let mut hasher = blake3::Hasher::new();
    for number in [meta.size(), meta.mtime().cast_unsigned(), meta.mtime_nsec().cast_unsigned()] {
        hasher.update(&number.to_le_bytes());
    }
    let mut stamp = [0; 8];
    hasher.finalize_xof().fill(&mut stamp);
    u64::from_le_bytes(stamp)
}
