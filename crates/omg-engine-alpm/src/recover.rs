//! What a crash left, found and finished.
//!
//! After a crash each package is as it was, as it was to be, or has an entry in the local database that is
//! not whole, or none at all. With a journal in the lock the transaction is finished: what it lists and is
//! not there is installed out of pacman's cache, what it lists and still is there goes. What another tool
//! changed since stays as that left it. Without a journal, when pacman itself was cut off, whole packages
//! stay and the others are installed again from the cache.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use omg_backend_alpm::conf::Conf;
use omg_commit::Report;

use crate::cache;
use crate::error::Error;
use crate::handle::Handle;
use crate::journal::{Comes, Item, Journal};
use crate::lock::Lock;
use crate::native;
use crate::native::alpm::{self, PackageReason, SigLevel, TransFlag};
use crate::planner::AlpmPlanner;
use crate::transaction;
use crate::workplace::Workplace;

/// An entry of the local database that libalpm had not written to its end, or had begun to remove.
#[derive(Debug)]
struct Broken {
    directory: PathBuf,
    name: String,
    version: String,
}

/// One line for each thing that is unfinished.
pub(crate) fn unfinished(
    conf: &Conf,
    lock: &Lock,
    workplace: &Workplace,
) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    if let Some(Journal { pid, items, .. }) = Journal::read(&workplace.journal)? {
        let packages = items.len();
        lines.push(format!("a change of {packages} packages was cut off (omg, process {pid})"));
    } else if lock.is_left() {
        lines.push(
            "pacman was cut off: its lock db.lck is there, and no process that holds it".into(),
        );
    }
    for Broken { name, version, .. } in broken(conf)? {
        lines.push(format!("{name} {version} is half installed"));
    }
    Ok(lines)
}

/// Finishes it. Answers with a line for each thing that was done.
pub(crate) fn finish(
    conf: &Conf,
    lock: &mut Lock,
    workplace: &Workplace,
    open: impl Fn() -> Result<AlpmPlanner, Error>,
    report: &dyn Report,
) -> Result<Vec<String>, Error> {
    let mut done = Vec::new();
    let journal = Journal::read(&workplace.journal)?;
    if lock.is_left() {
        lock.adopt()?;
        done.push("took over the lock that a dead process left".into());
    }
    let broken = broken(conf)?;
    let mut work = Work::plan(conf, journal.as_ref(), &entries(conf)?, &broken, &mut done);
    if !work.items.is_empty() {
        // Should this be cut off, too, what is moved aside now is not forgotten.
        Journal::new(work.items.clone()).write(&workplace.journal)?;
    }
    for entry in &broken {
        let to = aside(workplace, entry)?;
        done.push(format!("moved a half-written entry of the database to {}", to.display()));
    }
    if work.is_empty() {
        Journal::remove(&workplace.journal)?;
    } else {
        work.carry_out(&mut open()?, lock, workplace, report)?;
        done.append(&mut work.done);
    }
    Ok(done)
}

/// Entries that are not whole.
fn broken(conf: &Conf) -> Result<Vec<Broken>, Error> {
    let mut broken = entries(conf)?;
    broken.retain(|Broken { directory, name, version }| !is_whole(directory, name, version));
    Ok(broken)
}

/// All entries, whole or not.
fn entries(conf: &Conf) -> Result<Vec<Broken>, Error> {
    let local = conf.db_path.join("local");
    let failed = |error| Error::io(&local, "reading the local database", error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(&local).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let directory = entry.path();
        let name = entry.file_name();
        let Some((name, version)) = name.to_str().and_then(split) else { continue };
        if directory.is_dir() {
            entries.push(Broken { name: name.into(), version: version.into(), directory });
        }
    }
    entries.sort_by(|a, b| a.directory.cmp(&b.directory));
    Ok(entries)
}

/// Name and version of `NAME-VERSION-RELEASE`.
fn split(entry: &str) -> Option<(&str, &str)> {
    let release = entry.rfind('-')?;
    let version = entry.get(..release)?.rfind('-')?;
    Some((entry.get(..version)?, entry.get(version + 1..)?)).filter(|(name, _)| !name.is_empty())
}

fn is_whole(directory: &Path, name: &str, version: &str) -> bool {
    let Ok(desc) = fs::read(directory.join("desc")) else { return false };
    let desc = String::from_utf8_lossy(&desc);
    let has = |field: &str, value: &str| desc.contains(&format!("%{field}%\n{value}\n"));
    has("NAME", name) && has("VERSION", version) && directory.join("files").is_file()
}

