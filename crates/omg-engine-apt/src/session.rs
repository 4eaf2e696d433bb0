//! One plan while it is made.

use std::collections::{HashMap, HashSet};

use omg_core::{Change, ProviderChoice};
use rust_apt::{Cache, Package, Version};

use crate::archive::Archive;
use crate::open::Open;
use crate::settings::Settings;

/// What a plan is made from, and what is found out on the way.
pub(crate) struct Session<'a> {
    /// libapt's cache, with the marks of this plan.
    pub(crate) open: &'a Open,
    /// The configuration.
    pub(crate) settings: &'a Settings,
    /// Hashes and repositories.
    pub(crate) archive: &'a Archive,
    /// What is asked for.
    pub(crate) change: &'a Change,
    /// Packages that are installed or half installed, in order of name.
    pub(crate) installed: Vec<Package<'a>>,
    /// Ids of the versions that are package files, with the paths of these.
    pub(crate) files: HashMap<usize, String>,
    /// Ids of the packages that the user named.
    pub(crate) requested: HashSet<usize>,
    /// Packages that the user named and whose mark the resolver must leave alone.
    pub(crate) protected: Vec<Package<'a>>,
    /// Ids of the packages that go because nothing needs them.
    pub(crate) unneeded: HashSet<usize>,
    /// Choices between providers.
    pub(crate) choices: Vec<ProviderChoice>,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

impl<'a> Session<'a> {
    pub(crate) fn cache(&self) -> &'a Cache {
        self.open.cache()
    }

    /// Packages that would be changed, in order of name.
    ///
    /// Looking at every package of the lists takes 10 to 20 ms. What changes is installed, was named,
    /// or is needed by something that changes; where that does not add up to what libapt counts, all
    /// are looked at after all.
    pub(crate) fn changed(&self) -> Vec<Package<'a>> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        let mut next: Vec<Package<'a>> = self.installed.clone();
        next.extend(self.protected.iter().cloned());
        while let Some(package) = next.pop() {
            if !seen.insert(package.index()) || !is_changed(&package) {
                continue;
            }
            if let Some(version) = package.install_version() {
                next.extend(needed(&version));
            }
            found.push(package);
        }
        let depcache = self.cache().depcache();
        let counted = depcache.install_count() as usize + depcache.delete_count() as usize;
        if found.len() < counted {
            found = self.cache().iter().filter(is_changed).collect();
        }
        found.sort_by_cached_key(key);
        found
    }
}

/// What packages are sorted by: name, then architecture.
pub(crate) fn key(package: &Package<'_>) -> (String, String) {
    (package.name().to_owned(), package.arch().to_owned())
}

/// Is anything to be done with the package?
pub(crate) fn is_changed(package: &Package<'_>) -> bool {
    package.marked_install() || package.marked_delete() || package.marked_reinstall()
}

/// Packages that could satisfy a dependency of the version.
fn needed<'a>(version: &Version<'a>) -> Vec<Package<'a>> {
    let mut packages = Vec::new();
    for member in version.depends_map().values().flatten().flat_map(|group| group.iter()) {
        let target = member.target_package();
        packages.extend(target.provides().map(|provider| provider.package()));
        packages.push(target.clone());
    }
    packages
}
