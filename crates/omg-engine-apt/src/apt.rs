//! The planner: a cache that stays open, and one plan after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use omg_core::{Change, Code, Fault, Operation, Plan};
use omg_engine::Planner;
use rust_apt::{Cache, Package, Version};

use crate::archive::Archive;
use crate::error::{Error, messages};
use crate::held;
use crate::mark::{self, is_odd};
use crate::open::Open;
use crate::select::{check, is_file, select};
use crate::session::{Session, key};
use crate::settings::{Purpose, Settings};
use crate::{describe, error};

/// libapt, opened on one root. It is used by the thread that opened it, and by one at a time.
pub struct Apt {
    root: PathBuf,
    purpose: Purpose,
    archive: Archive,
    /// The lists, which are read while libapt is opened.
    reading: Option<JoinHandle<Result<Archive, Fault>>>,
    handle: Option<Handle>,
}

/// What was opened with certain settings.
struct Handle {
    settings: Settings,
    recommends: bool,
    files: Vec<String>,
    open: Open,
    /// Full names of packages that are installed or half installed.
    installed: Vec<String>,
    /// Full names of packages whose marks the resolver was told to leave alone.
    protected: Vec<String>,
    /// Marks of a plan are still there.
    marked: bool,
}

impl Planner for Apt {
    fn open(root: &Path) -> Result<Self, Fault> {
        Ok(Self::open_for(root, Purpose::Plan)?)
    }

    fn plan(&mut self, change: &Change) -> Result<Plan, Fault> {
        Ok(self.planned(change)?)
    }

    /// Takes back the marks of the last plan, which takes 150 ms on a large system.
    fn settle(&mut self) {
        if let Some(handle) = &mut self.handle
            && handle.reset().is_err()
        {
            // Opened anew by the next plan, which tells of the error if there still is one.
            self.handle = None;
        }
    }
}

impl Apt {
    pub(crate) fn open_for(root: &Path, purpose: Purpose) -> Result<Self, Error> {
        let place = root.to_path_buf();
        let reading = thread::spawn(move || Archive::read(&place));
        let (root, archive) = (root.to_path_buf(), Archive::default());
        let mut apt = Self { root, purpose, archive, reading: Some(reading), handle: None };
        // For a commit there will be one plan, which knows with which settings and files.
        if purpose == Purpose::Plan {
            apt.handle = Some(Handle::open(&apt.root, true, Vec::new(), purpose)?);
            apt.read()?;
        }
        Ok(apt)
    }

    /// Waits until the lists are read.
    fn read(&mut self) -> Result<(), Error> {
        let Some(reading) = self.reading.take() else { return Ok(()) };
        let ended = |_| Fault::new(Code::Internal, "reading the lists ended without an answer");
        self.archive = reading.join().map_err(ended).flatten().map_err(Error::Root)?;
        Ok(())
    }

    /// What `apt-get --fix-broken install` would do.
    pub(crate) fn repair(&mut self) -> Result<Plan, Error> {
        let change = Change::new(Operation::Install, [""; 0]);
        let handle = Handle::open(&self.root, true, Vec::new(), self.purpose)?;
        self.read()?;
        let handle = self.handle.insert(handle);
        handle.marked = true;
        with_session(handle, &self.archive, &change, |session| {
            mark::repair(session)?;
            let mut plan = describe::describe(session)?;
            plan.sort();
            Ok(plan)
        })
    }

    /// Which packages are there for others, after what is marked, by name and architecture: those whose
    /// mark the plan could change.
    pub(crate) fn automatic(&self) -> BTreeMap<(String, String), bool> {
        let Some(handle) = &self.handle else { return BTreeMap::new() };
        let cache = handle.open.cache();
        let packages = handle.installed.iter().filter_map(|name| cache.get(name));
        let mark = |package: Package<'_>| {
            ((package.name().to_owned(), package.arch().to_owned()), package.is_auto_installed())
        };
        packages.map(mark).collect()
    }

    /// Archives of a package that are offered: their names in apt's cache, and SHA-256.
    pub(crate) fn archives_of(
        &mut self,
        name: &str,
        architecture: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        self.read()?;
        Ok(self.archive.versions(name, architecture))
    }

    /// Gives away the cache with the marks of the last plan.
    pub(crate) fn into_cache(self) -> Option<Cache> {
        self.handle.map(|handle| handle.open.into_cache())
    }

    pub(crate) fn planned(&mut self, change: &Change) -> Result<Plan, Error> {
        for target in &change.targets {
            check(target)?;
        }
        if change.targets.is_empty()
            && matches!(change.operation, Operation::Install | Operation::Remove)
        {
            return Err(Error::usage("no package is named"));
        }
        let mut files: Vec<String> =
            change.targets.iter().filter(|target| is_file(target)).cloned().collect();
        if matches!(change.operation, Operation::Remove | Operation::Autoremove)
            && !files.is_empty()
        {
            return Err(Error::usage("a package file can't be removed; name the package"));
        }
        files.dedup();
        for file in &files {
            readable(file)?;
        }
        let recommends = !change.options.without_recommends;
        let fits = |handle: &Handle| handle.recommends == recommends && handle.files == files;
        if !self.handle.as_ref().is_some_and(fits) {
            // libapt reads these settings when it opens the cache, and never has two of them open.
            self.handle = None;
            self.handle = Some(Handle::open(&self.root, recommends, files, self.purpose)?);
        }
        self.read()?;
        let Some(handle) = &mut self.handle else {
            return Err(Error::usage("libapt is not open"));
        };
        handle.reset()?;
        handle.marked = true;
        plan(handle, &self.archive, change)
    }
}

