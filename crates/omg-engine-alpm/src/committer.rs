//! libalpm as a committing engine has it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use omg_backend_alpm::conf::{Conf, Verify};
use omg_backend_alpm::lists;
use omg_commit::{Commission, Committer, Proof, Report};
use omg_core::{Action, Change, Fault, Grade, Notice, Plan, Planned};
use omg_verify::pacman::Keyring;

use crate::error::Error;
use crate::handle::{Handle, Role};
use crate::lock::Lock;
use crate::native::alpm::PackageReason;
use crate::planner::AlpmPlanner;
use crate::workplace::Workplace;
use crate::{cache, holds, native, recover, signature, transaction};

/// Repositories of the distribution itself, whose keyring is the one that counts.
const OFFICIAL: [&str; 9] = [
    "core",
    "extra",
    "multilib",
    "community",
    "core-testing",
    "extra-testing",
    "multilib-testing",
    "testing",
    "community-testing",
];

/// libalpm, with pacman's lock.
pub struct AlpmCommitter {
    conf: Conf,
    root: std::path::PathBuf,
    workplace: Workplace,
    /// Opened when it is first needed: what a crash left may keep it from being opened.
    planner: Option<AlpmPlanner>,
    keyring: Option<Keyring>,
    /// Signatures that were checked, by name of file.
    signatures: HashMap<String, Vec<u8>>,
    // Given back last, when libalpm has closed everything.
    lock: Lock,
}

impl std::fmt::Debug for AlpmCommitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlpmCommitter").field("root", &self.root).finish_non_exhaustive()
    }
}

impl AlpmCommitter {
    fn planner(&mut self) -> Result<&mut AlpmPlanner, Error> {
        if self.planner.is_none() {
            let role = Role::Commit { packages: &self.workplace.packages };
            let handle = Handle::open_as(self.conf.clone(), role)?;
            return Ok(self.planner.insert(AlpmPlanner { handle }));
        }
        self.planner.as_mut().ok_or(Error::PlanChanged)
    }
}

impl Committer for AlpmCommitter {
    fn open(root: &Path, patience: Duration, report: &dyn Report) -> Result<Self, Fault> {
        let root = fs::canonicalize(root)
            .map_err(|error| Error::io(root, "looking for the root", error))?;
        let conf = Conf::read(&root);
        let version = conf.db_path.join("local/ALPM_DB_VERSION");
        if !version.is_file() {
            return Err(Error::NoDatabase { path: version }.into());
        }
        let lock = Lock::take(&conf.db_path.join("db.lck"), patience, report)?;
        let workplace = Workplace::prepare(&root)?;
        Ok(Self {
            conf,
            root,
            workplace,
            planner: None,
            keyring: None,
            signatures: HashMap::new(),
            lock,
        })
    }

    fn interrupted(&mut self) -> Result<Vec<String>, Fault> {
        let mut lines = recover::unfinished(&self.conf, &self.lock, &self.workplace)?;
        if lists::interrupted(&self.root) {
            lines.push("new sync databases were being put into place".into());
        }
        Ok(lines)
    }

    fn plan(&mut self, change: &Change) -> Result<Plan, Fault> {
        Ok(self.planner()?.checked(change)?)
    }

    fn proofs(&mut self, plan: &Plan) -> Result<Vec<Proof>, Fault> {
        let planner = self.planner()?;
        let coming =
            plan.changes.iter().enumerate().filter(|(_, planned)| planned.new_version.is_some());
        let proofs: Result<_, Error> =
            coming.map(|(at, planned)| proof(&planner.handle, at, planned)).collect();
        Ok(proofs?)
    }

    fn check_signature(
        &mut self,
        proof: &Proof,
        planned: &Planned,
        file: &File,
        signature: Option<&[u8]>,
    ) -> Result<(), Fault> {
        signature::check(&self.conf, &mut self.keyring, planned, file, signature)?;
        match signature {
            Some(signature) => {
                self.signatures.insert(proof.file_name.clone(), signature.to_vec());
            }
            None => {
                self.signatures.remove(&proof.file_name);
            }
        }
        Ok(())
    }

    fn apply(
        &mut self,
        commission: &Commission<'_>,
        report: &dyn Report,
    ) -> Result<Vec<Notice>, Fault> {
        let signatures = std::mem::take(&mut self.signatures);
        self.planner()?;
        let Some(mut planner) = self.planner.take() else { return Err(Error::PlanChanged.into()) };
        // What it has read of the system is not so any more; the next change reads it again.
        let (lock, workplace) = (&mut self.lock, &self.workplace);
        let done =
            transaction::apply(&mut planner, lock, workplace, &signatures, commission, report);
        Ok(done?)
    }

