//! The whole of an Arch system behind one trait.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use omg_backend::work::{Caller, Searches, blocking};
use omg_backend::{Choice, FetchedLists, Files, Generations, Heard, Known, PackageManager};
use omg_core::{
    Artifact, Change, Code, Details, Fault, Generation, Grade, Installed, Plan, Planned, Sink,
    Source, Wanted,
};
use omg_engine::Engine;
use omg_fetch::Fetcher;

use crate::conf::Conf;
use crate::error::Error;
use crate::files::{self, Database, Lists};
use crate::relation::Relation;
use crate::rules::Rules;
use crate::staging::Staging;
use crate::{choice, desc, details, generation, lists, local, sync, version};

/// Searches through the repositories' lists of files that run at a time; two, so that a short one
/// need not wait for one that reads all of them.
const MOST_SCANS: usize = 2;

/// Searches through the installed packages' lists of files that run at a time.
const MOST_LOOKUPS: usize = 2;

/// What to type for lists of the repositories' files.
const FETCH_FILES: &str = "sudo pacman -Fy";

/// An Arch system below some root directory.
#[derive(Debug, Clone)]
pub struct Alpm {
    inner: Arc<Inner>,
    engine: Option<Engine>,
    max_age_s: Option<u64>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    current: Mutex<Current>,
    /// What is installed, without its text, for questions about files.
    known: Mutex<Option<Names>>,
    lists: files::Cache,
    /// Searches through the repositories' lists of files.
    scans: Searches,
    /// Searches through those of the installed packages.
    lookups: Searches,
    /// What databases say of files.
    staging: Staging,
}

/// The packages of one state of the system.
#[derive(Debug, Clone)]
struct Names {
    state: Generation,
    installed: Arc<Installed>,
}

/// The configuration, and the state of the catalogue that it was read in.
#[derive(Debug, Clone)]
struct Current {
    settings: Arc<Settings>,
    catalogue: Generation,
}

#[derive(Debug)]
struct Settings {
    conf: Conf,
    rules: Rules,
}

impl Alpm {
    /// Reads pacman.conf below `root` and looks for the local database there.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let current = Current::read(root);
        let local = generation::local_dir(&current.settings.conf);
        if !local.is_dir() {
            return Err(Error::NoDatabase { path: local });
        }
        Ok(Self {
            inner: Arc::new(Inner {
                root: root.to_path_buf(),
                current: Mutex::new(current),
                known: Mutex::default(),
                lists: files::Cache::default(),
                scans: Searches::new(MOST_SCANS),
                lookups: Searches::new(MOST_LOOKUPS),
                staging: Staging::default(),
            }),
            engine: None,
            max_age_s: None,
        })
    }

    /// Plans with this engine.
    #[must_use]
    pub fn with_engine(mut self, engine: Engine) -> Self {
        self.engine = Some(engine);
        self
    }
}

impl Alpm {
    /// Refuses databases whose newest package was built longer ago than this. They have no date of
    /// their own, so without it a mirror that stands still is not noticed.
    #[must_use]
    pub fn with_max_age(mut self, seconds: Option<u64>) -> Self {
        self.max_age_s = seconds;
        self
    }
}

impl Current {
    fn read(root: &Path) -> Self {
        let conf = Conf::read(root);
        let catalogue = generation::catalogue(&conf);
        let rules = Rules::of(&conf);
        Self { catalogue, settings: Arc::new(Settings { conf, rules }) }
    }
}

impl Inner {
    fn current(&self) -> Current {
        lock(&self.current).clone()
    }

    fn settings(&self) -> Arc<Settings> {
        self.current().settings
    }

    fn local(&self) -> PathBuf {
        generation::local_dir(&self.settings().conf)
    }

    /// The configuration as it stands, read again if anything moved.
    fn refreshed(&self) -> Current {
        let current = self.current();
        if generation::catalogue(&current.settings.conf) == current.catalogue {
            return current;
        }
        let fresh = Current::read(&self.root);
        *lock(&self.current) = fresh.clone();
        fresh
    }

    fn installed(&self) -> Result<Installed, Error> {
        let settings = self.refreshed().settings;
        local::read(&generation::local_dir(&settings.conf), &settings.rules)
    }

    /// The installed packages without their records, read again only after a change.
    fn names(&self) -> Result<Arc<Installed>, Error> {
        let state = generation::installed(&self.settings().conf);
        if let Some(known) = lock(&self.known).as_ref().filter(|known| known.state == state) {
            return Ok(known.installed.clone());
        }
        let packages = self.installed()?.packages;
        let installed = Arc::new(Installed { packages, ..Installed::default() });
        *lock(&self.known) = Some(Names { state, installed: installed.clone() });
        Ok(installed)
    }

