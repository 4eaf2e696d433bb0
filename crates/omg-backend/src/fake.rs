//! A package manager in memory: packages, faults, delays and changes at a test's command.
//!
//! Records are `Field: value` lines. Versions are compared number by number.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use omg_core::{
    Artifact, Build, Change, Code, Details, Fault, FileMatch, FileOrigin, Generation, Grade,
    Installed, Plan, PlanOptions, Planned, Repository, Sink, Source, Wanted,
};

use omg_fetch::Fetcher;

use crate::{Choice, FetchedLists, Files, Generations, Heard, Known, PackageManager};

mod plan;
mod record;
mod staged;
mod system;

pub use staged::FakeArchive;

/// The operations that can be counted, failed and held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each names the operation of the same name")]
pub enum Operation {
    Generations,
    Packages,
    Installed,
    Details,
    Files,
    Owns,
    Provides,
    AvailableFiles,
    Plan,
    Wanted,
    VerifyArtifact,
    FetchLists,
    Build,
}

/// A package of the fake's only repository, `fake/main`, or of `fake-security/main`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FakePackage {
    /// Name.
    pub name: String,
    /// Versions with "does it come from the security repository?", newest first. Empty for one that
    /// is only installed.
    pub versions: Vec<(String, bool)>,
    /// One line.
    pub description: String,
    /// Items of its dependency field.
    pub depends: Vec<String>,
    /// Virtual packages.
    pub provides: Vec<String>,
    /// Absolute paths.
    pub files: Vec<String>,
    /// Installed version.
    pub installed: Option<String>,
    /// Installed because another needed it.
    pub automatic: bool,
    /// Its archive; none can be had of a package without one.
    pub archive: Option<FakeArchive>,
    /// It is no package but a recipe, from which one is built.
    pub recipe: bool,
}

impl FakePackage {
    /// A package of one version, not installed.
    pub fn new(name: &str, version: &str, description: &str) -> Self {
        Self {
            name: name.into(),
            versions: vec![(version.into(), false)],
            description: description.into(),
            ..Self::default()
        }
    }

    /// Installs the version.
    #[must_use]
    pub fn installed(mut self, version: &str, automatic: bool) -> Self {
        self.installed = Some(version.into());
        self.automatic = automatic;
        self
    }

    /// Adds dependencies.
    #[must_use]
    pub fn depends(mut self, items: &[&str]) -> Self {
        self.depends.extend(items.iter().map(ToString::to_string));
        self
    }

    /// Adds virtual packages.
    #[must_use]
    pub fn provides(mut self, names: &[&str]) -> Self {
        self.provides.extend(names.iter().map(ToString::to_string));
        self
    }

    /// Adds files.
    #[must_use]
    pub fn files(mut self, paths: &[&str]) -> Self {
        self.files.extend(paths.iter().map(ToString::to_string));
        self
    }

    /// Has an archive to be fetched.
    #[must_use]
    pub fn archive(mut self, archive: FakeArchive) -> Self {
        self.archive = Some(archive);
        self
    }

    /// Makes a recipe of it.
    #[must_use]
    pub fn recipe(mut self) -> Self {
        self.recipe = true;
        self
    }

    fn version(&self) -> &str {
        self.versions
            .first()
            .map_or_else(|| self.installed.as_deref().unwrap_or(""), |(version, _)| version)
    }
}

/// The fake. Clones share their state.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    packages: BTreeMap<String, FakePackage>,
    generations: (u64, u64),
    calls: BTreeMap<Operation, usize>,
    failing: BTreeMap<Operation, Fault>,
    panicking: Option<Operation>,
    held: BTreeMap<Operation, Vec<Waker>>,
    watched: Option<PathBuf>,
    built: Option<PathBuf>,
    broken: BTreeSet<String>,
    under_way: usize,
}

// === impl Fake ===

impl Fake {
    /// A manager of these packages.
    pub fn new(packages: impl IntoIterator<Item = FakePackage>) -> Self {
        let packages =
            packages.into_iter().map(|package| (package.name.clone(), package)).collect();
        Self(Arc::new(Mutex::new(State { packages, generations: (1, 1), ..State::default() })))
    }

    /// Changes the packages and moves both generations, as `apt-get update` and `dpkg` would.
    /// Touches the watched file, if there is one.
    pub fn change(&self, edit: impl FnOnce(&mut BTreeMap<String, FakePackage>)) {
        let mut state = self.state();
        edit(&mut state.packages);
        state.generations.0 += 1;
        state.generations.1 += 1;
        state.touch();
    }

    /// Changes what is installed and moves only that generation.
    pub fn change_installed(&self, edit: impl FnOnce(&mut BTreeMap<String, FakePackage>)) {
        let mut state = self.state();
        edit(&mut state.packages);
        state.generations.1 += 1;
        state.touch();
    }

