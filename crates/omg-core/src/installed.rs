//! What is on this system.

use crate::{RelationKind, Source};

/// How far dpkg (or pacman) got with a package.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PackageState {
    /// Unpacked and configured.
    Installed,
    /// Removed, configuration files remain. Not counted as installed.
    ConfigFiles,
    /// Anything between: half-installed, unpacked, half-configured, triggers pending.
    Partial,
}

/// A package on this system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstalledPackage {
    /// Name.
    pub name: Box<str>,
    /// Version.
    pub version: Box<str>,
    /// Architecture.
    pub architecture: Box<str>,
    /// Kind of origin.
    pub source: Source,
    /// How far its installation got.
    pub state: PackageState,
    /// Installed because another package needed it.
    pub automatic: bool,
    /// Automatic and needed by nothing that is kept: what `autoremove` would remove.
    pub orphan: bool,
    /// Kept at its version by the user.
    pub held: bool,
    /// May not be removed.
    pub essential: bool,
    /// Bytes on disk.
    pub installed_size: u64,
    /// One line.
    pub description: Box<str>,
    /// Section; empty if none.
    pub section: Box<str>,
    /// Byte range of the record in [`Installed::text`].
    pub record: std::ops::Range<usize>,
}

/// A dependency between two installed packages that is satisfied by the second.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Edge {
    /// Index of the package that depends.
    pub from: u32,
    /// Index of the package that satisfies it.
    pub to: u32,
    /// Strength.
    pub kind: RelationKind,
}

/// Everything on this system.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    /// The status text that records point into.
    pub text: std::sync::Arc<str>,
    /// Packages, sorted by name and architecture. Includes those with only configuration left.
    pub packages: Vec<InstalledPackage>,
    /// Satisfied dependencies, sorted.
    pub edges: Vec<Edge>,
    /// Malformed records that were skipped, with file and line.
    pub warnings: Vec<String>,
}

impl Installed {
    /// The record of one package as the system stores it.
    pub fn record(&self, package: &InstalledPackage) -> &str {
        self.text.get(package.record.clone()).unwrap_or("")
    }

    /// Packages that are there, configured or not; leaves out mere configuration files.
    pub fn present(&self) -> impl Iterator<Item = &InstalledPackage> {
        self.packages.iter().filter(|package| package.state != PackageState::ConfigFiles)
    }

    /// Every architecture's package of this name, by binary search.
    pub fn named(&self, name: &str) -> &[InstalledPackage] {
        let start = self.packages.partition_point(|package| &*package.name < name);
        let rest = self.packages.get(start..).unwrap_or(&[]);
        let len = rest.partition_point(|package| &*package.name == name);
        rest.get(..len).unwrap_or(&[])
    }

    /// Edges that start at package number `from`.
    pub fn dependencies(&self, from: u32) -> &[Edge] {
        let start = self.edges.partition_point(|edge| edge.from < from);
        let rest = self.edges.get(start..).unwrap_or(&[]);
        let len = rest.partition_point(|edge| edge.from == from);
        rest.get(..len).unwrap_or(&[])
    }
}
