//! Repositories and the AUR as one manager.
//!
//! What both have is there twice, once for each: nothing is taken from the AUR because a repository
//! has it no longer, nor the other way round, without saying so.

mod asked;
mod build;
mod conflicts;
mod merge;
mod plan;
mod shelf;
mod targets;
mod upgrade;

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use omg_backend::{Choice, FetchedLists, Files, Generations, Heard, Known, PackageManager};
use omg_core::{
    Artifact, Build, Change, Code, Details, Fault, Generation, Grade, Installed, Plan, PlanOptions,
    Planned, Refreshed, Review, Sink, Source, Wanted,
};
use omg_fetch::Fetcher;

use crate::aur::Aur;
use crate::error::Error;
use crate::package::Package;
use crate::recipes::{CommitId, PackageBase, RecipeError, Recipes, Reviewed};
use crate::review::{Facts, review};
use crate::work::blocking;
pub use build::Builds;
use shelf::Shelf;

/// What a user demands of recipes before they are planned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Demands {
    /// Seconds that a recipe must have stood unchanged.
    pub min_age_s: u64,
    /// Packages, or their bases, for which that does not count.
    pub exempt: Vec<String>,
}

/// The repositories of `R`, and the AUR.
#[derive(Clone, Debug)]
pub struct Both<R> {
    repositories: R,
    aur: Aur,
    recipes: Arc<Recipes>,
    /// Where reviews are remembered.
    state: PathBuf,
    demands: Demands,
    shelf: Arc<Mutex<Option<Arc<Shelf>>>>,
    builds: Option<Arc<Builds>>,
}

impl<R: PackageManager> Both<R> {
    /// Puts them together. `state` is a directory that is kept: reviews are remembered there.
    pub fn new(
        repositories: R,
        aur: Aur,
        recipes: Recipes,
        state: &Path,
        demands: Demands,
    ) -> Self {
        Self {
            repositories,
            aur,
            recipes: Arc::new(recipes),
            state: state.to_path_buf(),
            demands,
            shelf: Arc::default(),
            builds: None,
        }
    }

    /// The package of the AUR that has this name or, if none has, whose recipe has it.
    async fn package(&self, name: &str) -> Result<Package, Fault> {
        let mut found = self.aur.info(&[name]).await?.value;
        if found.is_empty() {
            found = self.aur.of_base(name).await?;
        }
        found.into_iter().next().ok_or_else(|| {
            Fault::new(Code::NotFound, format!("the AUR has no package '{name}'"))
                .hint(format!("omg search {name}"))
        })
    }

    async fn look_at(&self, name: &str) -> Result<Review, Fault> {
        let package = self.package(name).await?;
        let (recipes, state) = (self.recipes.clone(), self.state.clone());
        let now = self.aur.inner.http.now();
        blocking("reviewing a recipe", move || {
            let base = PackageBase::new(&package.package_base)?;
            let reviewed = Reviewed::open(&state)?;
            let recipe = recipes.fetch(&base)?;
            let facts = Facts::new(package.facts(), now);
            Ok::<_, Error>(review(&recipes, &base, &recipe.commit, reviewed.get(&base), &facts)?)
        })
        .await
        .map_err(Fault::from)
    }

    async fn remember(&self, name: &str, commit: &str) -> Result<(), Fault> {
        let package = self.package(name).await?;
        let (recipes, state) = (self.recipes.clone(), self.state.clone());
        let (commit, now) = (commit.to_owned(), self.aur.inner.http.now());
        blocking("remembering a review", move || {
            let base = PackageBase::new(&package.package_base)?;
            let commit = CommitId::new(&commit)?;
            if !recipes.holds(&base, &commit)? {
                let (name, commit) = (base.to_string(), commit.to_string());
                return Err(RecipeError::NoCommit { name, commit }.into());
            }
            let maintainer = package.maintainer.as_deref();
            Ok::<_, Error>(Reviewed::open(&state)?.remember(&base, &commit, maintainer, now)?)
        })
        .await
        .map_err(Fault::from)
    }
}