    /// Has a file to be watched; changes write it.
    pub fn watch(&self, path: &Path) {
        self.state().watched = Some(path.to_path_buf());
    }

    /// Has recipes put what they make into a directory, but for those of these names, which fail.
    pub fn build_into(&self, directory: &Path, broken: &[&str]) {
        let mut state = self.state();
        state.built = Some(directory.to_path_buf());
        state.broken = broken.iter().map(ToString::to_string).collect();
    }

    /// How often an operation was begun.
    pub fn calls(&self, operation: Operation) -> usize {
        self.state().calls.get(&operation).copied().unwrap_or(0)
    }

    /// Operations begun and neither finished nor dropped.
    pub fn under_way(&self) -> usize {
        self.state().under_way
    }

    /// Makes an operation fail from now on, or work again.
    pub fn fail(&self, operation: Operation, fault: Option<Fault>) {
        let mut state = self.state();
        match fault {
            Some(fault) => state.failing.insert(operation, fault),
            None => state.failing.remove(&operation),
        };
    }

    /// Makes an operation panic from now on, or none.
    pub fn panic_in(&self, operation: Option<Operation>) {
        self.state().panicking = operation;
    }

    /// Holds an operation: it waits until [`release`](Self::release).
    pub fn hold(&self, operation: Operation) {
        self.state().held.entry(operation).or_default();
    }

    /// Lets a held operation go on.
    pub fn release(&self, operation: Operation) {
        let wakers = self.state().held.remove(&operation).unwrap_or_default();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts, holds, panics and fails as told.
    async fn enter(&self, operation: Operation) -> Result<(), Fault> {
        let _under_way = UnderWay::new(self.clone());
        *self.state().calls.entry(operation).or_default() += 1;
        Held { fake: self, operation }.await;
        self.act(operation)
    }

    #[expect(clippy::panic, reason = "a test asked for it")]
    fn act(&self, operation: Operation) -> Result<(), Fault> {
        let state = self.state();
        if state.panicking == Some(operation) {
            drop(state);
            panic!("the fake was told to panic in {operation:?}");
        }
        state.failing.get(&operation).cloned().map_or(Ok(()), Err)
    }

    fn owners(&self, matches: impl Fn(&str) -> bool, installed: bool) -> Vec<FileMatch> {
        let state = self.state();
        let mut found: Vec<FileMatch> = state
            .packages
            .values()
            .filter(|package| !installed || package.installed.is_some())
            .flat_map(|package| package.files.iter().map(move |path| (package, path)))
            .filter(|(_, path)| matches(path))
            .map(|(package, path)| FileMatch {
                package: package.name.clone(),
                architecture: Some("all".into()),
                path: path.clone(),
                installed: package.installed.is_some(),
                origin: if package.installed.is_some() {
                    FileOrigin::Installed
                } else {
                    FileOrigin::Contents
                },
            })
            .collect();
        found.sort_by_key(|found| !found.installed);
        found
    }

    fn paths(&self, name: &str, installed: bool) -> Result<Vec<String>, Fault> {
        self.state()
            .packages
            .get(name)
            .filter(|package| !installed || package.installed.is_some())
            .map(|package| package.files.clone())
            .ok_or_else(|| Fault::new(Code::NotFound, format!("no package is called '{name}'")))
    }
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fake")
            .field("packages", &self.state().packages.len())
            .finish_non_exhaustive()
    }
}

impl State {
    fn touch(&self) {
        if let Some(path) = &self.watched {
            // A test that watches a file it can't write fails where it waits for the change.
            let _ = std::fs::write(path, format!("{:?}", self.generations));
        }
    }
}

struct UnderWay(Fake);

impl UnderWay {
    fn new(fake: Fake) -> Self {
        fake.state().under_way += 1;
        Self(fake)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
    }
}

struct Held<'a> {
    fake: &'a Fake,
    operation: Operation,
}