    /// The directory of an installed package. Names that were read before will do as long as the
    /// directory is there: a version has only one.
    fn entry(&self, name: &str) -> Result<(PathBuf, String), Error> {
        let local = self.local();
        let known = lock(&self.known).as_ref().map(|known| known.installed.clone());
        let find = |installed: &Installed| {
            let version = installed.named(name).first().map(|package| package.version.clone())?;
            let dir = local::entry_dir(&local, name, &version)?;
            dir.is_dir().then(|| (local.clone(), version.into_string()))
        };
        if let Some(found) = known.as_deref().and_then(find) {
            return Ok(found);
        }
        find(&*self.names()?).ok_or_else(|| Error::NotInstalled { name: name.to_owned() })
    }

    fn lists(&self) -> Result<Arc<Lists>, Error> {
        self.lists.lists(&self.local())
    }

    fn files(&self, name: &str) -> Result<Vec<String>, Error> {
        let (local, version) = self.entry(name)?;
        files::list(&local, name, &version)
    }

    fn installed_at(&self, name: &str) -> Option<u64> {
        let (local, version) = self.entry(name).ok()?;
        let record = local::record(&local, name, &version).ok()?;
        desc::first(&record, "INSTALLDATE")?.parse().ok()
    }

    /// As `pacman -Qo`: the directories of a path may be links.
    fn owns(&self, path: &str) -> Result<Files, Error> {
        let lists = self.lists()?;
        let mut matches = lists.owners(path);
        if matches.is_empty()
            && let Some(other) = files::resolved(&self.settings().conf.root, path)
        {
            matches = lists.owners(&other);
        }
        Ok(Files { matches, hint: None })
    }

    fn provides(&self, what: &str, caller: &Caller) -> Result<Files, Error> {
        let question = files::Question::new(what, &self.settings().conf.root)?;
        let mut matches = question.installed(&*self.lists()?);
        let databases = self.databases();
        let found = files::owners(&databases, &question, &|| !caller.is_gone());
        for warning in found.warnings {
            tracing::warn!("{warning}");
        }
        let names = self.names()?;
        let own = matches.len();
        for mut candidate in found.items {
            let mut here = matches.iter().take(own);
            if here.any(|known| known.package == candidate.package) {
                continue;
            }
            candidate.installed = !names.named(&candidate.package).is_empty();
            matches.push(candidate);
        }
        matches.sort_by_key(|found| !found.installed);
        let hint = is_missing(&databases).then(|| FETCH_FILES.to_owned());
        Ok(Files { matches, hint })
    }

    fn available_files(&self, name: &str, caller: &Caller) -> Result<Vec<String>, Fault> {
        let found = files::package(&self.databases(), name, &|| !caller.is_gone());
        for warning in &found.warnings {
            tracing::warn!("{warning}");
        }
        found.items.into_iter().next().ok_or_else(|| {
            let message = format!("the files of '{name}' are not known, since it is not installed");
            Fault::new(Code::NotFound, message).hint(FETCH_FILES)
        })
    }

    /// Where the lists of files of each repository are, whether there or not.
    fn databases(&self) -> Vec<Database> {
        let conf = &self.refreshed().settings.conf;
        let repositories = conf.repositories.iter();
        repositories.map(|repository| Database::new(repository.files_database(conf))).collect()
    }

    fn packages<S: Sink>(&self, sink: &mut S) -> Result<(), Fault> {
        let settings = self.refreshed().settings;
        // Each database is replaced by renaming and so is whole; what changes between two of them
        // moves the generation, and they are read again.
        sync::read(&settings.conf, sink)?;
        Ok(())
    }

    fn wanted(&self, plan: &Plan) -> Result<Vec<Wanted>, Fault> {
        let Current { settings, catalogue } = self.refreshed();
        self.staging.wanted(&settings.conf, catalogue, plan)
    }

    fn verify_artifact(&self, planned: &Planned, artifact: &Artifact) -> Result<Grade, Fault> {
        let Current { settings, catalogue } = self.refreshed();
        self.staging.verify(&settings.conf, catalogue, planned, artifact)
    }

    fn verify_archived(&self, artifact: &Artifact) -> Result<Grade, Fault> {
        let settings = self.refreshed().settings;
        Ok(crate::archived::verify(&settings.conf, artifact)?)
    }

