//! Which recipes have to be built, and in which order.
//!
//! What is installed and what repositories offer is asked of the caller; the AUR is asked in rounds,
//! one for each step away from the targets. A dependency is satisfied, in this order, by what is
//! installed, by a package that is built anyway, by a repository, by the AUR's package of that
//! name, by one of the AUR's that provides it. The result depends on nothing but the answers.

mod age;
mod gather;
mod order;
#[cfg(test)]
mod tests;
mod unsolvable;

use omg_core::ProviderChoice;

use crate::constraint::Compare;
use crate::error::Error;
use crate::package::Package;
use crate::rpc::Answer;

pub use age::{Young, young};
pub use unsolvable::Unsolvable;

/// Packages of the AUR in one resolution, at most.
pub const MOST_PACKAGES: usize = 1_000;
/// Names whose providers are looked for in the AUR, at most: each takes a request of its own.
pub const MOST_SEARCHES: usize = 200;

/// What the rest of the system has. Dependencies come as recipes write them: `foo>=1.2`.
pub trait Repositories: Sync {
    /// Does something that is installed, and stays, satisfy it?
    fn satisfies_installed(&self, dependency: &str) -> bool;

    /// Names of the repositories' packages that satisfy it, the preferred first; where there is one
    /// of that very name, that one alone.
    fn providers(&self, dependency: &str) -> Vec<String>;
}

/// What the AUR has.
pub trait Lookup: Sync {
    /// Packages by name; names that it does not have are left out.
    fn named(
        &self,
        names: &[&str],
    ) -> impl Future<Output = Result<Answer<Vec<Package>>, Error>> + Send;

    /// Packages that provide a name, with all their fields.
    fn providing(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Answer<Vec<Package>>, Error>> + Send;
}

impl Lookup for crate::Aur {
    async fn named(&self, names: &[&str]) -> Result<Answer<Vec<Package>>, Error> {
        self.info(names).await
    }

    async fn providing(&self, name: &str) -> Result<Answer<Vec<Package>>, Error> {
        Self::providing(self, name).await
    }
}

/// Picks one of several providers: what is wanted, by whom, and the names to choose from. `None`,
/// or a number out of range, takes the first.
pub type Choose = dyn Fn(&str, &str, &[String]) -> Option<usize> + Send + Sync;

/// What is to be resolved.
pub struct Request<'a> {
    /// Names of the AUR's packages.
    pub targets: &'a [&'a str],
    /// Chosen providers: pairs of a wanted name and the package that shall provide it.
    pub providers: &'a [(String, String)],
    /// Are the tests of the builds run?
    pub checks: bool,
    /// The order of `vercmp`.
    pub compare: Compare,
    /// Asked where there are several providers and none was chosen.
    pub choose: Option<&'a Choose>,
}

/// What a dependency is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// To run, which for makepkg is also to build.
    Runtime,
    /// To build.
    Make,
    /// For the tests of the build.
    Check,
}

impl Kind {
    fn phrase(self) -> &'static str {
        match self {
            Self::Runtime => "depends on",
            Self::Make => "needs for building",
            Self::Check => "needs for its tests",
        }
    }
}

/// What satisfies a dependency.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Origin {
    /// Something that is installed.
    Installed,
    /// This package of a repository.
    Repository(String),
    /// This package of the AUR, which is built too.
    Aur(String),
}

/// A dependency with what satisfies it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Need {
    /// What for.
    pub kind: Kind,
    /// As the recipe writes it.
    pub wanted: String,
    /// The package that wants it.
    pub by: String,
    /// What satisfies it.
    pub origin: Origin,
}

/// A recipe to build.
#[derive(Clone, PartialEq, Debug)]
pub struct Build {
    /// Package base.
    pub base: String,
    /// Version, as the AUR knows it.
    pub version: String,
    /// The packages of it that are wanted, by name.
    pub packages: Vec<Package>,
    /// What has to be there before, sorted; what other packages of the same base satisfy, too.
    pub needs: Vec<Need>,
}

impl Build {
    /// Names of the repositories' packages that it needs in this way, sorted, each once.
    pub fn from_repositories(&self, kind: Kind) -> Vec<&str> {
        self.names(kind, |origin| match origin {
            Origin::Repository(name) => Some(name),
            Origin::Installed | Origin::Aur(_) => None,
        })
    }

    /// Names of the AUR's packages that it needs in this way, sorted, each once.
    pub fn from_aur(&self, kind: Kind) -> Vec<&str> {
        self.names(kind, |origin| match origin {
            Origin::Aur(name) => Some(name),
            Origin::Installed | Origin::Repository(_) => None,
        })
    }

    fn names<'a>(
        &'a self,
        kind: Kind,
        of: impl Fn(&'a Origin) -> Option<&'a String>,
    ) -> Vec<&'a str> {
        let needs = self.needs.iter().filter(|need| need.kind == kind);
        let mut names: Vec<&str> =
            needs.filter_map(|need| Some(of(&need.origin)?.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What has to be done for a request.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Resolution {
    /// Recipes in the order to build them.
    pub builds: Vec<Build>,
    /// Where there were several providers: which was taken.
    pub providers: Vec<ProviderChoice>,
    /// Seconds since the AUR said so; of several answers the oldest.
    pub age: u64,
    /// Why the answers are not of now, if the AUR could not be asked.
    pub stale: Option<String>,
}

impl Resolution {
    /// Every package that is built and wanted.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.builds.iter().flat_map(|build| &build.packages)
    }
}

/// Finds out what has to be built for the targets.
///
/// # Errors
/// [`Error::Unsolvable`] where it can't be done, and what the lookup says.
pub async fn resolve<R: Repositories, L: Lookup>(
    request: &Request<'_>,
    repositories: &R,
    lookup: &L,
) -> Result<Resolution, Error> {
    let gathered = gather::gather(request, repositories, lookup).await?;
    let builds = order::order(gathered.builds).map_err(|cycle| Error::from(Box::new(cycle)))?;
    Ok(Resolution { builds, providers: gathered.choices, age: gathered.age, stale: gathered.stale })
}