impl Future for Held<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.fake.state().held.get_mut(&self.operation) {
            Some(wakers) => {
                wakers.push(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl PackageManager for Fake {
    fn source(&self) -> Source {
        Source::Apt
    }

    async fn generations(&self) -> Result<Generations, Fault> {
        self.enter(Operation::Generations).await?;
        let (catalogue, installed) = self.state().generations;
        Ok(Generations { catalogue: Generation(catalogue), installed: Generation(installed) })
    }

    fn watched(&self) -> Vec<PathBuf> {
        self.state().watched.iter().cloned().collect()
    }

    fn refreshed_at(&self) -> Option<u64> {
        Some(1)
    }

    async fn packages<S: Sink + Send + 'static>(&self, mut sink: S) -> Result<S, Fault> {
        self.enter(Operation::Packages).await?;
        let packages: Vec<FakePackage> = self.state().packages.values().cloned().collect();
        let repository = |name: &str, security| Repository {
            name: name.into(),
            source: Source::Apt,
            security,
            searched: true,
            uri: "http://fake.invalid".into(),
        };
        let plain = sink.repository(&repository("fake/main", false))?;
        let security = sink.repository(&repository("fake-security/main", true))?;
        for package in packages.iter().filter(|package| !package.versions.is_empty()) {
            system::stream(package, plain, security, &mut sink)?;
        }
        Ok(sink)
    }

    async fn installed(&self) -> Result<Installed, Fault> {
        self.enter(Operation::Installed).await?;
        let packages: Vec<FakePackage> = self
            .state()
            .packages
            .values()
            .filter(|package| package.installed.is_some())
            .cloned()
            .collect();
        Ok(system::installed(&packages))
    }

    fn choose(&self, known: &Known<'_>) -> Choice {
        let newest = known.offers.first().map(|offer| offer.version);
        let upgrade = match (known.installed, newest) {
            (Some(installed), Some(newest)) => record::compare(newest, installed).is_gt(),
            _ => false,
        };
        let offer = match known.installed {
            Some(installed) if !upgrade => {
                known.offers.iter().position(|offer| offer.version == installed)
            }
            _ => newest.map(|_| 0),
        };
        Choice { offer, upgrade, installed_priority: 100, ..Choice::default() }
    }

    fn details<'a>(&self, _: Source, record: &'a str) -> Details<'a> {
        *self.state().calls.entry(Operation::Details).or_default() += 1;
        // A panic is all that it can be told to do: it can't fail.
        let _ = self.act(Operation::Details);
        record::details(record)
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        record::compare(a, b)
    }

    async fn plan(&self, change: &Change) -> Result<Plan, Fault> {
        self.enter(Operation::Plan).await?;
        plan::plan(&self.state().packages, change)
    }

    async fn wanted(&self, plan: &Plan) -> Result<Vec<Wanted>, Fault> {
        self.enter(Operation::Wanted).await?;
        staged::wanted(&self.state().packages, plan)
    }

    async fn verify_artifact(
        &self,
        planned: &Planned,
        artifact: &Artifact,
    ) -> Result<Grade, Fault> {
        self.enter(Operation::VerifyArtifact).await?;
        staged::verify(&self.state().packages, planned, artifact)
    }

    async fn verify_archived(&self, artifact: &Artifact) -> Result<Grade, Fault> {
        self.enter(Operation::VerifyArtifact).await?;
        Ok(if artifact.signature.is_some() { Grade::Verified } else { Grade::Risk })
    }

    async fn fetch_lists(
        &self,
        _: &Fetcher,
        into: &Path,
        heard: Heard<'_>,
    ) -> Result<FetchedLists, Fault> {
        self.enter(Operation::FetchLists).await?;
        staged::fetch(into, heard)
    }

    async fn build(
        &self,
        build: &Build,
        _: PlanOptions,
        _: &Fetcher,
        heard: Heard<'_>,
    ) -> Result<Vec<Artifact>, Fault> {
        self.enter(Operation::Build).await?;
        let state = self.state();
        staged::build(state.built.as_deref(), &state.broken, build, heard)
    }

    fn alternatives<'a>(&self, item: &'a str) -> Vec<&'a str> {
        record::alternatives(item)
    }

    async fn files(&self, name: &str, _: &str) -> Result<Vec<String>, Fault> {
        self.enter(Operation::Files).await?;
        self.paths(name, true)
    }

    fn installed_at(&self, name: &str, _: &str) -> Option<u64> {
        self.state()
            .packages
            .get(name)
            .and_then(|package| package.installed.as_ref())
            .map(|_| 1_700_000_000)
    }

    async fn owns(&self, path: &str) -> Result<Files, Fault> {
        self.enter(Operation::Owns).await?;
        let matches = self.owners(|candidate| record::glob(path, candidate), true);
        Ok(Files { matches, hint: None })
    }

    async fn provides(&self, what: &str) -> Result<Files, Fault> {
        self.enter(Operation::Provides).await?;
        let command = |path: &str| path.rsplit('/').next() == Some(what) && path.contains("bin/");
        let matches =
            self.owners(|path| path == what || (!what.starts_with('/') && command(path)), false);
        Ok(Files { matches, hint: None })
    }

    async fn available_files(&self, name: &str) -> Result<Vec<String>, Fault> {
        self.enter(Operation::AvailableFiles).await?;
        self.paths(name, false)
    }
}

#[cfg(test)]
mod tests;
