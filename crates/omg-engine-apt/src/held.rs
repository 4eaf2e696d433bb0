//! What an upgrade leaves as it is, and why.

use omg_core::HeldBack;
use rust_apt::{Cache, DepFlags, DepType, Package, Version};

use crate::error::{Error, checked};
use crate::mark::is_held;
use crate::release::met;
use crate::session::Session;

/// A package that has a newer candidate.
pub(crate) struct Upgradable<'a> {
    package: Package<'a>,
    candidate: Version<'a>,
}

/// All packages that have one. To be asked before anything is marked: libapt forgets candidates that
/// it finds can't be installed.
pub(crate) fn upgradable<'a>(session: &Session<'a>) -> Vec<Upgradable<'a>> {
    let newer = session.installed.iter().filter(|package| package.is_upgradable());
    newer
        .filter_map(|package| {
            Some(Upgradable { package: package.clone(), candidate: package.candidate()? })
        })
        .collect()
}

/// Those of them that stay.
pub(crate) fn held_back(
    session: &Session<'_>,
    before: &[Upgradable<'_>],
) -> Result<Vec<HeldBack>, Error> {
    let mut held = Vec::new();
    for Upgradable { package, candidate } in before {
        if package.marked_upgrade() || package.marked_delete() {
            continue;
        }
        let Some(installed) = package.installed() else { continue };
        held.push(HeldBack {
            name: checked(package.name())?,
            architecture: checked(installed.arch())?,
            installed_version: checked(installed.version())?,
            candidate_version: checked(candidate.version())?,
            why: why(session, package, candidate).to_owned(),
        });
    }
    Ok(held)
}

fn why(session: &Session<'_>, package: &Package<'_>, candidate: &Version<'_>) -> &'static str {
    if is_held(package) && session.settings.holds {
        return "held";
    }
    let cache = session.cache();
    if let Some(why) = obstacle(cache, candidate) {
        return why;
    }
    if candidate.phased_update_percentage().is_some_and(|percent| percent < 100) {
        return "phased";
    }
    "needs removals"
}

/// What keeps the candidate out as things are marked.
fn obstacle(cache: &Cache, candidate: &Version<'_>) -> Option<&'static str> {
    let positive = [DepType::PreDepends, DepType::Depends];
    for group in positive.iter().filter_map(|kind| candidate.get_depends(kind)).flatten() {
        if met(cache, group) {
            continue;
        }
        let mut states = group.iter().map(|member| cache.depcache().dep_state(member));
        let possible = states.any(|state| state & DepFlags::DepCVer != 0);
        let kept = group.iter().any(|member| member.target_package().is_installed());
        return Some(match (possible, kept) {
            (false, _) => "its dependencies can't be had",
            (true, true) => "waits for other packages",
            (true, false) => "needs new packages",
        });
    }
    let negative = [DepType::Conflicts, DepType::DpkgBreaks];
    let mut groups = negative.iter().filter_map(|kind| candidate.get_depends(kind)).flatten();
    groups.any(|group| !met(cache, group)).then_some("needs removals")
}
