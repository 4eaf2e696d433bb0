//! The whole of a Debian system behind one trait.

use std::cmp::Ordering;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::AHashMap;
use omg_backend::work::{Caller, Searches, blocking};
use omg_backend::{Choice, FetchedLists, Files, Generations, Heard, Known, PackageManager};
use omg_core::{
    Artifact, Change, Code, Details, Fault, Generation, Grade, Installed, InstalledPackage,
    PackageState, Plan, Planned, Sink, Source, Wanted,
};
use omg_engine::Engine;
use omg_fetch::Fetcher;

use crate::apt::arena::Arena;
use crate::apt::catalogue::Catalogue;
use crate::apt::settings::{self, Settings};
use crate::apt::{contents, generation};
use crate::deb822::Block;
use crate::error::Error;
use crate::files::Lists;
use crate::staging::Staging;
use crate::{details, files, lists, relation, status, version};

/// How often a catalogue is read anew because something changed meanwhile.
const ATTEMPTS: u32 = 3;

/// Searches through the archive's lists of files that run at a time. Each uses every core; two, so
/// that a short one need not wait for one that reads all of them.
const MOST_SCANS: usize = 2;

/// Searches through the installed packages' lists of files that run at a time.
const MOST_LOOKUPS: usize = 2;

/// A Debian system below some root directory.
#[derive(Debug, Clone)]
pub struct Dpkg {
    inner: Arc<Inner>,
    engine: Option<Engine>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    current: Mutex<Current>,
    /// What is installed, without its text, for questions about files.
    known: Mutex<Option<Names>>,
    lists: files::Cache,
    /// Searches through the archive's lists of files.
    scans: Searches,
    /// Searches through those of the installed packages.
    lookups: Searches,
    /// Source packages by binary package; filled only while a pin asks for them.
    sources: Mutex<AHashMap<Box<str>, Box<str>>>,
    /// Who vouches for the lists, and where versions are.
    staging: Staging,
}

/// The packages of one state of the system.
#[derive(Debug, Clone)]
struct Names {
    state: Generation,
    installed: Arc<Installed>,
}

/// Settings, and the state of the catalogue that they were read from.
#[derive(Debug, Clone)]
struct Current {
    settings: Arc<Settings>,
    catalogue: Generation,
}

impl Dpkg {
    /// Looks for dpkg's database below `root` and reads apt's settings there.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let current = Current::read(root);
        let status = current.settings.conf.file("Dir::State::status");
        if !status.is_file()
            && !generation::dpkg_dir(&current.settings.conf).join("status.d").is_dir()
        {
            return Err(Error::NoDatabase { path: status });
        }
        Ok(Self {
            inner: Arc::new(Inner {
                root: root.to_path_buf(),
                current: Mutex::new(current),
                known: Mutex::default(),
                lists: files::Cache::default(),
                scans: Searches::new(MOST_SCANS),
                lookups: Searches::new(MOST_LOOKUPS),
                sources: Mutex::default(),
                staging: Staging::default(),
            }),
            engine: None,
        })
    }

    /// Plans with this engine.
    #[must_use]
    pub fn with_engine(mut self, engine: Engine) -> Self {
        self.engine = Some(engine);
        self
    }
}

impl Current {
    fn read(root: &Path) -> Self {
        let settings = Settings::read(root);
        Self { catalogue: generation::catalogue(&settings.conf), settings: Arc::new(settings) }
    }
}

impl Inner {
    fn current(&self) -> Current {
        lock(&self.current).clone()
    }

    fn settings(&self) -> Arc<Settings> {
        self.current().settings
    }

    /// The settings as they stand, read again if anything moved.
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
        let installed = status::read(&settings::installed(&settings.conf))?;
        if settings.policy.needs_source() {
            *lock(&self.sources) = sources(&installed);
        }
        Ok(installed)
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

    fn admin(&self) -> PathBuf {
        generation::dpkg_dir(&self.settings().conf)
    }

