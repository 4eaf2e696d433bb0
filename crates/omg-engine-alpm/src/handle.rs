//! A handle of libalpm with everything loaded, set up as pacman.conf says.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;

use omg_backend_alpm::Rules;
use omg_backend_alpm::conf::{Conf, Repository};

use crate::error::Error;
use crate::native::alpm::{self, Alpm, SigLevel, TransFlag, Usage};
use crate::native::{Database, Package};
use crate::record::{self, Shared};

/// libalpm sets up the process-wide state of other libraries when a handle is made, and says nothing of
/// threads.
static ALONE: Mutex<()> = Mutex::new(());

/// Everything that planning needs of one system.
pub(crate) struct Handle {
    pub(crate) alpm: Alpm,
    pub(crate) record: Shared,
    pub(crate) conf: Conf,
    pub(crate) rules: Rules,
    /// Repositories without a database.
    unfetched: Vec<String>,
    /// Repositories whose database can't be read, and why.
    unusable: Vec<(String, Vec<String>)>,
}

impl Handle {
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        let conf = Conf::read(root);
        // Without that file libalpm would make one, and the directory too. A plan changes nothing.
        let version = conf.db_path.join("local/ALPM_DB_VERSION");
        if !version.is_file() {
            return Err(Error::NoDatabase { path: version });
        }
        let alpm = {
            let _alone = ALONE.lock();
            Alpm::new(conf.root.as_os_str().as_bytes(), conf.db_path.as_os_str().as_bytes())
                .map_err(unopened)?
        };
        let record = record::attach(&alpm);
        let rules = Rules::of(&conf);
        let mut handle =
            Self { alpm, record, conf, rules, unfetched: Vec::new(), unusable: Vec::new() };
        handle.settings().map_err(|error| native("taking over pacman.conf", error))?;
        handle.load_repositories()?;
        handle.load_installed()?;
        Ok(handle)
    }

    fn settings(&mut self) -> Result<(), alpm::Error> {
        let Conf { architectures, ignore_pkg, ignore_group, cache_dirs, .. } = &self.conf;
        for directory in cache_dirs {
            self.alpm.add_cachedir(directory.as_os_str().as_bytes())?;
        }
        for name in architectures {
            self.alpm.add_architecture(name.as_str())?;
        }
        for pattern in ignore_pkg {
            self.alpm.add_ignorepkg(pattern.as_str())?;
        }
        for pattern in ignore_group {
            self.alpm.add_ignoregroup(pattern.as_str())?;
        }
        Ok(())
    }

    /// Registers all repositories, in order, and reads them.
    ///
    /// Signatures are not checked here: libalpm would fetch unknown keys over the network. They are when
    /// a plan is carried out.
    fn load_repositories(&mut self) -> Result<(), Error> {
        for repository in &self.conf.repositories {
            let name = &repository.name;
            let database = self
                .alpm
                .register_syncdb(name.as_str(), SigLevel::NONE)
                .map_err(|error| native("registering a repository", error))?;
            database
                .set_usage(usage(repository))
                .map_err(|error| native("registering a repository", error))?;
            if fs::symlink_metadata(repository.database(&self.conf)).is_err() {
                self.unfetched.push(name.clone());
                continue;
            }
            let valid = database.is_valid();
            let loaded = database.pkgs().into_iter().count();
            let mut reasons = std::mem::take(&mut self.record.borrow_mut().errors);
            if let Err(error) = valid {
                reasons.push(error.to_string());
            }
            // A damaged archive is loaded as far as it goes. An empty one is fine.
            if !reasons.is_empty() || (loaded == 0 && database.is_valid().is_err()) {
                self.unusable.push((name.clone(), reasons));
            }
        }
        Ok(())
    }

    /// Reads all of the local database, of which libalpm reads each part when it is first asked for.
    fn load_installed(&self) -> Result<(), Error> {
        let local = self.alpm.localdb();
        let unusable = |reasons| Error::Unusable { name: "local".into(), reasons };
        local.is_valid().map_err(|error| unusable(vec![error.to_string()]))?;
        for package in local.pkgs() {
            let _ = package.isize();
        }
        let errors = std::mem::take(&mut self.record.borrow_mut().errors);
        if errors.is_empty() { Ok(()) } else { Err(unusable(errors)) }
    }

    /// Makes sure that every repository has a database, and a good one.
    ///
    /// # Errors
    /// One has not: libalpm takes nothing from any of them then.
    pub(crate) fn need_repositories(&self) -> Result<(), Error> {
        if let Some((name, reasons)) = self.unusable.first() {
            return Err(Error::Unusable { name: name.clone(), reasons: reasons.clone() });
        }
        if !self.unfetched.is_empty() {
            return Err(Error::Unfetched { names: self.unfetched.clone() });
        }
        Ok(())
    }

    pub(crate) fn repository(&self, name: &str) -> Option<Database<'_>> {
        self.alpm.syncdbs().into_iter().find(|database| database.name() == name)
    }

    pub(crate) fn installed(&self, name: &str) -> Option<Package<'_>> {
        self.alpm.localdb().pkg(name).ok()
    }

    /// Starts a transaction that can't be committed: it takes no lock.
    pub(crate) fn begin(
        &self,
        providers: &[(String, String)],
        flags: TransFlag,
    ) -> Result<(), Error> {
        *self.record.borrow_mut() =
            record::Record { providers: providers.to_vec(), ..record::Record::default() };
        self.alpm
            .trans_init(flags | TransFlag::NO_LOCK)
            .map_err(|error| native("starting a transaction", error))
    }

    /// Ends the transaction, of which nothing remains.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.alpm.trans_release().map_err(|error| native("ending a transaction", error))
    }

    /// An error of libalpm with what it logged.
    pub(crate) fn failed(&self, context: &'static str, error: alpm::Error) -> Error {
        let log = self.record.borrow().errors.clone();
        Error::Native { context, reason: error.to_string(), log }
    }
}

fn unopened(error: alpm::Error) -> Error {
    match error {
        alpm::Error::DbVersion => {
            Error::Unusable { name: "local".into(), reasons: vec![error.to_string()] }
        }
        error => native("opening the databases", error),
    }
}

fn native(context: &'static str, error: alpm::Error) -> Error {
    Error::Native { context, reason: error.to_string(), log: Vec::new() }
}

fn usage(repository: &Repository) -> Usage {
    let usage = repository.usage;
    [
        (usage.sync, Usage::SYNC),
        (usage.search, Usage::SEARCH),
        (usage.install, Usage::INSTALL),
        (usage.upgrade, Usage::UPGRADE),
    ]
    .into_iter()
    .filter_map(|(wanted, flag)| wanted.then_some(flag))
    .fold(Usage::NONE, |all, flag| all | flag)
}
