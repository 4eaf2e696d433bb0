//! A handle of libalpm with everything loaded, set up as pacman.conf says.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;

use omg_backend_alpm::Rules;
use omg_backend_alpm::conf::{Check, Conf, Repository, Verify};

use crate::error::Error;
use crate::native::alpm::{self, Alpm, SigLevel, TransFlag, Usage};
use crate::native::{Database, Package};
use crate::record::{self, Shared};

/// libalpm sets up the process-wide state of other libraries when a handle is made, and says nothing of
/// threads.
static ALONE: Mutex<()> = Mutex::new(());

/// What a handle is for.
#[derive(Clone, Copy)]
pub(crate) enum Role<'a> {
    /// It plans: it takes no lock, writes nothing and checks no signature.
    Plan,
    /// It plans and commits.
    Commit {
        /// The only directory that it takes packages from.
        packages: &'a Path,
    },
}

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
    /// Repositories whose database is not signed as it must be, and what was found.
    unsigned: Vec<(String, Vec<String>)>,
}

impl Handle {
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        Self::open_as(Conf::read(root), Role::Plan)
    }

    pub(crate) fn open_as(conf: Conf, role: Role<'_>) -> Result<Self, Error> {
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
        let mut handle = Self {
            alpm,
            record,
            conf,
            rules,
            unfetched: vec![],
            unusable: vec![],
            unsigned: vec![],
        };
        handle.settings(role).map_err(|error| native("taking over pacman.conf", error))?;
        handle.load_repositories(role)?;
        handle.load_installed()?;
        Ok(handle)
    }

    fn settings(&mut self, role: Role<'_>) -> Result<(), alpm::Error> {
        let Conf { architectures, ignore_pkg, ignore_group, cache_dirs, .. } = &self.conf;
        match role {
            Role::Plan => {
                for directory in cache_dirs {
                    self.alpm.add_cachedir(directory.as_os_str().as_bytes())?;
                }
            }
            Role::Commit { packages } => {
                self.alpm.add_cachedir(packages.as_os_str().as_bytes())?;
                committing(&mut self.alpm, &self.conf)?;
            }
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
    /// Signatures are not checked by a handle that only plans: libalpm would ask for unknown keys. They
    /// are when a plan is carried out.
    fn load_repositories(&mut self, role: Role<'_>) -> Result<(), Error> {
        for repository in &self.conf.repositories {
            let name = &repository.name;
            let level = match role {
                Role::Plan => SigLevel::NONE,
                Role::Commit { .. } => {
                    of_packages(repository.sig_level.package)
                        | of_databases(repository.sig_level.database)
                }
            };
            register(&mut self.alpm, name, level, role)
                .map_err(|error| native("registering a repository", error))?;
            let registered = self.alpm.syncdbs().into_iter();
            let Some(database) = registered.last() else { continue };
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
                if error == alpm::Error::DbInvalidSig {
                    self.unsigned.push((name.clone(), reasons));
                    continue;
                }
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
        if let Some((name, reasons)) = self.unsigned.first() {
            let name = format!("the database of {name}");
            return Err(Error::Signature { name, reasons: reasons.clone() });
        }
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
        self.begin_committing(providers, flags | TransFlag::NO_LOCK)
    }

    /// Starts a transaction.
    pub(crate) fn begin_committing(
        &self,
        providers: &[(String, String)],
        flags: TransFlag,
    ) -> Result<(), Error> {
        *self.record.borrow_mut() =
            record::Record { providers: providers.to_vec(), ..record::Record::default() };
        self.alpm.trans_init(flags).map_err(|error| native("starting a transaction", error))
    }

    /// What `SigLevel` wants of packages.
    pub(crate) fn package_level(&self) -> SigLevel {
        of_packages(self.conf.sig_level.package)
    }

    /// What `LocalFileSigLevel` wants of packages.
    pub(crate) fn file_level(&self) -> SigLevel {
        of_packages(self.conf.local_file_sig_level.package)
    }

    /// Ends the transaction, of which nothing remains.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.alpm.trans_release().map_err(|error| native("ending a transaction", error))
    }

    /// The same, where it may never have begun.
    pub(crate) fn end_if_begun(&mut self) -> Result<(), Error> {
        match self.alpm.trans_release() {
            Ok(()) | Err(alpm::Error::TransNull) => Ok(()),
            Err(error) => Err(native("ending a transaction", error)),
        }
    }

    /// An error of libalpm with what it logged.
    pub(crate) fn failed(&self, context: &'static str, error: alpm::Error) -> Error {
        let log = self.record.borrow().errors.clone();
        Error::Native { context, reason: error.to_string(), log }
    }
}

fn register(
    alpm: &mut Alpm,
    name: &str,
    level: SigLevel,
    role: Role<'_>,
) -> Result<(), alpm::Error> {
    let database = alpm.register_syncdb_mut(name, level)?;
    match role {
        Role::Plan => Ok(()),
        // libalpm 13 wants one, though it has all files already and asks it for none.
        Role::Commit { .. } => database.add_server("file:///nonexistent"),
    }
}

/// What only matters when something is really changed.
fn committing(alpm: &mut Alpm, conf: &Conf) -> Result<(), alpm::Error> {
    let Conf { settings, hook_dirs, gpg_dir, log_file, .. } = conf;
    for directory in hook_dirs {
        alpm.add_hookdir(directory.as_os_str().as_bytes())?;
    }
    for pattern in &settings.no_upgrade {
        alpm.add_noupgrade(pattern.as_str())?;
    }
    for pattern in &settings.no_extract {
        alpm.add_noextract(pattern.as_str())?;
    }
    // Without one libalpm would look into the keyring of whoever runs it.
    alpm.set_gpgdir(gpg_dir.as_os_str().as_bytes())?;
    alpm.set_logfile(log_file.as_os_str().as_bytes())?;
    alpm.set_use_syslog(settings.has("UseSyslog"));
    alpm.set_check_space(settings.has("CheckSpace"));
    // A commit has all files and no business on the network. libalpm 13 asks for a package again that
    // has no signature where one is optional.
    alpm.set_fetch_cb((), |address, directory, _, ()| {
        let name = address.rsplit('/').next().unwrap_or_default();
        if Path::new(directory).join(name).exists() {
            alpm::FetchResult::FileExists
        } else {
            alpm::FetchResult::Err
        }
    });
    Ok(())
}

fn of_packages(check: Check) -> SigLevel {
    let trusting = SigLevel::PACKAGE_MARGINAL_OK | SigLevel::PACKAGE_UNKNOWN_OK;
    level(check, SigLevel::PACKAGE, SigLevel::PACKAGE_OPTIONAL, trusting)
}

fn of_databases(check: Check) -> SigLevel {
    let trusting = SigLevel::DATABASE_MARGINAL_OK | SigLevel::DATABASE_UNKNOWN_OK;
    level(check, SigLevel::DATABASE, SigLevel::DATABASE_OPTIONAL, trusting)
}

fn level(check: Check, on: SigLevel, optional: SigLevel, trusting: SigLevel) -> SigLevel {
    let level = match check.verify {
        Verify::Never => return SigLevel::NONE,
        Verify::Optional => on | optional,
        Verify::Required => on,
    };
    if check.trust_all { level | trusting } else { level }
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
