//! Changing the system: libapt, dpkg and their locks, for `omg-commit`.

mod cache;
mod dpkg;
mod error;
mod known;
mod locks;
mod marks;
mod output;
mod proofs;
mod recover;
mod status;
mod transaction;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use omg_backend_dpkg::apt::Conf;
use omg_backend_dpkg::lists;
use omg_commit::{Commission, Committer, Proof, Report};
use omg_core::{Change, Code, Fault, Notice, Plan, Planned};

use crate::apt::Apt;
use crate::describe::digest;
use crate::select::is_file;
use crate::settings::Purpose;
use dpkg::Dpkg;
use error::Error;
use locks::Locks;
use status::{Entry, Status};
use transaction::Place;

/// libapt as root, with all its locks.
pub struct AptCommitter {
    root: PathBuf,
    conf: Conf,
    // Goes before the locks: fields are dropped in the order in which they are declared.
    apt: Option<Marked>,
    /// SHA-256 of the package files that the change names.
    named: Vec<String>,
    locks: Locks,
}

/// libapt's cache with the marks of a plan.
struct Marked {
    apt: Apt,
    /// Digest of that plan.
    digest: String,
}

impl Committer for AptCommitter {
    fn open(root: &Path, patience: Duration, report: &dyn Report) -> Result<Self, Fault> {
        let conf = Conf::read(root);
        let locks = Locks::take(&paths(&conf), patience, report)?;
        Ok(Self { root: root.to_path_buf(), conf, apt: None, named: Vec::new(), locks })
    }

    fn interrupted(&mut self) -> Result<Vec<String>, Fault> {
        let mut lines = self.status()?.unfinished()?;
        if lists::interrupted(&self.root) {
            lines.push("lists were being put into place".to_owned());
        }
        Ok(lines)
    }

    fn plan(&mut self, change: &Change) -> Result<Plan, Fault> {
        // Two caches at a time are more than libapt bears.
        self.apt = None;
        let mut apt = Apt::open_for(&self.root, Purpose::Commit)?;
        let plan = apt.planned(change)?;
        let files = change.targets.iter().filter(|target| is_file(target));
        self.named = files.map(|path| digest(path)).collect::<Result<_, _>>()?;
        self.apt = Some(Marked { apt, digest: plan.digest() });
        Ok(plan)
    }

    fn proofs(&mut self, plan: &Plan) -> Result<Vec<Proof>, Fault> {
        proofs::proofs(&self.root, plan, Some(&self.named))
    }

    /// Archives of Debian carry no signatures of their own: their digests are in signed lists.
    fn check_signature(
        &mut self,
        proof: &Proof,
        _: &Planned,
        _: &File,
        _: Option<&[u8]>,
    ) -> Result<(), Fault> {
        let message = format!("{} can't be signed by itself", proof.file_name);
        Err(Fault::new(Code::Signature, message))
    }

    fn apply(
        &mut self,
        commission: &Commission<'_>,
        report: &dyn Report,
    ) -> Result<Vec<Notice>, Fault> {
        let Some(Marked { apt, digest }) = self.apt.take() else { return Err(unplanned()) };
        if digest != commission.plan.digest() {
            return Err(unplanned());
        }
        if commission.plan.changes.is_empty() {
            marks::set(&paths(&self.conf).marks, &apt.automatic())?;
            return Ok(Vec::new());
        }
        let cache = apt.into_cache().ok_or_else(unplanned)?;
        let paths = paths(&self.conf);
        let place = Place { root: &self.root, archives: &paths.archives, dpkg: &paths.dpkg };
        let notices = transaction::run(cache, &place, commission, &mut self.locks, report)?;
        Ok(notices)
    }

    fn carried_out(&mut self, plan: &Plan) -> Result<Vec<usize>, Fault> {
        Ok(self.status()?.carried_out(plan))
    }

    fn automatic(&mut self, plan: &Plan) -> Result<Vec<(usize, bool)>, Fault> {
        let marked = marks::automatic(&paths(&self.conf).marks)?;
        let changes = plan.changes.iter().enumerate();
        let here = changes.filter(|(_, planned)| planned.old_version.is_some());
        let mark = |(at, planned): (usize, &Planned)| {
            (at, marked.contains(&(planned.name.clone(), self.native(&planned.architecture))))
        };
        Ok(here.map(mark).collect())
    }

    fn mark(&mut self, packages: &[String], automatic: bool) -> Result<Vec<String>, Fault> {
        let status = self.status()?;
        let mut wanted = BTreeMap::new();
        for package in packages {
            let entry = status.installed(package, self.conf.architecture())?;
            wanted.insert((entry.name.clone(), self.architecture(entry)), automatic);
        }
        let changed = marks::set(&paths(&self.conf).marks, &wanted)?;
        Ok(changed.iter().map(|(name, architecture)| self.pretty(name, architecture)).collect())
    }

    fn hold(&mut self, packages: &[String], hold: bool) -> Result<Vec<String>, Fault> {
        let status = self.status()?;
        let mut lines = String::new();
        let mut changed = Vec::new();
        for package in packages {
            let entry = status.installed(package, self.conf.architecture())?;
            if (entry.want == "hold") != hold {
                let selection = if hold { "hold" } else { "install" };
                lines.extend([entry.full_name().as_str(), " ", selection, "\n"]);
                changed.push(self.pretty(&entry.name, &self.architecture(entry)));
            }
        }
        if !lines.is_empty() {
            self.locks.lend();
            Dpkg::new(&self.root).select(&lines)?;
        }
        Ok(changed)
    }

    fn lists(&mut self, directory: &Path, _: &dyn Report) -> Result<Vec<String>, Fault> {
        lists::install(&self.root, directory)
    }

    fn recover(&mut self, report: &dyn Report) -> Result<Vec<String>, Fault> {
        self.apt = None;
        let mut done = lists::recover(&self.root)?;
        done.extend(recover::recover(self, report)?);
        Ok(done)
    }

    fn clean(&mut self, all: bool) -> Result<(u64, u64), Fault> {
        Ok(cache::clean(&paths(&self.conf).archives, &self.status()?, all)?)
    }
}

impl AptCommitter {
    fn status(&self) -> Result<Status, Error> {
        Status::read(&self.conf.file("Dir::State::status"))
    }

    /// libapt has packages for all architectures as packages of the native one.
    fn architecture(&self, entry: &Entry) -> String {
        self.native(&entry.architecture)
    }

    fn native(&self, architecture: &str) -> String {
        match architecture {
            "all" => self.conf.architecture().to_owned(),
            other => other.to_owned(),
        }
    }

    fn pretty(&self, name: &str, architecture: &str) -> String {
        if architecture == self.conf.architecture() {
            name.to_owned()
        } else {
            format!("{name}:{architecture}")
        }
    }
}

/// Files and directories of apt and dpkg.
struct Paths {
    /// dpkg's database.
    dpkg: PathBuf,
    /// apt's cache of archives.
    archives: PathBuf,
    /// Which packages are there for others.
    marks: PathBuf,
}

fn paths(conf: &Conf) -> Paths {
    let status = conf.file("Dir::State::status");
    let archives = match conf.get("Dir::Cache::archives") {
        Some(_) => conf.dir("Dir::Cache::archives"),
        None => conf.dir("Dir::Cache").join("archives"),
    };
    Paths {
        dpkg: status.parent().unwrap_or(Path::new("/var/lib/dpkg")).to_path_buf(),
        archives,
        marks: conf.file("Dir::State::extended_states"),
    }
}

fn unplanned() -> Fault {
    Fault::new(Code::Internal, "no plan is marked in libapt's cache")
}