    /// The paths of all installed packages. Images without dpkg have no lists of them.
    fn lists(&self, installed: &Installed) -> Result<Arc<Lists>, Error> {
        match self.lists.lists(&self.admin(), installed) {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(Arc::default())
            }
            other => other,
        }
    }

    /// Paths of an installed package. As for dpkg, one whose list is missing has none.
    fn files(&self, name: &str, architecture: &str) -> Result<Vec<String>, Error> {
        match files::list(&self.admin(), name, architecture) {
            Err(error @ Error::NotInstalled { .. }) => {
                let names = self.names()?;
                let mut present = names.named(name).iter().filter(|package| is_present(package));
                present.next().map(|_| Vec::new()).ok_or(error)
            }
            other => other,
        }
    }

    fn owns(&self, path: &str) -> Result<Files, Error> {
        let lists = self.lists(&*self.names()?)?;
        Ok(Files { matches: lists.owners(path), hint: None })
    }

    fn provides(&self, what: &str, caller: &Caller) -> Result<Files, Error> {
        let what = question(what)?;
        let names = self.names()?;
        let lists = self.lists(&names)?;
        let mut matches =
            if what.contains('/') { lists.owners(&what) } else { lists.commands(&what) };
        if matches.is_empty()
            && let Some(target) = alternative(&self.root, &what)
        {
            matches = lists.owners(&target);
        }
        let settings = self.refreshed().settings;
        let found = contents::owners(&settings.contents, &what, &|| !caller.is_gone());
        for warning in found.warnings {
            tracing::warn!("{warning}");
        }
        let own = matches.len();
        for mut candidate in found.items {
            let here = matches.iter().take(own);
            if here.clone().any(|known| known.package == candidate.package) {
                continue;
            }
            candidate.installed = names.named(&candidate.package).iter().any(is_present);
            matches.push(candidate);
        }
        matches.sort_by_key(|found| !found.installed);
        Ok(Files { matches, hint: contents_hint(&settings) })
    }

    fn available_files(&self, name: &str, caller: &Caller) -> Result<Vec<String>, Fault> {
        let settings = self.refreshed().settings;
        if let Some(hint) = contents_hint(&settings) {
            let fault = Fault::new(
                Code::NotFound,
                format!("the files of '{name}' are not known, since it is not installed"),
            );
            return Err(fault.hint(hint));
        }
        let found = contents::paths(&settings.contents, name, &|| !caller.is_gone());
        for warning in found.warnings {
            tracing::warn!("{warning}");
        }
        Ok(found.items)
    }

    /// Streams the lists of one state. While `apt-get update` replaces them one by one, they are
    /// read again; each by itself is whole in any case.
    fn packages<S: Sink>(&self, sink: &mut S) -> Result<(), Fault> {
        for attempt in 1..=ATTEMPTS {
            let arena = Arena::new();
            let Current { settings, catalogue } = self.refreshed();
            let read = Catalogue::read(&settings, &arena);
            if attempt == ATTEMPTS || generation::catalogue(&settings.conf) == catalogue {
                return read.emit(sink);
            }
        }
        Ok(())
    }

    fn wanted(&self, plan: &Plan) -> Result<Vec<Wanted>, Fault> {
        let Current { settings, catalogue } = self.refreshed();
        self.staging.wanted(&settings, catalogue, plan)
    }

    fn verify_artifact(&self, planned: &Planned, artifact: &Artifact) -> Result<Grade, Fault> {
        let Current { settings, catalogue } = self.refreshed();
        self.staging.verify(&settings, catalogue, planned, artifact)
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

fn is_present(package: &InstalledPackage) -> bool {
    package.state != PackageState::ConfigFiles
}

/// Source packages of binary packages, where they differ.
fn sources(installed: &Installed) -> AHashMap<Box<str>, Box<str>> {
    let source = |record: &str| -> Option<Box<str>> {
        let value = Block { text: record, offset: 0 }.get("Source")?;
        value.split([' ', '(']).next().filter(|name| !name.is_empty()).map(Into::into)
    };
    let all = installed.present();
    all.filter_map(|package| Some((package.name.clone(), source(installed.record(package))?)))
        .collect()
}

/// A path with its leading slash, or the name of a command.
fn question(what: &str) -> Result<String, Error> {
    let what = what.trim();
    if what.trim_matches('/').is_empty() || what.contains('\n') {
        return Err(Error::Pattern { reason: format!("'{what}' is neither a path nor a command") });
    }
    Ok(if what.contains('/') && !what.starts_with('/') {
        format!("/{what}")
    } else {
        what.to_owned()
    })
}

/// What a command that is managed by update-alternatives stands for: `/usr/bin/vim.basic` for
/// `vim`. No package owns the links.
fn alternative(root: &Path, what: &str) -> Option<String> {
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    let link = |path: &str| Some(std::fs::read_link(below(path)).ok()?.to_str()?.to_owned());
    let paths = if what.contains('/') {
        vec![what.to_owned()]
    } else {
        ["/usr/bin", "/usr/sbin", "/usr/games"].map(|dir| format!("{dir}/{what}")).to_vec()
    };
    let alternatives = paths
        .iter()
        .filter_map(|path| link(path))
        .find(|to| to.starts_with("/etc/alternatives/"))?;
    link(&alternatives)
}

/// What would let us answer for packages that are not installed.
fn contents_hint(settings: &Settings) -> Option<String> {
    if !settings.contents.is_empty() {
        return None;
    }
    let configured = settings
        .conf
        .keys("Acquire::IndexTargets::deb")
        .iter()
        .any(|name| name.starts_with("Contents-deb"));
    Some(if configured {
        "sudo apt-get update".into()
    } else {
        "sudo apt-get install apt-file && sudo apt-get update".into()
    })
}

impl PackageManager for Dpkg {
    fn source(&self) -> Source {
        Source::Apt
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
        blocking("reading the lists", move || {
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
        if !settings.policy.needs_source() {
            return settings.policy.choose(known, known.name);
        }
        let sources = lock(&self.inner.sources);
        settings.policy.choose(known, sources.get(known.name).map_or(known.name, |source| source))
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

    async fn fetch_lists(
        &self,
        fetcher: &Fetcher,
        into: &Path,
        heard: Heard<'_>,
    ) -> Result<FetchedLists, Fault> {
        lists::fetch::fetch(&self.inner.root, lists::locale(), fetcher, into, heard).await
    }

    fn alternatives<'a>(&self, item: &'a str) -> Vec<&'a str> {
        relation::names(item).collect()
    }

    async fn files(&self, name: &str, architecture: &str) -> Result<Vec<String>, Fault> {
        let (inner, name, architecture) =
            (self.inner.clone(), name.to_owned(), architecture.to_owned());
        blocking("listing files", move || Ok(inner.files(&name, &architecture)?)).await
    }

    fn installed_at(&self, name: &str, architecture: &str) -> Option<u64> {
        files::installed_at(&self.inner.admin(), name, architecture)
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
        self.inner.scans.run("listing files of the archive", search).await
    }
}
