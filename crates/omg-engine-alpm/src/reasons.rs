//! Why something comes or goes. libalpm does not say; what it asked and who needs whom does.

use std::collections::HashMap;

use omg_core::{Change, Operation, Reason};

use crate::describe::Request;
use crate::handle::Handle;
use crate::native::{Package, fulfils};
use crate::record::Record;

/// Reasons of one transaction.
pub(crate) struct Reasons<'a> {
    handle: &'a Handle,
    change: &'a Change,
    request: &'a Request,
    record: &'a Record,
    /// Of each package that comes, another that comes and needs it: the first by name.
    needed_by: HashMap<String, String>,
}

impl<'a> Reasons<'a> {
    pub(crate) fn new(
        handle: &'a Handle,
        change: &'a Change,
        request: &'a Request,
        record: &'a Record,
        coming: &[Package<'_>],
    ) -> Self {
        let needed_by = needed_by(request, coming);
        Self { handle, change, request, record, needed_by }
    }

    pub(crate) fn of_coming(&self, package: Package<'_>) -> Reason {
        let name = package.name();
        if self.request.targets.contains(name) {
            return Reason::Requested;
        }
        if let Some((old, _)) = self.record.replaced.iter().find(|(_, new)| new == name) {
            return Reason::Replaces(old.clone());
        }
        let follows = self.change.operation == Operation::Upgrade || self.change.options.follow;
        if follows && self.handle.installed(name).is_some() {
            return Reason::Newer;
        }
        match self.needed_by.get(name) {
            Some(other) => Reason::Dependency(other.clone()),
            None => Reason::Unknown,
        }
    }

    pub(crate) fn of_going(&self, name: &str) -> Reason {
        let other = |pairs: &[(String, String)]| {
            pairs.iter().find(|(old, _)| old == name).map(|(_, new)| new.clone())
        };
        if let Some(new) = other(&self.record.replaced) {
            Reason::ReplacedBy(new)
        } else if let Some(new) = other(&self.record.conflicts) {
            Reason::Conflict(new)
        } else if self.request.targets.contains(name) && !self.request.unneeded {
            Reason::Requested
        } else {
            Reason::Unneeded
        }
    }
}

fn needed_by(request: &Request, coming: &[Package<'_>]) -> HashMap<String, String> {
    let mut offered: HashMap<&str, Vec<Package<'_>>> = HashMap::new();
    for package in coming.iter().filter(|package| !request.targets.contains(package.name())) {
        offered.entry(package.name()).or_default().push(*package);
        for provided in package.provides() {
            offered.entry(provided.name()).or_default().push(*package);
        }
    }
    let mut by_name: Vec<Package<'_>> = coming.to_vec();
    by_name.sort_unstable_by_key(|package| package.name().to_owned());
    let mut needed_by = HashMap::new();
    for package in by_name {
        for relation in package.depends() {
            for other in offered.get(relation.name()).into_iter().flatten() {
                if other.name() != package.name() && fulfils(*other, &relation) {
                    needed_by
                        .entry(other.name().to_owned())
                        .or_insert_with(|| package.name().to_owned());
                }
            }
        }
    }
    needed_by
}
