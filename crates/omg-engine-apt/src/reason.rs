//! Why each package of a plan is in it.

use std::collections::{HashMap, VecDeque};

use omg_core::{Operation, Reason};
use rust_apt::{DepType, Package, Version};

use crate::names::pretty;
use crate::session::Session;

/// Reasons by the id of the package.
pub(crate) fn reasons<'a>(
    session: &Session<'a>,
    changed: &[Package<'a>],
) -> HashMap<usize, Reason> {
    let mut reasons = HashMap::new();
    comes(session, changed, &mut reasons);
    for package in changed.iter().filter(|package| package.marked_delete()) {
        let reason = goes(session, changed, package);
        reasons.insert(package.index(), reason);
    }
    reasons
}

/// Reasons of what is installed, upgraded or downgraded: from the packages that the user named along
/// their dependencies, then along what they recommend.
fn comes<'a>(session: &Session<'a>, changed: &[Package<'a>], reasons: &mut HashMap<usize, Reason>) {
    let coming: Vec<&Package<'a>> =
        changed.iter().filter(|package| !package.marked_delete()).collect();
    let ids: HashMap<usize, &Package<'a>> =
        coming.iter().map(|package| (package.index(), *package)).collect();
    let whole = session.change.operation == Operation::Upgrade && session.change.targets.is_empty();
    let mut queue = VecDeque::new();
    for package in &coming {
        let reason = if session.requested.contains(&package.index()) {
            Reason::Requested
        } else if whole && package.is_installed() {
            Reason::Newer
        } else {
            continue;
        };
        reasons.insert(package.index(), reason);
        queue.push_back(*package);
    }
    let mut recommenders = Vec::new();
    loop {
        while let Some(package) = queue.pop_front() {
            let kinds = [DepType::PreDepends, DepType::Depends];
            reach(package, &kinds, &ids, reasons, &mut queue, &Reason::Dependency);
            recommenders.push(package);
        }
        for package in std::mem::take(&mut recommenders) {
            let kinds = [DepType::Recommends, DepType::Suggests];
            reach(package, &kinds, &ids, reasons, &mut queue, &Reason::Recommended);
        }
        if !queue.is_empty() {
            continue;
        }
        // What none of them needs: changed because of something that is installed already.
        let Some(rest) = coming.iter().find(|package| !reasons.contains_key(&package.index()))
        else {
            break;
        };
        let reason = if rest.is_installed() { Reason::Newer } else { Reason::Unknown };
        reasons.insert(rest.index(), reason);
        queue.push_back(rest);
    }
}

fn reach<'p, 'a>(
    package: &Package<'a>,
    kinds: &[DepType],
    coming: &HashMap<usize, &'p Package<'a>>,
    reasons: &mut HashMap<usize, Reason>,
    queue: &mut VecDeque<&'p Package<'a>>,
    reason: &dyn Fn(String) -> Reason,
) {
    let Some(version) = package.install_version() else { return };
    for member in
        kinds.iter().filter_map(|kind| version.get_depends(kind)).flatten().flat_map(|g| g.iter())
    {
        for target in candidates(member.target_package()) {
            let Some(found) = coming.get(&target) else { continue };
            if !reasons.contains_key(&target) && satisfies(member, found) {
                reasons.insert(target, reason(pretty(package)));
                queue.push_back(found);
            }
        }
    }
}

/// Ids of a package and of those that provide it.
fn candidates(package: &Package<'_>) -> Vec<usize> {
    let mut ids = vec![package.index()];
    ids.extend(package.provides().map(|provider| provider.package().index()));
    ids.dedup();
    ids
}

fn satisfies(member: &rust_apt::BaseDep<'_>, package: &Package<'_>) -> bool {
    let Some(version) = package.install_version() else { return false };
    member.all_targets().iter().any(|target| target.index() == version.index())
}

/// Why a package goes.
fn goes<'a>(session: &Session<'a>, changed: &[Package<'a>], package: &Package<'a>) -> Reason {
    let id = package.index();
    if session.requested.contains(&id) {
        return Reason::Requested;
    }
    if session.unneeded.contains(&id) {
        return Reason::Unneeded;
    }
    let Some(installed) = package.installed() else { return Reason::Unknown };
    let coming = || changed.iter().filter(|other| !other.marked_delete());
    for other in coming() {
        let Some(version) = other.install_version() else { continue };
        if excludes(&version, &installed) || excludes(&installed, &version) {
            return Reason::Conflict(pretty(other));
        }
    }
    loses(changed, &installed).map_or(Reason::Unknown, Reason::Loses)
}

fn excludes(version: &Version<'_>, other: &Version<'_>) -> bool {
    let kinds = [DepType::Conflicts, DepType::DpkgBreaks, DepType::Obsoletes];
    let mut members =
        kinds.iter().filter_map(|kind| version.get_depends(kind)).flatten().flat_map(|g| g.iter());
    members.any(|member| member.all_targets().iter().any(|target| target.index() == other.index()))
}

/// The first package that it needs and that goes or changes.
fn loses(changed: &[Package<'_>], installed: &Version<'_>) -> Option<String> {
    let kinds = [DepType::PreDepends, DepType::Depends];
    let groups = || kinds.iter().filter_map(|kind| installed.get_depends(kind)).flatten();
    for removed in [true, false] {
        for member in groups().flat_map(|group| group.iter()) {
            let targets = candidates(member.target_package());
            let lost = changed.iter().find(|other| {
                other.marked_delete() == removed
                    && other.is_installed()
                    && targets.contains(&other.index())
            });
            if let Some(lost) = lost {
                return Some(pretty(lost));
            }
        }
    }
    None
}
