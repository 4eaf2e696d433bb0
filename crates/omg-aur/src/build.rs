//! Building recipes of the AUR.
//!
//! A recipe is code that a stranger wrote. It is run in three stages, of which only the last runs it:
//!
//! 1. *fetch*: what `.SRCINFO` names as sources comes here; with the network, without the recipe's code.
//! 2. *verify*: every checksum and signature that the recipe has for them.
//! 3. *build*: makepkg, with neither network, home, agents nor sockets, as a user who is not root, in a
//!    [sandbox](omg_sandbox) with limits for time, memory, processes and disk.
//!
//! What comes out is [read](archive) as if it were an attack before it is handed on.

mod age;
pub mod archive;
mod checkout;
mod collect;
mod error;
mod fetch;
mod makepkg;
mod resume;
mod source;
mod sums;
mod verify;
mod workspace;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use omg_core::{Artifact, Fault, Grade, Phase, Progress};
use omg_sandbox::{Confinement, Standing};
use omg_verify::openpgp::Keyring;

use crate::backoff::{Clock, system_clock};
use crate::recipes::git::private_directory;
use crate::recipes::{CommitId, Files, PackageBase, Recipes};
use crate::srcinfo::{Field, Srcinfo};

use age::{Dates, Seen};
use archive::ArchiveLimits;
use collect::{Expected, collect};
use fetch::{Fetching, Repositories};
use resume::{Kept, Ledger};
use verify::{Checked, Verifying};
use workspace::Workspace;

pub use collect::Product;
pub use error::BuildError;
pub use fetch::{Downloader, Web};
pub use resume::Resumable;
pub use source::{Place, Reference, Source, sources};
pub use sums::{Sum, SumKind};

/// Somebody who is told how far it is.
pub type Heard<'a> = dyn Fn(Progress) + Sync + 'a;

/// Directories below a workspace: the recipe, its sources, makepkg's own, and the packages.
const RECIPE: &str = "recipe";
const SOURCES: &str = "sources";
const WORK: &str = "work";
const OUT: &str = "out";

/// One recipe to build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// The recipe.
    pub base: PackageBase,
    /// The commit that was reviewed, and nothing newer.
    pub commit: CommitId,
    /// Other recipes of the same run that have to be built first.
    pub needs: Vec<PackageBase>,
    /// When the AUR says that it was changed, seconds since the epoch; 0 if it does not say.
    pub changed: u64,
    /// It may be younger than others.
    pub may_be_young: bool,
}

/// What a recipe became.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Built {
    /// The packages.
    pub artifacts: Vec<Artifact>,
    /// What was found in them; nothing for those that were built before.
    pub products: Vec<Product>,
    /// What should be known, one line each.
    pub warnings: Vec<String>,
    /// They were there already.
    pub resumed: bool,
}

/// How recipes are built here.
#[derive(Clone)]
pub struct Options {
    /// The architecture: `x86_64`.
    pub architecture: String,
    /// Run the recipe's own tests.
    pub check: bool,
    /// How long a commit has to have been out.
    pub min_age: Duration,
    /// Bytes of all sources of one recipe.
    pub source_bytes: u64,
    /// Limits of a package.
    pub archive: ArchiveLimits,
    /// Keys of the user by which sources may be signed, besides those that a recipe brings.
    pub keys: Keyring,
    /// Sources may come from this machine, for tests.
    pub local_sources: bool,
    /// The time.
    pub clock: Clock,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("architecture", &self.architecture)
            .field("check", &self.check)
            .field("min_age", &self.min_age)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            architecture: std::env::consts::ARCH.to_owned(),
            check: true,
            min_age: Duration::from_hours(72),
            source_bytes: 16 << 30,
            archive: ArchiveLimits::default(),
            keys: Keyring::default(),
            local_sources: false,
            clock: system_clock(),
        }
    }
}

/// Builds recipes, one after the other.
pub struct Builder<'a> {
    recipes: &'a Recipes,
    confinement: Confinement,
    downloader: &'a dyn Downloader,
    repositories: Repositories,
    directory: PathBuf,
    options: Options,
}

