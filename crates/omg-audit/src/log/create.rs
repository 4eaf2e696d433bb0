//! The beginning of a log, and the key outside of it by which it is known.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::batch::Batch;
use super::file::Plain;
use super::files::Dir;
use super::keys::{self, Key};
use super::store::{DATABASE, Store, Tail};
use super::{Options, PENDING};
use crate::{Error, Result, checkpoint};

/// Name of a database that is being made.
const UNFINISHED: &str = "log.redb.new";

/// Where the first key of the log in this directory is pinned if nothing else is said: beside the
/// directory, under its name and `.pub`.
pub fn default_pin(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".pub");
    dir.with_file_name(name)
}

fn pin(dir: &Dir, options: &Options) -> PathBuf {
    options.pin.clone().unwrap_or_else(|| default_pin(&dir.path))
}

/// Makes the log, with the announcement of its first key as record 0.
pub(super) fn create(dir: &Dir, options: &Options, lock: File) -> Result<Store> {
    let path = dir.join(DATABASE);
    let pin = pin(dir, options);
    if pin.symlink_metadata().is_ok() {
        let reason = format!("{} names a log, and it is gone", pin.display());
        return Err(Error::tampered(&path, None, reason));
    }
    if Key::current(dir)?.is_some() {
        return Err(Error::tampered(&path, None, "there is a signing key, but no log"));
    }
    dir.subdirectory(PENDING)?;
    let key = Key::first(dir)?;
    omg_failpoint::reach!("audit.create.key");
    // Half made it would look damaged, so it gets its name when it is whole.
    dir.remove(UNFINISHED)?;
    let file = dir.file(UNFINISHED, OFlags::CREATE | OFlags::EXCL, false)?;
    let Some(file) = file else { return Err(Error::Absent { path }) };
    let file = Plain::new(file);
    let db = file.database().map_err(Error::store(&path, "making it"))?;
    let time = (options.clock)();
    let tail = Tail { log_id: keys::log_id(&key.public()), ..Tail::default() };
    let mut batch = Batch::after(&tail);
    batch.rotate(&key, &key, &time)?;
    batch.seal(&key);
    let mut store = Store::new((db, file), path, tail, key, lock);
    store.write(batch)?;
    omg_failpoint::reach!("audit.create.written");
    dir.rename(UNFINISHED, DATABASE)?;
    omg_failpoint::reach!("audit.create.durable");
    Key::promote(dir)?;
    write_pin(&pin, &store)?;
    Ok(store)
}

/// The public key that the log began with, as text.
pub(super) fn genesis(store: &Store) -> Result<String> {
    let record = store.record(0)?;
    let Some(rotation) = record.rotation else {
        return Err(Error::tampered(&store.path, Some(0), "the first record announces no key"));
    };
    if keys::log_id(&rotation.key) != store.tail.log_id {
        return Err(Error::tampered(&store.path, Some(0), "the first key is of another log"));
    }
    Ok(checkpoint::public_key(&store.tail.log_id, &rotation.key.0))
}

/// Is this the log whose key is pinned? A log that has no pin yet, since a crash cut off its making, gets
/// it now.
pub(super) fn check_pin(dir: &Dir, options: &Options, store: &Store) -> Result<()> {
    let pin = pin(dir, options);
    match std::fs::read_to_string(&pin) {
        Ok(pinned) if pinned == genesis(store)? => Ok(()),
        Ok(_) => {
            let reason = format!("{} names another log", pin.display());
            Err(Error::tampered(&store.path, None, reason))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => write_pin(&pin, store),
        Err(e) => Err(Error::io(&pin, "reading the pinned key")(e)),
    }
}

fn write_pin(pin: &Path, store: &Store) -> Result<()> {
    let text = genesis(store)?;
    let written = pin.with_extension("pub.new");
    let write = || {
        match std::fs::remove_file(&written) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o644).open(&written)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&written, pin)?;
        match pin.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => File::open(parent)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
    };
    write().map_err(Error::io(pin, "pinning the first key"))
}
