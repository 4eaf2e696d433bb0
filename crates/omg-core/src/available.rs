//! What repositories offer: packages, versions, and the sink that takes them in one pass.

use crate::{AurFacts, Fault, Priority, Source};

/// Number of a repository inside one catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RepositoryId(pub u16);

/// A place that packages come from: one suite and component of an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repository {
    /// Shown to users: `bookworm/main`, `bookworm-security/main`, `core`.
    pub name: String,
    /// Kind of origin.
    pub source: Source,
    /// Carries security fixes.
    pub security: bool,
    /// Do searches show what only it has? pacman.conf's `Usage` may say no.
    pub searched: bool,
    /// Address without credentials.
    pub uri: String,
}

/// One version of a package in one repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer<'a> {
    /// Version, verbatim.
    pub version: &'a str,
    /// Where it is.
    pub repository: RepositoryId,
    /// How repositories rank: apt's pin priority; on Arch, repositories counted from the last of
    /// pacman.conf, which has 1; 0 in the AUR.
    pub priority: i32,
    /// The whole record as the repository writes it; kept compressed, parsed when asked for.
    pub record: &'a str,
}

/// What a relation between packages means.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, bitcode::Encode, bitcode::Decode,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[repr(u8)]
pub enum RelationKind {
    /// Must be configured first.
    PreDepends,
    /// Must be installed.
    Depends,
    /// Installed by default.
    Recommends,
    /// Optional.
    Suggests,
    /// Offers itself to.
    Enhances,
}

impl RelationKind {
    /// The word that the distribution uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreDepends => "pre-depends",
            Self::Depends => "depends",
            Self::Recommends => "recommends",
            Self::Suggests => "suggests",
            Self::Enhances => "enhances",
        }
    }
}

/// One name in a dependency field. Alternatives are separate relations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relation<'a> {
    /// The field it stands in.
    pub kind: RelationKind,
    /// Bare name: no version, no architecture.
    pub name: &'a str,
}

/// A package that can be installed: every version of one name and architecture.
///
/// Single-valued fields are those of the candidate.
#[derive(Clone, Debug)]
pub struct Available<'a> {
    /// Name.
    pub name: &'a str,
    /// Architecture: `amd64`, `all`, `any`.
    pub architecture: &'a str,
    /// One line.
    pub description: &'a str,
    /// Section; empty if none.
    pub section: &'a str,
    /// Priority.
    pub priority: Priority,
    /// Part of a task, or otherwise marked by the archive as something people install by name.
    pub task: bool,
    /// May not be removed.
    pub essential: bool,
    /// Bytes to download.
    pub download_size: u64,
    /// Bytes on disk.
    pub installed_size: u64,
    /// Names of virtual packages provided.
    pub provides: &'a [&'a str],
    /// Dependencies.
    pub relations: &'a [Relation<'a>],
    /// All versions, newest first; never empty.
    pub versions: &'a [Offer<'a>],
    /// Index in `versions` of what a fresh install would take; `None` if every one is pinned away.
    pub candidate: Option<usize>,
    /// What the AUR knows of it, if that is where it comes from.
    pub aur: Option<AurFacts<'a>>,
}

/// Receives a catalogue, package by package.
pub trait Sink {
    /// Announces a repository; ids count up from 0 in call order.
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault>;

    /// Takes one package. The borrowed text need not outlive the call.
    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault>;

    /// Notes something skipped: a malformed record, with file and line.
    fn warning(&mut self, message: String);
}