impl<'a> Builder<'a> {
    /// A builder that keeps sources, packages and logs below `directory`, which is made if it is not there.
    ///
    /// # Errors
    /// If the directory can't be made.
    pub fn new(
        recipes: &'a Recipes,
        confinement: Confinement,
        downloader: &'a dyn Downloader,
        directory: &Path,
        options: Options,
    ) -> Result<Self, BuildError> {
        let is_root = rustix::process::geteuid().is_root();
        if let Some(above) = directory.parent().filter(|_| is_root) {
            workspace::open_to_all(above)?;
        }
        for part in ["", "kept", "git", "artifacts", "logs", "work"] {
            private_directory(&directory.join(part))?;
        }
        // Whoever builds for root has to get through to his workspace, and sees nothing on his way.
        if is_root {
            workspace::let_through(directory)?;
            workspace::let_through(&directory.join("work"))?;
        }
        let repositories = Repositories::new(&directory.join("git"), options.source_bytes)?;
        let directory = directory.to_path_buf();
        Ok(Self { recipes, confinement, downloader, repositories, directory, options })
    }

    /// Does the sandbox work here?
    ///
    /// # Errors
    /// If it does not; then nothing can be built.
    pub fn check(&self) -> Result<Standing, BuildError> {
        let workspace = Workspace::new(&self.directory.join("work"), "check")?;
        workspace.give(self.confinement.identity())?;
        Ok(self.confinement.check(workspace.inner())?)
    }

    /// What was built and what failed before.
    pub fn resumable(&self) -> Vec<Resumable> {
        Ledger::new(&self.directory).read()
    }

    /// Builds recipes in the given order, in which what is needed comes first. One that fails takes with it
    /// those that need it, and no others. The answers are in the order of the jobs.
    ///
    /// What one recipe makes is not there while the next is built: where a recipe needs another's package to
    /// build, that has to be installed in between.
    pub fn build_all(
        &self,
        jobs: &[Job],
        cancel: Option<&AtomicBool>,
        heard: &Heard<'_>,
    ) -> Vec<Result<Built, Fault>> {
        let items = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        heard(Progress::Phase { phase: Phase::Build, items });
        let mut failed: HashSet<&PackageBase> = HashSet::new();
        jobs.iter()
            .map(|job| {
                let missing = job.needs.iter().find(|base| failed.contains(base));
                let result = match missing {
                    Some(base) => Err(BuildError::Needs { needed: base.to_string() }),
                    None => self.build(job, cancel, heard),
                };
                result.map_err(|error| {
                    failed.insert(&job.base);
                    error.fault()
                })
            })
            .collect()
    }

    /// Builds one recipe, unless its packages are there from an earlier build of the same commit. It blocks.
    ///
    /// # Errors
    /// If a source is not what it must be, the build fails or can't be confined, or what it makes is refused.
    pub fn build(
        &self,
        job: &Job,
        cancel: Option<&AtomicBool>,
        heard: &Heard<'_>,
    ) -> Result<Built, BuildError> {
        let _lock = self.lock(&job.base)?;
        let ledger = Ledger::new(&self.directory);
        if let Some(artifacts) = ledger.built(&job.base, &job.commit) {
            let (products, warnings) = (Vec::new(), Vec::new());
            return Ok(Built { artifacts, products, warnings, resumed: true });
        }
        let built = self.afresh(job, cancel, heard);
        let (failed, packages) = match &built {
            Ok(built) => (None, built.artifacts.iter().map(Kept::of).collect()),
            Err(error) => (Some(error.to_string()), Vec::new()),
        };
        ledger.note(Resumable {
            base: job.base.to_string(),
            commit: job.commit.to_string(),
            at: (self.options.clock)(),
            failed,
            packages,
        })?;
        built
    }

    /// Two builds of one recipe, by whatever process, follow each other.
    fn lock(&self, base: &PackageBase) -> Result<fs::File, BuildError> {
        let path = self.directory.join("work").join(format!("{base}.lock"));
        let wrong = |error| BuildError::io(&path, "waiting for another build", error);
        let file = fs::File::create(&path).map_err(wrong)?;
        file.lock().map_err(wrong)?;
        Ok(file)
    }

