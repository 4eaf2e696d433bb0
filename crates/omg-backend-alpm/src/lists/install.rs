//! Putting fetched databases into place: the side of root.
//!
//! Nothing in the directory is believed, whoever made it: names are those that the root's own
//! pacman.conf leads to, sizes are bounded, no link is followed, and every signature is checked by the
//! root's own `SigLevel` and keyring.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use omg_backend::swap::{self, Steps};
use omg_core::Fault;
use omg_verify::openpgp::SIGNATURE_MAX;
use rustix::fs::{Mode, OFlags};

use super::judge::{self, Before};
use super::keys::{self, Keys};
use super::state::State;
use super::{LARGEST_DATABASE, fetch, summary};
use crate::conf::{Conf, Repository};
use crate::error::Error;

/// Most files in the directory: four for each repository.
const MOST_FILES: usize = 4096;

/// Verifies the databases in `staged` and swaps them in, all or none. The caller holds pacman's lock
/// (`db.lck`). Answers with the name of each database that differs now.
///
/// `max_age_s` is the policy's: a database whose newest package was built longer ago is refused.
pub fn install(root: &Path, staged: &Path, max_age_s: Option<u64>) -> Result<Vec<String>, Fault> {
    let conf = Conf::read(root);
    let place = super::place(root, &conf);
    fs::create_dir_all(&place.target).map_err(Error::write(&place.target, "making a directory"))?;
    place.finish()?;
    let mut system = System {
        keys: Keys::read(&conf),
        state: State::read(root)?,
        names: names(staged)?,
        steps: Steps::default(),
        changed: Vec::new(),
        staged,
        conf: &conf,
        max_age_s,
    };
    if system.names.is_empty() {
        return Ok(Vec::new());
    }
    place.prepare()?;
    let prepared = system.prepare(&place.room);
    if prepared.is_err() {
        // The error that is reported is the one that matters.
        let _ = place.clear();
    }
    prepared?;
    system.steps.commit(&place)?;
    Ok(system.changed)
}

struct System<'a> {
    conf: &'a Conf,
    staged: &'a Path,
    keys: Keys,
    state: State,
    names: BTreeSet<String>,
    steps: Steps,
    changed: Vec<String>,
    max_age_s: Option<u64>,
}

fn names(staged: &Path) -> Result<BTreeSet<String>, Error> {
    let failed = |error| Error::io(staged, "listing what was fetched", error);
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(staged).map_err(failed)? {
        names.insert(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        if names.len() > MOST_FILES {
            let (path, limit) = (staged.to_path_buf(), MOST_FILES as u64);
            return Err(Error::TooLarge { path, limit, unit: "files" });
        }
    }
    Ok(names)
}

impl System<'_> {
    fn prepare(&mut self, room: &Path) -> Result<(), Error> {
        for repository in &self.conf.repositories {
            for suffix in ["files", "db"] {
                let file = format!("{}.{suffix}", repository.name);
                if self.names.remove(&file) {
                    self.database(repository, &file, room)?;
                }
            }
        }
        if let Some(name) = self.names.first() {
            let name = omg_core::escape(name).to_string();
            return Err(Error::Stranger { name });
        }
        self.steps.state(&self.state.text());
        Ok(())
    }

    /// Copies a database with its signature, and verifies the copies.
    fn database(&mut self, repository: &Repository, file: &str, room: &Path) -> Result<(), Error> {
        let signature_name = format!("{file}.sig");
        let copy = room.join(file);
        let digest = copied(&self.staged.join(file), &copy, LARGEST_DATABASE)?;
        let mut signature = None;
        if self.names.remove(&signature_name) {
            let (from, to) = (self.staged.join(&signature_name), room.join(&signature_name));
            let digest = copied(&from, &to, SIGNATURE_MAX as u64)?;
            signature = keys::beside(&to)?;
            self.steps.put(&signature_name, &digest, false);
        }
        let target = self.conf.db_path.join("sync").join(file);
        let old_signature = target.with_file_name(&signature_name);
        let is_files = super::is_files(file);
        let before = Before {
            summary: summary::of(&target, is_files).ok(),
            signed: keys::beside(&old_signature)?.is_some(),
            remembered: self.state.get(file),
        };
        let opened =
            File::open(&copy).map_err(|error| Error::io(&copy, "verifying a database", error))?;
        let check = repository.sig_level.database;
        let signers =
            self.keys.verify(file, &opened, signature.as_deref(), check, before.was_signed())?;
        let new = summary::of(&copy, is_files)?;
        judge::successor(&repository.name, &new, &before)?;
        judge::fresh(&repository.name, new.newest, self.max_age_s, fetch::now())?;
        if signature.is_none() && before.signed {
            self.steps.drop_file(&signature_name);
        }
        self.steps.put(file, &digest, true);
        self.state.accept(file, new.newest, !signers.is_empty());
        self.changed.push(file.to_owned());
        Ok(())
    }
}

/// Copies one file, no link followed and no more than there can be. Gives its BLAKE3.
fn copied(from: &Path, to: &Path, limit: u64) -> Result<String, Error> {
    let failed = |error| Error::io(from, "copying a database", error);
    let writing = "copying a database";
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let source = rustix::fs::open(from, flags, Mode::empty())
        .map(File::from)
        .map_err(|error| failed(error.into()))?;
    let data = source.metadata().map_err(failed)?;
    if !data.is_file() {
        let reason = "it is no regular file".to_owned();
        return Err(Error::Malformed { path: from.to_path_buf(), line: 0, reason });
    }
    let mut copy = File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(to)
        .map_err(Error::write(to, writing))?;
    let (digest, size) =
        swap::copy(source.take(limit + 1), &mut copy).map_err(Error::write(to, writing))?;
    if size > limit {
        return Err(Error::TooLarge { path: from.to_path_buf(), limit, unit: "bytes" });
    }
    rustix::fs::fchmod(&copy, Mode::from_raw_mode(0o644))
        .map_err(|error| Error::write(to, writing)(error.into()))?;
    if let Ok(time) = data.modified() {
        copy.set_modified(time.min(std::time::SystemTime::now()))
            .map_err(Error::write(to, writing))?;
    }
    copy.sync_all().map_err(Error::write(to, writing))?;
    Ok(digest)
}
