//! What every package manager gives, whatever its files look like.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use omg_core::{
    Artifact, Build, Change, Code, Details, Fault, FileMatch, Generation, Grade, Installed, Plan,
    PlanOptions, Planned, Progress, Refreshed, Review, Sink, Source, Wanted,
};
use omg_fetch::Fetcher;

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

/// What hears of progress.
pub type Heard<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Lists that were fetched, or were found to be the newest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FetchedLists {
    /// Repositories with something new, which is in the directory now: `http://host/debian bookworm`
    /// or `core`.
    pub changed: Vec<String>,
    /// Repositories whose lists here are the newest.
    pub unchanged: Vec<String>,
    /// What should be known though it stops nothing.
    pub warnings: Vec<String>,
}

fn no_recipes(package: &str) -> Fault {
    Fault::new(Code::Usage, format!("there is no recipe of '{package}': this system has no AUR"))
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

    /// The files that carrying out a plan takes: one for each change that brings a version and is
    /// neither built from a recipe nor a file that the user named. In the order of the changes.
    ///
    /// Sizes and digests come from lists that were verified when they were put in place; the grade
    /// is what these lists are worth. What can't be had by URL (`cdrom:`, `copy:`) is refused.
    fn wanted(&self, plan: &Plan) -> impl Future<Output = Result<Vec<Wanted>, Fault>> + Send;

    /// How well the origin of a file is verified by the distribution's own rules: digest, signature
    /// of its list, its own signature. A file that those rules don't let in is refused.
    fn verify_artifact(
        &self,
        planned: &Planned,
        artifact: &Artifact,
    ) -> impl Future<Output = Result<Grade, Fault>> + Send;

    /// How well the origin of a file is verified that the distribution's archive delivered and that no
    /// list has any more: by its own signature, as the distribution's rules want it of any package. A
    /// risk where packages have none.
    fn verify_archived(
        &self,
        artifact: &Artifact,
    ) -> impl Future<Output = Result<Grade, Fault>> + Send {
        let _ = artifact;
        async { Ok(Grade::Risk) }
    }

    /// Fetches the lists of all repositories into `into`, an empty directory, as far as they are
    /// newer than those in place. What is there afterwards was verified by this process and is for
    /// the engine, which verifies it again as root and puts it into place.
    fn fetch_lists(
        &self,
        fetcher: &Fetcher,
        into: &Path,
        heard: Heard<'_>,
    ) -> impl Future<Output = Result<FetchedLists, Fault>> + Send;

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

    /// Builds a recipe of a plan, confined, once what it needs is installed. Gives those package files
    /// that the plan wants of it, by absolute paths under which they stay until they are installed.
    /// `options` are those of the change; `heard` gets what the build prints, and how far it has come. Dropped, it ends the build.
    fn build(
        &self,
        build: &Build,
        options: PlanOptions,
        fetcher: &Fetcher,
        heard: Heard<'_>,
    ) -> impl Future<Output = Result<Vec<Artifact>, Fault>> + Send {
        let _ = (options, fetcher, heard);
        let fault = no_recipes(&build.package_base);
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
