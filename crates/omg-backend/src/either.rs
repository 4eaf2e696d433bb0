//! One of two managers, chosen when a root is opened.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use omg_core::{
    Artifact, Build, Change, Details, Fault, Grade, Installed, Plan, PlanOptions, Planned,
    Refreshed, Review, Sink, Source, Wanted,
};

use omg_fetch::Fetcher;

use crate::{Choice, FetchedLists, Files, Generations, Heard, Known, PackageManager};

/// One of two managers: what a root turned out to be. Both are known when the program is compiled,
/// so that no call goes through a table of functions.
#[derive(Clone, Debug)]
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

/// Calls the same method of whichever is there.
macro_rules! either {
    ($self:ident . $method:ident ( $($argument:expr),* )) => {
        match $self {
            Self::First(manager) => manager.$method($($argument),*),
            Self::Second(manager) => manager.$method($($argument),*),
        }
    };
    ($self:ident . $method:ident ( $($argument:expr),* ) . await) => {
        match $self {
            Self::First(manager) => manager.$method($($argument),*).await,
            Self::Second(manager) => manager.$method($($argument),*).await,
        }
    };
}

impl<A: PackageManager, B: PackageManager> PackageManager for Either<A, B> {
    fn source(&self) -> Source {
        either!(self.source())
    }

    async fn generations(&self) -> Result<Generations, Fault> {
        either!(self.generations().await)
    }

    fn watched(&self) -> Vec<PathBuf> {
        either!(self.watched())
    }

    fn refreshed_at(&self) -> Option<u64> {
        either!(self.refreshed_at())
    }

    async fn packages<S: Sink + Send + 'static>(&self, sink: S) -> Result<S, Fault> {
        either!(self.packages(sink).await)
    }

    async fn installed(&self) -> Result<Installed, Fault> {
        either!(self.installed().await)
    }

    fn choose(&self, known: &Known<'_>) -> Choice {
        either!(self.choose(known))
    }

    fn details<'a>(&self, source: Source, record: &'a str) -> Details<'a> {
        either!(self.details(source, record))
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        either!(self.compare(a, b))
    }

    async fn plan(&self, change: &Change) -> Result<Plan, Fault> {
        either!(self.plan(change).await)
    }

    async fn wanted(&self, plan: &Plan) -> Result<Vec<Wanted>, Fault> {
        either!(self.wanted(plan).await)
    }

    async fn verify_artifact(
        &self,
        planned: &Planned,
        artifact: &Artifact,
    ) -> Result<Grade, Fault> {
        either!(self.verify_artifact(planned, artifact).await)
    }

    async fn verify_archived(&self, artifact: &Artifact) -> Result<Grade, Fault> {
        either!(self.verify_archived(artifact).await)
    }

    async fn fetch_lists(
        &self,
        fetcher: &Fetcher,
        into: &Path,
        heard: Heard<'_>,
    ) -> Result<FetchedLists, Fault> {
        either!(self.fetch_lists(fetcher, into, heard).await)
    }

    async fn refresh(&self) -> Result<Vec<Refreshed>, Fault> {
        either!(self.refresh().await)
    }

    async fn review(&self, package: &str) -> Result<Review, Fault> {
        either!(self.review(package).await)
    }

    async fn accept(&self, package: &str, commit: &str) -> Result<(), Fault> {
        either!(self.accept(package, commit).await)
    }

    async fn build(
        &self,
        build: &Build,
        options: PlanOptions,
        fetcher: &Fetcher,
        heard: Heard<'_>,
    ) -> Result<Vec<Artifact>, Fault> {
        either!(self.build(build, options, fetcher, heard).await)
    }

    fn alternatives<'a>(&self, item: &'a str) -> Vec<&'a str> {
        either!(self.alternatives(item))
    }

    async fn files(&self, name: &str, architecture: &str) -> Result<Vec<String>, Fault> {
        either!(self.files(name, architecture).await)
    }

    fn installed_at(&self, name: &str, architecture: &str) -> Option<u64> {
        either!(self.installed_at(name, architecture))
    }

    async fn owns(&self, path: &str) -> Result<Files, Fault> {
        either!(self.owns(path).await)
    }

    async fn provides(&self, what: &str) -> Result<Files, Fault> {
        either!(self.provides(what).await)
    }

    async fn available_files(&self, name: &str) -> Result<Vec<String>, Fault> {
        either!(self.available_files(name).await)
    }
}
