//! Packages that are kept at their version because a group of theirs is ignored.

use std::sync::{Mutex, PoisonError};

use ahash::AHashSet;
use omg_core::{Available, Fault, Installed, Repository, RepositoryId, Sink};

use crate::details;
use crate::rules::Rules;

type Names = AHashSet<Box<str>>;

/// Names that `IgnoreGroup` matches, by what they were last read from. pacman looks at the groups
/// of both versions, the installed and the offered one. Empty while no group is ignored.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    offered: Mutex<Names>,
    installed: Mutex<Names>,
}

impl Ignored {
    /// Takes what was found among the offers.
    pub(crate) fn offered(&self, names: Names) {
        *self.offered.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Looks at what is installed.
    pub(crate) fn installed(&self, installed: &Installed, rules: &Rules) {
        let mut names = Names::default();
        if rules.by_group() {
            let held = installed.packages.iter().filter(|package| package.held);
            names.extend(held.map(|package| package.name.clone()));
        }
        *self.installed.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Is the package ignored because of a group?
    pub(crate) fn contains(&self, name: &str) -> bool {
        [&self.installed, &self.offered]
            .into_iter()
            .any(|names| names.lock().unwrap_or_else(PoisonError::into_inner).contains(name))
    }
}

/// Passes packages on and notes those of ignored groups.
pub(crate) struct Watching<'s, S> {
    sink: &'s mut S,
    rules: &'s Rules,
    found: Names,
}

impl<'s, S: Sink> Watching<'s, S> {
    pub(crate) fn new(sink: &'s mut S, rules: &'s Rules) -> Self {
        Self { sink, rules, found: Names::default() }
    }

    /// The names noted.
    pub(crate) fn found(self) -> Names {
        self.found
    }
}

impl<S: Sink> Sink for Watching<'_, S> {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        self.sink.repository(repository)
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        if self.rules.by_group() {
            let mut groups = package.versions.iter().flat_map(|it| details::groups(it.record));
            if self.rules.ignores_any(&mut groups) {
                self.found.insert(package.name.into());
            }
        }
        self.sink.package(package)
    }

    fn warning(&mut self, message: String) {
        self.sink.warning(message);
    }
}