    fn carried_out(&mut self, plan: &Plan) -> Result<Vec<usize>, Fault> {
        let handle = &self.planner()?.handle;
        let changes = plan.changes.iter().enumerate();
        let done = changes.filter(|(_, planned)| {
            let version = handle.installed(&planned.name).map(|it| it.version().to_string());
            planned.action != Action::Reinstall && version == planned.new_version
        });
        Ok(done.map(|(at, _)| at).collect())
    }

    fn automatic(&mut self, plan: &Plan) -> Result<Vec<(usize, bool)>, Fault> {
        let handle = &self.planner()?.handle;
        let changes = plan.changes.iter().enumerate();
        let here = changes.filter_map(|(at, planned)| {
            Some((at, handle.installed(&planned.name)?.reason() == PackageReason::Depend))
        });
        Ok(here.collect())
    }

    fn mark(&mut self, packages: &[String], automatic: bool) -> Result<Vec<String>, Fault> {
        let handle = &self.planner()?.handle;
        let reason = if automatic { PackageReason::Depend } else { PackageReason::Explicit };
        installed(handle, packages)?;
        let mut differ = Vec::new();
        for name in packages {
            let Some(package) = handle.installed(name) else { continue };
            if package.reason() != reason {
                native::set_reason(package, reason)
                    .map_err(|error| handle.failed("marking a package", error))?;
                differ.push(name.clone());
            }
        }
        Ok(differ)
    }

    fn hold(&mut self, packages: &[String], hold: bool) -> Result<Vec<String>, Fault> {
        if hold {
            installed(&self.planner()?.handle, packages)?;
        }
        let differ = holds::set(&self.root, packages, hold)?;
        // What is held counts when the configuration is read.
        self.conf = Conf::read(&self.root);
        self.planner = None;
        Ok(differ)
    }

    fn lists(&mut self, directory: &Path, _report: &dyn Report) -> Result<Vec<String>, Fault> {
        // What was read of the old ones is not so any more.
        self.planner = None;
        lists::install(&self.root, directory, None)
    }

    fn recover(&mut self, report: &dyn Report) -> Result<Vec<String>, Fault> {
        self.planner = None;
        let role = Role::Commit { packages: &self.workplace.packages };
        let conf = &self.conf;
        let open = || Handle::open_as(conf.clone(), role).map(|handle| AlpmPlanner { handle });
        let mut done = lists::recover(&self.root)?;
        done.append(&mut recover::finish(conf, &mut self.lock, &self.workplace, open, report)?);
        Ok(done)
    }

    fn clean(&mut self, all: bool) -> Result<(u64, u64), Fault> {
        let installed = self.planner()?.handle.alpm.localdb().pkgs().into_iter();
        let installed = installed
            .map(|package| (package.name().to_owned(), package.version().to_string()))
            .collect();
        Ok(cache::clean(&self.conf, if all { None } else { Some(&installed) })?)
    }
}

fn installed(handle: &Handle, packages: &[String]) -> Result<(), Error> {
    let missing: Vec<String> =
        packages.iter().filter(|name| handle.installed(name).is_none()).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::NotInstalled { targets: missing, suggestions: Vec::new() })
}

fn proof(handle: &Handle, at: usize, planned: &Planned) -> Result<Proof, Error> {
    if planned.repository.starts_with('/') {
        let name = Path::new(&planned.repository).file_name().and_then(|name| name.to_str());
        let target = planned.repository.clone();
        return Ok(Proof {
            change: at,
            file_name: name.ok_or(Error::Target { target })?.to_owned(),
            sha256: None,
            size: None,
            signed: handle.conf.local_file_sig_level.package.verify != Verify::Never,
            grade: Grade::Risk,
            licenses: Vec::new(),
            built_at: None,
        });
    }
    handle.need_repositories()?;
    let package = handle
        .repository(&planned.repository)
        .and_then(|database| database.pkg(planned.name.as_str()).ok())
        .filter(|package| Some(package.version().to_string()) == planned.new_version)
        .ok_or(Error::PlanChanged)?;
    let repository = handle.conf.repositories.iter().find(|it| it.name == planned.repository);
    let verify = repository.map_or(Verify::Required, |it| it.sig_level.package.verify);
    let grade = match (verify == Verify::Required, OFFICIAL.contains(&planned.repository.as_str()))
    {
        (true, true) => Grade::Verified,
        (true, false) => Grade::Community,
        (false, _) => Grade::Risk,
    };
    Ok(Proof {
        change: at,
        file_name: native::file_name(package).ok_or(Error::PlanChanged)?.to_owned(),
        sha256: package.sha256sum().map(str::to_owned),
        // libalpm says 0 where the database has none.
        size: u64::try_from(package.size()).ok().filter(|size| *size > 0),
        // One that is optional is looked at, too, where there is one.
        signed: verify != Verify::Never,
        grade,
        licenses: package.licenses().into_iter().map(str::to_owned).collect(),
        built_at: u64::try_from(package.build_date()).ok().filter(|seconds| *seconds > 0),
    })
}
