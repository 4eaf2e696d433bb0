//! What nothing needs any more (`DoAutomaticRemove` in `apt-private/private-install.cc`).

use omg_core::Operation;
use rust_apt::{BaseDep, DepType, Package, Version};

use crate::error::Error;
use crate::names::{of, pretty};
use crate::release::met;
use crate::session::{Session, key};
use crate::unmet;

/// Removes what is unneeded, if that is asked for. What is new and unneeded is never installed.
pub(crate) fn sweep(session: &mut Session<'_>) -> Result<(), Error> {
    let options = session.change.options;
    let asked = match session.change.operation {
        Operation::Autoremove => true,
        Operation::Remove => options.recursive,
        Operation::Install | Operation::Upgrade => false,
    };
    let remove = asked || session.settings.autoremove;
    session.open.sweep();
    let mut dropped = Vec::new();
    for package in garbage(session) {
        let installed = package.is_installed();
        if remove && installed {
            delete(session, &package, options.purge);
            if package.marked_delete() {
                session.unneeded.insert(package.index());
            }
        } else if remove {
            package.mark_keep();
        } else if package.marked_install() && !installed {
            delete(session, &package, false);
            dropped.push(package);
        }
    }
    if !dropped.is_empty()
        && (session.cache().depcache().broken_count() != 0 || is_wanting(session))
    {
        restore(session, &mut dropped);
    }
    if session.cache().depcache().broken_count() != 0 {
        return Err(unmet::after(session));
    }
    session.open.sweep();
    Ok(())
}

/// Names of packages that nothing needs and that stay.
pub(crate) fn left(session: &Session<'_>) -> Vec<String> {
    let staying = garbage(session).into_iter().filter(|package| !package.marked_delete());
    staying.map(|package| pretty(&package)).collect()
}

/// Unneeded packages among those that are installed or come, in order of name.
fn garbage<'a>(session: &Session<'a>) -> Vec<Package<'a>> {
    let mut found: Vec<Package<'a>> = session.installed.clone();
    found.extend(session.changed().into_iter().filter(|package| !package.is_installed()));
    found.retain(Package::is_auto_removable);
    found.sort_by_cached_key(key);
    found.dedup_by_key(|package| package.index());
    found
}

/// Removes a package as libapt does where the user did not name it: what a removed metapackage
/// needs counts as chosen by hand.
fn delete(session: &Session<'_>, package: &Package<'_>, purge: bool) {
    let section = package.installed().and_then(|v| v.section().map(str::to_owned).ok());
    let in_sections = section.is_some_and(|section| {
        let bare = section.rsplit('/').next().unwrap_or("").to_owned();
        session.settings.never_automatic.iter().any(|name| *name == section || *name == bare)
    });
    if let Some(version) = package.install_version().filter(|_| in_sections) {
        let cache = session.cache();
        for kind in [DepType::PreDepends, DepType::Depends, DepType::Recommends, DepType::Suggests]
        {
            let members = version.get_depends(&kind).into_iter().flatten().flat_map(|g| g.iter());
            for member in members.filter(|member| cache.depcache().is_important_dep(member)) {
                for target in member.all_targets() {
                    if target.is_installed() {
                        target.parent().mark_auto(false);
                    }
                }
            }
        }
    }
    package.mark_delete(purge);
}

/// Does anything lack what it recommends? libapt counts it, and tells nobody.
fn is_wanting(session: &Session<'_>) -> bool {
    let cache = session.cache();
    let staying = session.installed.iter().cloned().chain(session.changed());
    let mut versions = staying.filter_map(|package| package.install_version());
    versions.any(|version| {
        let kinds = [DepType::Recommends, DepType::Suggests];
        let mut groups = kinds.iter().filter_map(|kind| version.get_depends(kind)).flatten();
        groups.any(|group| cache.depcache().is_important_dep(group.first()) && !met(cache, group))
    })
}

/// Takes back removals of new packages that something staying depends on.
fn restore<'a>(session: &Session<'a>, dropped: &mut Vec<Package<'a>>) {
    while let Some(at) = dropped.iter().position(|package| is_needed(session, package)) {
        let package = dropped.swap_remove(at);
        package.mark_install(false, false);
    }
}

fn is_needed<'a>(session: &Session<'a>, package: &Package<'a>) -> bool {
    let cache = session.cache();
    let Some(candidate) = package.candidate() else { return false };
    let mut targets = vec![package.clone()];
    for provided in candidate.provides() {
        let everywhere = session.settings.architectures.iter();
        targets.extend(everywhere.filter_map(|name| of(cache, provided.name(), name)));
    }
    targets.iter().any(|target| {
        let mut reverse = target.rdepends().values().flatten().flat_map(|group| group.iter());
        reverse.any(|reverse| cache.depcache().is_important_dep(reverse) && needs(reverse))
    })
}

/// Does the dependency belong to a version that stays or comes?
fn needs(reverse: &BaseDep<'_>) -> bool {
    let negative = [DepType::Conflicts, DepType::DpkgBreaks, DepType::Obsoletes, DepType::Replaces];
    if negative.contains(&reverse.dep_type()) {
        return false;
    }
    let parent = reverse.target_package();
    let of = |version: Option<Version<'_>>| {
        version.is_some_and(|v| reverse.version() == Some(v.version()))
    };
    if of(parent.installed()) {
        return parent.marked_keep();
    }
    of(parent.candidate()) && (parent.marked_new_install() || parent.marked_upgrade())
}