fn aside(workplace: &Workplace, entry: &Broken) -> Result<PathBuf, Error> {
    let directory = workplace.aside.clone();
    fs::create_dir_all(&directory)
        .map_err(|error| Error::io(&directory, "making a directory", error))?;
    let seconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let to = directory.join(format!("{}-{}.{seconds}", entry.name, entry.version));
    fs::rename(&entry.directory, &to)
        .map_err(|error| Error::io(&entry.directory, "moving it aside", error))?;
    Ok(to)
}

/// What there is to do.
struct Work {
    items: Vec<Item>,
    /// Packages that came already, and are to count as installed for others.
    automatic: Vec<String>,
    done: Vec<String>,
}

impl Work {
    fn plan(
        conf: &Conf,
        journal: Option<&Journal>,
        entries: &[Broken],
        broken: &[Broken],
        done: &mut Vec<String>,
    ) -> Self {
        let local = conf.db_path.join("local");
        let is_broken = |name: &str| broken.iter().any(|entry| entry.name == name);
        let is_there = |name: &str, version: &str| {
            is_whole(&local.join(format!("{name}-{version}")), name, version)
        };
        let mut listed: BTreeMap<&str, &Item> = journal
            .into_iter()
            .flat_map(|journal| &journal.items)
            .map(|item| (item.name.as_str(), item))
            .collect();
        let known = listed.len();
        for Broken { name, version, .. } in entries {
            if listed.get(name.as_str()).is_some_and(|item| is_foreign(item, version)) {
                listed.remove(name.as_str());
                done.push(format!(
                    "{name} {version} was installed by another tool since, and stays"
                ));
            }
        }
        if listed.len() < known {
            // Somebody went on without it: what was to go for it may be wanted again.
            listed.retain(|_, item| item.comes.is_some());
        }
        let mut items: Vec<Item> = listed
            .values()
            .filter(|item| match item.comes {
                // An entry of another version that is broken means that this one did not come yet.
                Some(Comes { again, .. }) => {
                    again || is_broken(&item.name) || !is_there(&item.name, &item.version)
                }
                None => is_there(&item.name, &item.version),
            })
            .filter_map(|item| obtainable(conf, item, done))
            .collect();
        for Broken { name, version, .. } in
            broken.iter().filter(|entry| !listed.contains_key(entry.name.as_str()))
        {
            match cache::find(&conf.cache_dirs, name, version).into_iter().next() {
                Some(file) => items.push(Item {
                    name: name.clone(),
                    version: version.clone(),
                    comes: Some(Comes {
                        automatic: false,
                        sha256: String::new(),
                        file,
                        old: None,
                        again: false,
                    }),
                }),
                None => done.push(lost(name, version)),
            }
        }
        let comes = |name: &str| items.iter().any(|item| item.name == name);
        let automatic = listed.values().filter(|item| {
            item.comes.as_ref().is_some_and(|comes| comes.automatic)
                && !comes(&item.name)
                && is_there(&item.name, &item.version)
        });
        let automatic = automatic.map(|item| item.name.clone()).collect();
        Self { items, automatic, done: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.automatic.is_empty()
    }

    fn carry_out(
        &mut self,
        planner: &mut AlpmPlanner,
        lock: &mut Lock,
        workplace: &Workplace,
        report: &dyn Report,
    ) -> Result<(), Error> {
        // What was planned fitted together. Where a half of it no longer does, the other half is the
        // remedy.
        let carefully = TransFlag::NONE;
        let anyway = TransFlag::NO_DEPS | TransFlag::NO_CONFLICTS;
        let mut half = false;
        let mut attempt = |flags| self.attempt(planner, lock, flags, report, &mut half);
        if !self.items.is_empty() && attempt(carefully).is_err() {
            let done = attempt(anyway);
            if done.is_err() && half {
                Journal::new(self.items.clone()).fail(&workplace.journal)?;
            }
            done.map_err(|error| Error::Unrepaired {
                what: "what was cut off".into(),
                causes: {
                    let fault = omg_core::Fault::from(error);
                    std::iter::once(fault.message).chain(fault.cause).collect()
                },
            })?;
        }
        for Item { name, version, comes } in &self.items {
            let line = match comes {
                Some(comes) => {
                    if comes.automatic {
                        mark(&planner.handle, name)?;
                    }
                    format!("installed {name} {version}")
                }
                None => format!("removed {name} {version}"),
            };
            self.done.push(line);
        }
        for name in &self.automatic {
            mark(&planner.handle, name)?;
        }
        transaction::close(planner, lock, workplace)
    }

    fn attempt(
        &self,
        planner: &mut AlpmPlanner,
        lock: &mut Lock,
        flags: TransFlag,
        report: &dyn Report,
        half: &mut bool,
    ) -> Result<(), Error> {
        let mut unfinished = Vec::new();
        let databases = planner.handle.conf.db_path.clone();
        let begun = lock.lend(&databases, || planner.handle.begin_committing(&[], flags));
        let done = begun
            .and_then(|()| self.fill(&mut planner.handle))
            .and_then(|()| planner.prepare())
            .and_then(|()| transaction::commit(planner, report, &mut unfinished).map(|_| ()));
        *half |= !unfinished.is_empty();
        let ended = planner.handle.end_if_begun();
        lock.take_back()?;
        done?;
        ended
    }

    fn fill(&self, handle: &mut Handle) -> Result<(), Error> {
        for Item { name, comes, .. } in &self.items {
            let Some(comes) = comes else {
                if let Some(package) = handle.installed(name) {
                    handle
                        .alpm
                        .trans_remove_pkg(package)
                        .map_err(|error| handle.failed("marking a package for removal", error))?;
                }
                continue;
            };
            let files = add(handle, comes)?;
            // What was unpacked of it already belongs to nobody yet.
            for file in files {
                handle
                    .alpm
                    .add_overwrite_file(file)
                    .map_err(|error| handle.failed("allowing files to be replaced", error))?;
            }
        }
        Ok(())
    }
}

/// Has it count as installed for others, if it does not.
fn mark(handle: &Handle, name: &str) -> Result<(), Error> {
    match handle.installed(name) {
        Some(package) if package.reason() != PackageReason::Depend => {
            native::set_reason(package, PackageReason::Depend)
                .map_err(|error| handle.failed("marking a package", error))
        }
        _ => Ok(()),
    }
}

/// Is this neither the version that was to come nor the one that was there before?
fn is_foreign(item: &Item, version: &str) -> bool {
    match &item.comes {
        Some(comes) => version != item.version && comes.old.as_deref() != Some(version),
        None => version != item.version,
    }
}

/// Adds a package file. Answers with its files, as patterns.
fn add(handle: &Handle, comes: &Comes) -> Result<Vec<Vec<u8>>, Error> {
    let path = comes.file.as_os_str().as_bytes();
    let unusable = |reason: String| Error::File {
        path: comes.file.clone(),
        exists: comes.file.exists(),
        reasons: vec![reason],
    };
    // One with the digest of a file that was verified is that file.
    let pinned = !comes.sha256.is_empty();
    let level = if pinned { SigLevel::NONE } else { handle.package_level() };
    let package =
        handle.alpm.pkg_load(path, true, level).map_err(|error| unusable(error.to_string()))?;
    let files = native::files(&package);
    let added = handle.alpm.trans_add_pkg(package).map_err(alpm::Error::from);
    added.map_err(|error| handle.failed("adding a package", error))?;
    Ok(files.into_iter().map(|file| escaped(&file)).collect())
}

/// The item, with a file that is there and has the digest of the one that was verified.
fn obtainable(conf: &Conf, item: &Item, done: &mut Vec<String>) -> Option<Item> {
    let Item { name, version, comes } = item;
    let Some(comes) = comes else { return Some(item.clone()) };
    let same = |file: &PathBuf| {
        alpm::compute_sha256sum(file.as_os_str().as_bytes())
            .is_ok_and(|digest| digest == comes.sha256)
    };
    let cached = cache::find(&conf.cache_dirs, name, version);
    let file = std::iter::once(comes.file.clone()).chain(cached).find(same);
    if file.is_none() {
        done.push(lost(name, version));
    }
    Some(Item { comes: Some(Comes { file: file?, ..comes.clone() }), ..item.clone() })
}

fn lost(name: &str, version: &str) -> String {
    format!("{name} {version} was half installed and is in no cache: omg install {name}")
}

/// A path as a pattern of fnmatch(3) that matches nothing else.
fn escaped(path: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(path.len());
    for byte in path {
        if b"*?[]\\!".contains(byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_split_at_the_version() {
        assert_eq!(split("a-b-1:2.0-1"), Some(("a-b", "1:2.0-1")));
        assert_eq!(split("ALPM_DB_VERSION"), None);
        assert_eq!(split("-1-1"), None);
        assert_eq!(escaped(b"usr/[a]*"), b"usr/\\[a\\]\\*");
    }
}