impl<R: PackageManager> PackageManager for Both<R> {
    fn source(&self) -> Source {
        self.repositories.source()
    }

    async fn generations(&self) -> Result<Generations, Fault> {
        let own = self.repositories.generations().await?;
        let recipes = self.aur.generations().await?;
        let catalogue = own.catalogue.0
            ^ recipes.catalogue.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
        Ok(Generations { catalogue: Generation(catalogue), ..own })
    }

    fn watched(&self) -> Vec<PathBuf> {
        let mut watched = self.repositories.watched();
        watched.extend(self.aur.watched());
        watched
    }

    fn refreshed_at(&self) -> Option<u64> {
        self.repositories.refreshed_at()
    }

    async fn packages<S: Sink + Send + 'static>(&self, sink: S) -> Result<S, Fault> {
        let sink = self.repositories.packages(sink).await?;
        self.aur.packages(sink).await
    }

    async fn installed(&self) -> Result<Installed, Fault> {
        self.repositories.installed().await
    }

    fn choose(&self, known: &Known<'_>) -> Choice {
        match known.source {
            Source::Aur => self.aur.choose(known),
            _ => self.repositories.choose(known),
        }
    }

    fn details<'a>(&self, source: Source, record: &'a str) -> Details<'a> {
        match source {
            Source::Aur => self.aur.details(source, record),
            _ => self.repositories.details(source, record),
        }
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        self.repositories.compare(a, b)
    }

    async fn plan(&self, change: &Change) -> Result<Plan, Fault> {
        self.plan_both(change).await
    }

    async fn wanted(&self, plan: &Plan) -> Result<Vec<Wanted>, Fault> {
        self.repositories.wanted(plan).await
    }

    async fn verify_artifact(
        &self,
        planned: &Planned,
        artifact: &Artifact,
    ) -> Result<Grade, Fault> {
        match planned.source {
            Source::Aur => self.aur.verify_artifact(planned, artifact).await,
            _ => self.repositories.verify_artifact(planned, artifact).await,
        }
    }

    async fn verify_archived(&self, artifact: &Artifact) -> Result<Grade, Fault> {
        self.repositories.verify_archived(artifact).await
    }

    async fn fetch_lists(
        &self,
        fetcher: &Fetcher,
        into: &Path,
        heard: Heard<'_>,
    ) -> Result<FetchedLists, Fault> {
        self.repositories.fetch_lists(fetcher, into, heard).await
    }

    async fn refresh(&self) -> Result<Vec<Refreshed>, Fault> {
        let mut refreshed = self.repositories.refresh().await?;
        refreshed.extend(PackageManager::refresh(&self.aur).await?);
        Ok(refreshed)
    }

    async fn review(&self, package: &str) -> Result<Review, Fault> {
        self.look_at(package).await
    }

    async fn accept(&self, package: &str, commit: &str) -> Result<(), Fault> {
        self.remember(package, commit).await
    }

    async fn build(
        &self,
        build: &Build,
        options: PlanOptions,
        _: &Fetcher,
        heard: Heard<'_>,
    ) -> Result<Vec<Artifact>, Fault> {
        self.build_recipe(build, options, heard).await
    }

    fn alternatives<'a>(&self, item: &'a str) -> Vec<&'a str> {
        self.repositories.alternatives(item)
    }

    async fn files(&self, name: &str, architecture: &str) -> Result<Vec<String>, Fault> {
        self.repositories.files(name, architecture).await
    }

    fn installed_at(&self, name: &str, architecture: &str) -> Option<u64> {
        self.repositories.installed_at(name, architecture)
    }

    async fn owns(&self, path: &str) -> Result<Files, Fault> {
        self.repositories.owns(path).await
    }

    async fn provides(&self, what: &str) -> Result<Files, Fault> {
        self.repositories.provides(what).await
    }

    async fn available_files(&self, name: &str) -> Result<Vec<String>, Fault> {
        self.repositories.available_files(name).await
    }
}
