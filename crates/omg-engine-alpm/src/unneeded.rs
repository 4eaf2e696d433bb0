//! What was installed for others and is needed by nothing any more.

use std::collections::{BTreeSet, HashMap};

use omg_core::{Action, Plan};

use crate::handle::Handle;
use crate::native::alpm::PackageReason;
use crate::native::{Package, fulfils};

struct Member<'h> {
    package: Package<'h>,
    automatic: bool,
    /// How many packages need it or would like to have it.
    wanted_by: usize,
}

/// Names of what `pacman -Qdt` would list after the plan, and after those, until nothing new is.
pub(crate) fn after(handle: &Handle, plan: &Plan) -> BTreeSet<String> {
    let mut members = members(handle, plan);
    let mut offered: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, member) in members.iter().enumerate() {
        offered.entry(member.package.name()).or_default().push(at);
        for provided in member.package.provides() {
            offered.entry(provided.name()).or_default().push(at);
        }
    }
    let wanted: Vec<Vec<usize>> =
        members.iter().map(|member| wanted(member.package, &members, &offered)).collect();
    for at in wanted.iter().flatten() {
        if let Some(member) = members.get_mut(*at) {
            member.wanted_by += 1;
        }
    }
    let mut queue: Vec<usize> = (0..members.len()).collect();
    let mut found = BTreeSet::new();
    while let Some(at) = queue.pop() {
        let Some(member) = members.get(at) else { continue };
        if !member.automatic || member.wanted_by > 0 {
            continue;
        }
        if !found.insert(member.package.name().to_owned()) {
            continue;
        }
        for other in wanted.get(at).into_iter().flatten() {
            if let Some(member) = members.get_mut(*other) {
                member.wanted_by -= 1;
                queue.push(*other);
            }
        }
    }
    found
}

/// What is installed after the plan.
fn members<'h>(handle: &'h Handle, plan: &Plan) -> Vec<Member<'h>> {
    let changes: HashMap<&str, _> =
        plan.changes.iter().map(|change| (change.name.as_str(), change)).collect();
    let staying = handle.alpm.localdb().pkgs().into_iter();
    let staying = staying.filter(|package| !changes.contains_key(package.name()));
    let mut members: Vec<Member<'h>> = staying
        .map(|package| Member {
            package,
            automatic: package.reason() == PackageReason::Depend,
            wanted_by: 0,
        })
        .collect();
    for change in &plan.changes {
        if matches!(change.action, Action::Remove | Action::Purge) {
            continue;
        }
        // A file's own package is gone with the transaction; the installed one stands in for it.
        let name = change.name.as_str();
        let package = handle
            .repository(&change.repository)
            .and_then(|database| database.pkg(name).ok())
            .or_else(|| handle.installed(name));
        if let Some(package) = package {
            members.push(Member { package, automatic: change.automatic, wanted_by: 0 });
        }
    }
    members
}

/// Indices of what the package needs or would like to have, each once.
fn wanted(
    package: Package<'_>,
    members: &[Member<'_>],
    offered: &HashMap<&str, Vec<usize>>,
) -> Vec<usize> {
    let mut wanted = Vec::new();
    for relation in package.depends().into_iter().chain(package.optdepends()) {
        let named = offered.get(relation.name()).into_iter().flatten().copied();
        wanted.extend(
            named.filter(|at| members.get(*at).is_some_and(|one| fulfils(one.package, &relation))),
        );
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}
