//! A recipe of a plan, built: the commit that was reviewed, confined, off the async threads.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use omg_backend::{Heard, PackageManager};
use omg_core::{Artifact, Build, Code, Fault, PlanOptions, Progress};
use omg_sandbox::Confinement;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::Both;
use crate::build::{Builder, Built, Job, Options, Web};
use crate::error::Error;
use crate::recipes::{PackageBase, Reviewed};
use crate::work::blocking;

/// Events of a build that wait to be heard; a build that says more waits.
const WAITING: usize = 256;

/// Where recipes are built, and how.
#[derive(Clone, Debug)]
pub struct Builds {
    /// The walls around a build.
    pub confinement: Confinement,
    /// Sources, packages and logs are kept below it.
    pub directory: PathBuf,
    /// Everything else.
    pub options: Options,
}

/// Ends a build that nobody waits for any more.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<R: PackageManager> Both<R> {
    /// Lets recipes be built.
    #[must_use]
    pub fn building(mut self, builds: Builds) -> Self {
        self.builds = Some(Arc::new(builds));
        self
    }

    pub(super) async fn build_recipe(
        &self,
        build: &Build,
        options: PlanOptions,
        heard: Heard<'_>,
    ) -> Result<Vec<Artifact>, Fault> {
        let Some(builds) = self.builds.clone() else {
            let message =
                format!("{} can't be built: there is no place for it", build.package_base);
            return Err(Fault::new(Code::Build, message));
        };
        let mut of_build = builds.options.clone();
        let least = options.min_age_s.unwrap_or(self.demands.min_age_s);
        of_build.min_age = Duration::from_secs(least);
        let may_be_young = self
            .demands
            .exempt
            .iter()
            .any(|name| *name == build.package_base || build.packages.contains(name));
        let cancel = Cancel(Arc::default());
        let (tell, mut told) = mpsc::channel(WAITING);
        let (recipes, state) = (self.recipes.clone(), self.state.clone());
        let (stop, wanted, runtime) = (cancel.0.clone(), build.clone(), Handle::current());
        let work = blocking("building a recipe", move || {
            let base = PackageBase::new(&wanted.package_base).map_err(Error::from)?;
            let reviewed = Reviewed::open(&state).map_err(Error::from)?;
            let commit = reviewed.get(&base).map(|review| review.commit.clone());
            let commit = commit.ok_or_else(|| Stopped::Unreviewed(base.to_string()))?;
            let web = Web::new(runtime)?;
            let directory = &builds.directory;
            let confinement = builds.confinement.clone();
            let builder = Builder::new(&recipes, confinement, &web, directory, of_build);
            let builder = builder.map_err(|error| Stopped::Failed(error.fault()))?;
            let (needs, changed) = (Vec::new(), wanted.last_modified);
            let job = Job { base, commit, needs, changed, may_be_young };
            // Whoever listened may be gone, and then the build ends soon.
            let say = |event: Progress| drop(tell.blocking_send(event));
            let built = builder.build(&job, Some(&stop), &say);
            built.map_err(|error| Stopped::Failed(error.fault()))
        });
        let listen = async {
            while let Some(event) = told.recv().await {
                heard(event);
            }
        };
        let (built, ()) = tokio::join!(work, listen);
        let Built { artifacts, warnings, .. } = built.map_err(Fault::from)?;
        for text in warnings {
            heard(Progress::Note { text });
        }
        Ok(artifacts.into_iter().filter(|file| build.packages.contains(&file.name)).collect())
    }
}

/// Why there is no package.
enum Stopped {
    Unreviewed(String),
    Failed(Fault),
    Other(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Unreviewed(base) => {
                let message = format!("nobody has reviewed the recipe of {base}");
                Self::new(Code::Refused, message).hint(format!("omg aur review {base}"))
            }
            Stopped::Failed(fault) => fault,
            Stopped::Other(error) => error.into(),
        }
    }
}