impl Handle {
    fn open(
        root: &Path,
        recommends: bool,
        files: Vec<String>,
        purpose: Purpose,
    ) -> Result<Self, Error> {
        let settings = Settings::load(root, recommends, purpose);
        drop(messages());
        let open = Open::new(&files).map_err(|error| blamed(error, &files))?;
        let installed = installed(open.cache());
        let mut handle = Self {
            settings,
            recommends,
            files,
            open,
            installed,
            protected: Vec::new(),
            marked: true,
        };
        handle.reset()?;
        Ok(handle)
    }

    /// Takes back all marks.
    fn reset(&mut self) -> Result<(), Error> {
        if !self.marked {
            return Ok(());
        }
        drop(messages());
        self.open.hold();
        let cache = self.open.cache();
        for name in self.protected.drain(..) {
            if let Some(package) = cache.get(&name) {
                cache.resolver().clear(&package);
            }
        }
        let cleared = cache.depcache().clear_marked();
        cleared.map_err(|errors| {
            Error::library("the marks of the last plan can't be taken back", &errors)
        })?;
        self.marked = false;
        Ok(())
    }
}

/// Refuses what is no file before libapt opens it and waits, as at the end of a pipe.
fn readable(path: &str) -> Result<(), Error> {
    let failed = |why: String| Err(Error::File { path: path.to_owned(), why, causes: Vec::new() });
    match std::fs::metadata(path) {
        Ok(there) if there.is_file() => Ok(()),
        Ok(_) => failed("it is not a regular file".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::NoFile { path: path.to_owned() })
        }
        Err(error) => failed(error.to_string()),
    }
}

/// With package files it is these that can't be read: libapt opens the lists in each other plan.
fn blamed(error: Error, files: &[String]) -> Error {
    match (error, files) {
        (Error::Library { causes, .. }, [first, ..]) => {
            let named = |path: &&String| causes.iter().any(|cause| cause.contains(path.as_str()));
            let path = files.iter().find(named).unwrap_or(first).clone();
            let why = "it is broken, or not of this kind".to_owned();
            Error::File { path, why, causes }
        }
        (error, _) => error,
    }
}

/// Full names of what is installed in whole or in part, in order of name.
fn installed(cache: &Cache) -> Vec<String> {
    let mut found: Vec<_> =
        cache.iter().filter(|package| package.is_installed() || is_odd(package)).collect();
    found.sort_by_cached_key(key);
    found.iter().map(|package| package.fullname(false)).collect()
}

fn plan(handle: &mut Handle, archive: &Archive, change: &Change) -> Result<Plan, Error> {
    with_session(handle, archive, change, work)
}

fn with_session<T>(
    handle: &mut Handle,
    archive: &Archive,
    change: &Change,
    work: impl FnOnce(&mut Session<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let Handle { open, settings, installed, protected, .. } = handle;
    let cache = open.cache();
    let mut session = Session {
        open,
        settings,
        archive,
        change,
        installed: installed.iter().filter_map(|name| cache.get(name)).collect(),
        files: std::collections::HashMap::new(),
        requested: std::collections::HashSet::new(),
        protected: Vec::new(),
        unneeded: std::collections::HashSet::new(),
        choices: Vec::new(),
        notes: Vec::new(),
    };
    let result = work(&mut session);
    protected.extend(session.protected.iter().map(|package| package.fullname(false)));
    drop(error::messages());
    result
}

fn work(session: &mut Session<'_>) -> Result<Plan, Error> {
    let before = match session.change.operation {
        Operation::Upgrade if session.change.targets.is_empty() => held::upgradable(session),
        _ => Vec::new(),
    };
    let mut selection = select(session.cache(), session.settings, session.change)?;
    session.choices.append(&mut selection.choices);
    session.notes.append(&mut selection.notes);
    session.files.extend(selection.files.drain(..));
    // Asked before the resolver fails for all that needs them, which would hide the reason.
    let named: Vec<_> = selection.removes.iter().map(Version::parent).collect();
    describe::kept(named.iter())?;
    mark::mark(session, &selection)?;
    let mut plan = describe::describe(session)?;
    plan.held_back = held::held_back(session, &before)?;
    plan.sort();
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_are_none_are_refused() {
        for target in ["", "a\u{1b}[2J", "/tmp/archive.tar", "/.deb\u{202e}"] {
            assert!(matches!(check(target), Err(Error::Usage { .. })), "{target:?}");
        }
        assert!(check("/tmp/x.deb").is_ok() && check("g++:amd64=1:2~3/x").is_ok());
    }
}
