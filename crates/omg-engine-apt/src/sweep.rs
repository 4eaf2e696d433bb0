//! What nothing needs any more (`DoAutomaticRemove` in `apt-private/private-install.cc`).

use omg_core::Operation;
use rust_apt::{DepType, Package};

use crate::error::Error;
use crate::names::same;
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
    if session.cache().depcache().broken_count() != 0 && !dropped.is_empty() {
        restore(&mut dropped);
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
    staying.map(|package| crate::names::pretty(&package)).collect()
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

/// Takes back removals of new packages that something staying depends on.
fn restore(dropped: &mut Vec<Package<'_>>) {
    while let Some(at) = dropped.iter().position(is_needed) {
        let package = dropped.swap_remove(at);
        package.mark_install(false, false);
    }
}

fn is_needed(package: &Package<'_>) -> bool {
    let Some(candidate) = package.candidate() else { return false };
    let mut names = vec![package.clone()];
    names.extend(candidate.provides().filter_map(|provided| {
        // What is provided is the package of that name.
        let name = provided.name().to_owned();
        package.provides().map(|other| other.package()).find(|other| other.name() == name)
    }));
    names
        .iter()
        .flat_map(|name| {
            name.rdepends().values().flatten().flat_map(|group| group.iter()).collect::<Vec<_>>()
        })
        .any(|reverse| {
            let positive = matches!(
                reverse.dep_type(),
                DepType::Depends | DepType::PreDepends | DepType::Recommends
            );
            let parent = reverse.target_package();
            let version = reverse.version();
            positive
                && (parent
                    .installed()
                    .is_some_and(|now| version == Some(now.version()) && parent.marked_keep())
                    || same(parent.candidate().as_ref(), parent.install_version().as_ref())
                        && (parent.marked_new_install() || parent.marked_upgrade()))
        })
}
