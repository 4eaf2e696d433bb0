//! What is reported about many packages: counts, lists, chains, sizes, the daemon itself.
#![expect(clippy::ref_option_ref, reason = "bitcode's derive writes it for `Option<&str>`")]

use bitcode::{Decode, Encode};
#[cfg(feature = "serde")]
use serde::Serialize;

use crate::{Generation, RelationKind};

/// Counts of packages on this system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Counts {
    /// Installed.
    pub total: u32,
    /// Installed because the user asked.
    pub explicit: u32,
    /// What `autoremove` would remove.
    pub orphans: u32,
    /// Installed with a newer candidate.
    pub updates: u32,
    /// Of these, offered by a repository that carries security fixes.
    pub security_updates: u32,
}

/// The answer to `status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Status {
    /// Counts.
    pub packages: Counts,
    /// Packages in the index.
    pub index_packages: u32,
    /// Seconds since the repositories' lists were last refreshed.
    pub data_age_s: Option<u64>,
    /// Packages whose installation stopped half way.
    pub broken: u32,
}

/// Hits, misses and size of one cache tier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct CacheCounts {
    /// Answers given from this tier.
    pub hits: u64,
    /// Requests passed to the tier below.
    pub misses: u64,
    /// Entries dropped for room or age.
    pub evictions: u64,
    /// Entries now.
    pub entries: u64,
    /// Bytes now.
    pub bytes: u64,
}

/// How the daemon is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Stats {
    /// Process id.
    pub pid: u32,
    /// Seconds since start.
    pub uptime_s: u64,
    /// What is being answered from.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_hex"))]
    pub generation: Generation,
    /// Packages in the index.
    pub index_packages: u32,
    /// Bytes of the index in memory.
    pub index_bytes: u64,
    /// Resident set, bytes.
    pub rss_bytes: u64,
    /// Requests answered since start.
    pub requests: u64,
    /// Connections open now.
    pub connections: u32,
    /// Requests that waited for an equal one already under way.
    pub coalesced: u64,
    /// Memory tier.
    pub memory: CacheCounts,
    /// Disk tier.
    pub disk: CacheCounts,
    /// Records that could not be read, with file and line; at most 32.
    pub warnings: Vec<String>,
}

#[cfg(feature = "serde")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to the field")]
fn as_hex<S: serde::Serializer>(generation: &Generation, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(generation)
}

/// A package that depends on another.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Dependent<'a> {
    /// Name.
    pub name: &'a str,
    /// Version: installed, else candidate.
    pub version: &'a str,
    /// Is it on this system?
    pub installed: bool,
    /// Strength.
    pub kind: RelationKind,
    /// The virtual package through which it depends, if not by name.
    pub via: Option<&'a str>,
}

/// One step of a [`Chain`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Link {
    /// The package that depends.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How it depends on the next link; absent on the last.
    pub kind: Option<RelationKind>,
}

/// Why a package is installed: a path from one the user asked for.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Chain {
    /// From the explicit package to the one asked about.
    pub links: Vec<Link>,
}

/// Where the knowledge of a file comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase"))]
pub enum FileOrigin {
    /// Installed file lists.
    Installed,
    /// The archive's Contents lists.
    Contents,
    /// A virtual package in the index.
    Virtual,
    /// Moved away by a diversion.
    Diversion,
}

/// A package that has (or would have) a file, command or virtual package.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct FileMatch {
    /// Package name.
    pub package: String,
    /// Its architecture, where known.
    pub architecture: Option<String>,
    /// What matched: an absolute path, or the virtual package.
    pub path: String,
    /// Is the package on this system?
    pub installed: bool,
    /// How we know.
    pub origin: FileOrigin,
}

/// One row of a dependency tree, in the order to print.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct TreeRow {
    /// Distance from the root.
    pub depth: u16,
    /// Name; a virtual or missing one keeps the name asked for.
    pub name: String,
    /// Version, if there is such a package.
    pub version: Option<String>,
    /// Is it on this system?
    pub installed: bool,
    /// How the parent needs it.
    pub kind: Option<RelationKind>,
    /// Shown above already; its children are not repeated.
    pub repeated: bool,
}

/// Space that a package takes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct SizeRow<'a> {
    /// Name.
    pub name: &'a str,
    /// Version.
    pub version: &'a str,
    /// Its own bytes on disk.
    pub own: u64,
    /// With everything that only it needs.
    pub exclusive: u64,
    /// With everything that it needs.
    pub total: u64,
}
