//! `pkg/suite`: the candidates of what a version needs are changed along with it
//! (`pkgDepCache::SetCandidateRelease`).

use rust_apt::{BaseDep, Cache, DepFlags, DepType, Dependency, Version};

use crate::names::{in_release, same};

/// How deep dependencies are followed; apt has no limit but the stack.
const DEPTH: usize = 200;

/// Makes each version the candidate of its package, then candidates of the same suite those of what
/// they need and could not have otherwise.
pub(crate) fn switch<'a>(cache: &'a Cache, chosen: &[(Version<'a>, String)]) {
    for (version, _) in chosen {
        version.set_candidate();
    }
    for (version, release) in chosen {
        let mut changed = vec![version.clone()];
        follow(cache, version, release, &mut changed, DEPTH);
    }
}

fn follow<'a>(
    cache: &'a Cache,
    target: &Version<'a>,
    release: &str,
    changed: &mut Vec<Version<'a>>,
    depth: usize,
) -> bool {
    target.set_candidate();
    if release == "installed" || release == "candidate" || depth == 0 {
        return true;
    }
    let keep = changed.len();
    for group in groups(cache, target) {
        let hard = matches!(group.dep_type(), DepType::Depends | DepType::PreDepends);
        if group.iter().any(|member| fine(cache, member)) {
            continue;
        }
        if !help(cache, &group, release, changed, depth) && hard {
            // As apt does: what was changed last for this target is left as it was changed.
            changed.truncate(keep.saturating_sub(1));
            return false;
        }
    }
    true
}

/// Positive dependencies that count.
fn groups<'a>(cache: &'a Cache, version: &Version<'a>) -> Vec<Dependency<'a>> {
    let mut groups = Vec::new();
    for kind in [DepType::PreDepends, DepType::Depends, DepType::Recommends, DepType::Suggests] {
        let Some(found) = version.get_depends(&kind) else { continue };
        groups.extend(
            found.iter().filter(|group| cache.depcache().is_important_dep(group.first())).cloned(),
        );
    }
    groups
}

/// Is the dependency met by what is installed, or can its candidate be installed as things are?
fn fine(cache: &Cache, member: &BaseDep<'_>) -> bool {
    let package = member.target_package();
    let targets = member.all_targets();
    let satisfies =
        |version: &Version<'_>| targets.iter().any(|target| target.index() == version.index());
    if package.installed().is_some_and(|now| satisfies(&now)) {
        return true;
    }
    let candidate = package.candidate();
    if member.version().is_some() {
        return candidate
            .is_some_and(|version| satisfies(&version) && installable(cache, &version));
    }
    let mut provided = package.provides().filter_map(|p| crate::providers::owner(&p)).peekable();
    if provided.peek().is_some() {
        return provided.any(|version| {
            same(version.parent().candidate().as_ref(), Some(&version))
                && installable(cache, &version)
        });
    }
    candidate.is_some_and(|version| installable(cache, &version))
}

/// Are a version's dependencies met by what is marked?
fn installable(cache: &Cache, version: &Version<'_>) -> bool {
    let critical = [
        DepType::PreDepends,
        DepType::Depends,
        DepType::Conflicts,
        DepType::Obsoletes,
        DepType::DpkgBreaks,
    ];
    critical
        .iter()
        .filter_map(|kind| version.get_depends(kind))
        .flatten()
        .all(|group| met(cache, group))
}

/// Is a group of alternatives met by what is marked?
pub(crate) fn met(cache: &Cache, group: &Dependency<'_>) -> bool {
    let Some(last) = group.last() else { return true };
    let state = cache.depcache().dep_state(last);
    (state | (state >> 3)) & DepFlags::DepInstall != 0
}

/// Changes the candidate of one member of a group, if that meets it.
fn help<'a>(
    cache: &'a Cache,
    group: &Dependency<'a>,
    release: &str,
    changed: &mut Vec<Version<'a>>,
    depth: usize,
) -> bool {
    for (at, member) in group.iter().enumerate() {
        if member.version().is_none() {
            continue;
        }
        let last = at + 1 == group.len();
        let package = member.target_package();
        let mut versions = package.versions();
        let found = if release == "newest" {
            versions.next()
        } else {
            versions.find(|version| in_release(version, release))
        };
        let targets = member.all_targets();
        let Some(version) =
            found.filter(|found| targets.iter().any(|target| target.index() == found.index()))
        else {
            continue;
        };
        let old = package.candidate();
        if same(old.as_ref(), Some(&version))
            && changed.iter().any(|other| other.parent().index() == package.index())
        {
            return true;
        }
        changed.push(version.clone());
        if follow(cache, &version, release, changed, depth - 1) {
            return true;
        }
        if last {
            return false;
        }
        if let Some(old) = old {
            old.set_candidate();
        }
        changed.pop();
    }
    false
}