    fn afresh(
        &self,
        job: &Job,
        cancel: Option<&AtomicBool>,
        heard: &Heard<'_>,
    ) -> Result<Built, BuildError> {
        let committed = self.old_enough(job)?;
        let files = self.recipes.read(&job.base, &job.commit)?;
        let srcinfo = self.srcinfo(job, &files)?;
        let sources = source::sources(&srcinfo, &self.options.architecture)?;
        let workspace = Workspace::new(&self.directory.join("work"), job.base.as_str())?;
        for part in [RECIPE, SOURCES, WORK, OUT] {
            workspace.make(part)?;
        }
        let step = |what: &str| {
            heard(Progress::Step { percent: 0, what: format!("{what} {}", job.base) });
        };
        step("fetching the sources of");
        let fetching = Fetching {
            downloader: self.downloader,
            repositories: &self.repositories,
            kept: self.directory.join("kept"),
            limit: self.options.source_bytes,
            local: self.options.local_sources,
        };
        fetching.fetch(&sources, &files, &workspace.path(SOURCES), heard)?;
        step("verifying the sources of");
        checkout::write(&files, &workspace.path(RECIPE))?;
        let checked = self.verify(&sources, &files, &srcinfo, &workspace)?;
        step("building");
        workspace.give(self.confinement.identity())?;
        omg_failpoint::reach!("build.run.before");
        makepkg::Run {
            confinement: &self.confinement,
            base: job.base.as_str(),
            around: workspace.outer(),
            workspace: workspace.inner(),
            log: &self.directory.join("logs").join(format!("{}.log", job.base)),
            architecture: &self.options.architecture,
            date: committed,
            check: self.options.check,
        }
        .run(cancel, heard)?;
        step("looking at the packages of");
        self.take(job, &srcinfo, &sources, &workspace, checked)
    }

    /// The date of the commit, if it has been out for long enough.
    fn old_enough(&self, job: &Job) -> Result<u64, BuildError> {
        let now = (self.options.clock)();
        let log = self.recipes.log(&job.base, &job.commit, 1)?;
        let committed = log.first().map_or(0, |entry| entry.time);
        let seen = Seen::new(&self.directory).note(&job.base, &job.commit, now)?;
        if !job.may_be_young {
            let dates = Dates { committed, pushed: job.changed, seen };
            age::check(dates, now, self.options.min_age)?;
        }
        Ok(committed)
    }

    fn srcinfo(&self, job: &Job, files: &Files) -> Result<Srcinfo, BuildError> {
        let missing = |name: &str| BuildError::unfit(format!("it has no plain file {name}"));
        let text = files.text(".SRCINFO").ok_or_else(|| missing(".SRCINFO"))?;
        files.text("PKGBUILD").ok_or_else(|| missing("PKGBUILD"))?;
        let srcinfo = Srcinfo::parse(&format!("{}/.SRCINFO", job.base), text.as_bytes())?;
        if srcinfo.base() != job.base.as_str() {
            return Err(BuildError::unfit(format!("it is the recipe of '{}'", srcinfo.base())));
        }
        let known = srcinfo.list(Field::Architecture, None);
        if !known.iter().any(|it| **it == *"any" || **it == *self.options.architecture) {
            let reason = format!("it is not for {}", self.options.architecture);
            return Err(BuildError::unfit(reason));
        }
        Ok(srcinfo)
    }

    fn verify(
        &self,
        sources: &[Source],
        recipe: &Files,
        srcinfo: &Srcinfo,
        workspace: &Workspace,
    ) -> Result<Checked, BuildError> {
        let verifying = Verifying {
            sources,
            recipe,
            repositories: &self.repositories,
            fetched: &workspace.path(SOURCES),
            checkout: &workspace.path(RECIPE),
            keys: &self.options.keys,
        };
        verifying.verify(srcinfo)
    }

    fn take(
        &self,
        job: &Job,
        srcinfo: &Srcinfo,
        sources: &[Source],
        workspace: &Workspace,
        checked: Checked,
    ) -> Result<Built, BuildError> {
        let counted = sources.iter().any(|it| matches!(it.place, Place::Git { .. }));
        let expected = Expected {
            base: job.base.to_string(),
            packages: srcinfo.packages().map(str::to_owned).collect(),
            version: (!counted).then(|| srcinfo.version()),
            architecture: self.options.architecture.clone(),
            grade: checked.grade.min(Grade::Community),
        };
        let into = self.directory.join("artifacts").join(job.base.as_str());
        // Of another commit; a file of it may be called the same.
        let _none = fs::remove_dir_all(&into);
        private_directory(&into)?;
        let products = collect(workspace.inner(), OUT, &into, &expected, &self.options.archive)?;
        let artifacts = products.iter().map(|product| product.artifact.clone()).collect();
        Ok(Built { artifacts, products, warnings: checked.warnings, resumed: false })
    }
}