    fn generations(&self) -> Generations {
        let current = self.refreshed();
        Generations {
            catalogue: current.catalogue,
            installed: generation::installed(&current.settings.conf),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a catalogue's section says of groups.
fn groups(section: &str) -> impl Iterator<Item = &str> {
    section.split(' ').filter(|group| !group.is_empty())
}

/// Is the list of files of some repository missing?
fn is_missing(databases: &[Database]) -> bool {
    databases.iter().any(|database| !database.is_there())
}

impl PackageManager for Alpm {
    fn source(&self) -> Source {
        Source::Alpm
    }

    async fn generations(&self) -> Result<Generations, Fault> {
        let inner = self.inner.clone();
        blocking("looking for changes", move || Ok(inner.generations())).await
    }

    fn watched(&self) -> Vec<PathBuf> {
        generation::watched(&self.inner.settings().conf)
    }

    fn refreshed_at(&self) -> Option<u64> {
        generation::refreshed_at(&self.inner.settings().conf)
    }

    async fn packages<S: Sink + Send + 'static>(&self, mut sink: S) -> Result<S, Fault> {
        let inner = self.inner.clone();
        blocking("reading the databases", move || {
            inner.packages(&mut sink)?;
            Ok(sink)
        })
        .await
    }

    async fn installed(&self) -> Result<Installed, Fault> {
        let inner = self.inner.clone();
        blocking("reading what is installed", move || Ok(inner.installed()?)).await
    }

    fn choose(&self, known: &Known<'_>) -> Choice {
        let settings = self.inner.settings();
        // As pacman: of the groups of both versions, the installed one and the offered one.
        let ignored = || known.held || settings.rules.ignores(known.name, groups(known.section));
        choice::choose(&settings.conf, known, ignored)
    }

    fn details<'a>(&self, _: Source, record: &'a str) -> Details<'a> {
        details::read(record)
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        version::compare(a, b)
    }

    async fn plan(&self, change: &Change) -> Result<Plan, Fault> {
        let Some(engine) = &self.engine else {
            return Err(Fault::new(Code::Engine, "no engine was given that could plan"));
        };
        // Asked now, because the view may be a moment behind.
        let generations = self.generations().await?;
        engine.plan(generations.combined(), change).await
    }

    async fn wanted(&self, plan: &Plan) -> Result<Vec<Wanted>, Fault> {
        let inner = self.inner.clone();
        let plan = plan.clone();
        blocking("looking for the files of a plan", move || inner.wanted(&plan)).await
    }

    async fn verify_artifact(
        &self,
        planned: &Planned,
        artifact: &Artifact,
    ) -> Result<Grade, Fault> {
        let (inner, planned, artifact) = (self.inner.clone(), planned.clone(), artifact.clone());
        blocking("verifying a file", move || inner.verify_artifact(&planned, &artifact)).await
    }

    async fn verify_archived(&self, artifact: &Artifact) -> Result<Grade, Fault> {
        let (inner, artifact) = (self.inner.clone(), artifact.clone());
        blocking("verifying a file", move || inner.verify_archived(&artifact)).await
    }

    async fn fetch_lists(
        &self,
        fetcher: &Fetcher,
        into: &Path,
        heard: Heard<'_>,
    ) -> Result<FetchedLists, Fault> {
        lists::fetch::fetch(&self.inner.root, self.max_age_s, fetcher, into, heard).await
    }

    fn alternatives<'a>(&self, item: &'a str) -> Vec<&'a str> {
        vec![Relation::parse(item).name]
    }

    async fn files(&self, name: &str, _: &str) -> Result<Vec<String>, Fault> {
        let (inner, name) = (self.inner.clone(), name.to_owned());
        blocking("listing files", move || Ok(inner.files(&name)?)).await
    }

    fn installed_at(&self, name: &str, _: &str) -> Option<u64> {
        self.inner.installed_at(name)
    }

    async fn owns(&self, path: &str) -> Result<Files, Fault> {
        let (inner, path) = (self.inner.clone(), path.to_owned());
        let search = move |_: &Caller| Ok(inner.owns(&path)?);
        self.inner.lookups.run("looking for the owner of a file", search).await
    }

    async fn provides(&self, what: &str) -> Result<Files, Fault> {
        let (inner, what) = (self.inner.clone(), what.to_owned());
        let search = move |caller: &Caller| Ok(inner.provides(&what, caller)?);
        self.inner.scans.run("looking for packages with a file", search).await
    }

    async fn available_files(&self, name: &str) -> Result<Vec<String>, Fault> {
        let (inner, name) = (self.inner.clone(), name.to_owned());
        let search = move |caller: &Caller| inner.available_files(&name, caller);
        self.inner.scans.run("listing files of the repositories", search).await
    }
}
