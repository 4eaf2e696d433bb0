//! What every package manager gives, whatever its files look like.

use std::cmp::Ordering;
use std::path::PathBuf;

use omg_core::{
    Change, Code, Details, Fault, FileMatch, Generation, Installed, Plan, Refreshed, Review, Sink,
    Source,
};

/// The states of the two things that a manager reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Generations {
    /// Of what could be installed: lists, sources, preferences.
    pub catalogue: Generation,
    /// Of what is installed: status, marks, file lists.
    pub installed: Generation,
}

impl Generations {
    /// One number for both.
    pub fn combined(self) -> Generation {
        Generation(
            self.catalogue.0.rotate_left(32) ^ self.installed.0.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        )
    }
}

/// A version that a repository offers, as far as the choice of a candidate depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownOffer<'a> {
    /// Version.
    pub version: &'a str,
    /// Priority that [`PackageManager::packages`] gave it.
    pub priority: i32,
    /// Name of its repository; empty for a version that is in none.
    pub repository: &'a str,
}

/// What is known of one name and architecture when a candidate is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Name.
    pub name: &'a str,
    /// Kind of origin of the offers.
    pub source: Source,
    /// Architecture.
    pub architecture: &'a str,
    /// Groups or section of the offers, as [`packages`](PackageManager::packages) gave them.
    pub section: &'a str,
    /// Version on this system.
    pub installed: Option<&'a str>,
    /// Is that version kept, as [`installed`](PackageManager::installed) said?
    pub held: bool,
    /// Offers, newest first.
    pub offers: &'a [KnownOffer<'a>],
}

/// The candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Choice {
    /// Index of the chosen offer; `None` if the candidate is the installed version alone, or there
    /// is none.
    pub offer: Option<usize>,
    /// Is the candidate newer than what is installed, and would an upgrade take it?
    pub upgrade: bool,
    /// Is the candidate newer than what is installed, and do settings say to stay behind it?
    pub ignored: bool,
    /// Priority of the installed version itself.
    pub installed_priority: i32,
}

/// Files found, with a word on what would have found more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files {
    /// Matches, installed ones first.
    pub matches: Vec<FileMatch>,
    /// What would make the answer more complete.
    pub hint: Option<String>,
}

fn no_recipes(package: &str) -> Fault {
    Fault::new(
        Code::Usage,
        format!("there is no recipe of '{package}' to review: this system has no AUR"),
    )
}

/// A distribution's package manager, as far as OMG reads it.
///
/// Futures are `Send`; blocking work is moved off the async threads by the implementation. All of
/// them can be dropped at any await without leaving anything behind.
pub trait PackageManager: Send + Sync + 'static {
    /// Kind of its packages.
    fn source(&self) -> Source;

    /// What [`packages`](Self::packages) and [`installed`](Self::installed) would read now. Cheap:
    /// it looks at times, sizes and inodes, not into files.
    fn generations(&self) -> impl Future<Output = Result<Generations, Fault>> + Send;

    /// Files and directories whose change may move the generations.
    fn watched(&self) -> Vec<PathBuf>;

    /// Seconds since the epoch at which the lists were last refreshed.
    fn refreshed_at(&self) -> Option<u64>;

    /// Streams everything that could be installed into `sink` and gives it back. Malformed records
    /// become warnings; the rest is kept.
    fn packages<S: Sink + Send + 'static>(
        &self,
        sink: S,
    ) -> impl Future<Output = Result<S, Fault>> + Send;

    /// Everything on this system.
    fn installed(&self) -> impl Future<Output = Result<Installed, Fault>> + Send;

    /// Which version an install or upgrade would take. Pure but for settings read before.
    fn choose(&self, known: &Known<'_>) -> Choice;

    /// Reads the fields of a record, of a repository or of [`Installed::record`]. What the record
    /// can't say (installed state, versions, repository) is left empty.
    fn details<'a>(&self, source: Source, record: &'a str) -> Details<'a>;

    /// Which of two versions is newer, by the distribution's rules.
    fn compare(&self, a: &str, b: &str) -> Ordering;

    /// What a change would do. Reads the system as it is now, and changes nothing.
    fn plan(&self, change: &Change) -> impl Future<Output = Result<Plan, Fault>> + Send;

    /// Fetches anew what is fetched without the administrator's rights: the AUR's dump.
    fn refresh(&self) -> impl Future<Output = Result<Vec<Refreshed>, Fault>> + Send {
        async { Ok(Vec::new()) }
    }

    /// What changed in a recipe since its last review.
    fn review(&self, package: &str) -> impl Future<Output = Result<Review, Fault>> + Send {
        let fault = no_recipes(package);
        async { Err(fault) }
    }

    /// Remembers that a commit of a recipe has been reviewed.
    fn accept(
        &self,
        package: &str,
        commit: &str,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = commit;
        let fault = no_recipes(package);
        async { Err(fault) }
    }

    /// The bare names that could satisfy one item of a dependency field, in order of preference.
    fn alternatives<'a>(&self, item: &'a str) -> Vec<&'a str>;

    /// Absolute paths of an installed package, as the system's own tool lists them.
    fn files(
        &self,
        name: &str,
        architecture: &str,
    ) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;

    /// Seconds since the epoch at which a package was last unpacked.
    fn installed_at(&self, name: &str, architecture: &str) -> Option<u64>;

    /// Installed packages that own a path or, with `*` or `?`, paths that match.
    fn owns(&self, path: &str) -> impl Future<Output = Result<Files, Fault>> + Send;

    /// Packages, installed or not, that have the absolute path, or a command of this bare name.
    fn provides(&self, what: &str) -> impl Future<Output = Result<Files, Fault>> + Send;

    /// Paths of a package that need not be installed, where the archive's file lists are there.
    fn available_files(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;
}
