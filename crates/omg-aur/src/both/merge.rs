//! What is built, and why, put into a plan of the repositories.

use std::collections::BTreeSet;

use omg_core::{
    Action, Build as PlannedBuild, Operation, OptionalDependency, Plan, Planned, Reason, Source,
};

use super::shelf::Shelf;
use crate::constraint::bare;
use crate::dump::REPOSITORY;
use crate::dump::record::ARCHITECTURE as UNBUILT;
use crate::package::Package;
use crate::resolve::{Build, Kind, Origin, Repositories as _, Resolution};

/// Names of the repositories' packages that the builds need, sorted.
pub(super) fn wanted_from_repositories(resolution: &Resolution) -> Vec<String> {
    let needs = resolution.builds.iter().flat_map(|build| &build.needs);
    let names: BTreeSet<String> = needs
        .filter_map(|need| match &need.origin {
            Origin::Repository(name) => Some(name.clone()),
            Origin::Installed | Origin::Aur(_) => None,
        })
        .collect();
    names.into_iter().collect()
}

/// Puts the builds in. `requested` are the names of the packages that the operation is about.
pub(super) fn merge(
    plan: &mut Plan,
    operation: Operation,
    requested: &BTreeSet<String>,
    resolution: &Resolution,
    shelf: &Shelf,
) {
    for planned in &mut plan.changes {
        let needed = reason(&planned.name, resolution, &Origin::Repository(planned.name.clone()));
        if let (Some(needed), false) = (needed, requested.contains(&planned.name)) {
            planned.reason = needed;
            planned.automatic |= planned.action == Action::Install;
        }
    }
    for build in &resolution.builds {
        for package in &build.packages {
            if shelf.offered.version(&package.name).is_some() {
                plan.warnings.push(format!(
                    "{} is in a repository, too; this takes it from the AUR",
                    package.name
                ));
            }
            plan.changes.push(built(package, operation, requested, resolution, shelf));
        }
        plan.builds.push(recipe(build));
    }
    plan.providers.extend(resolution.providers.iter().cloned());
    let coming: BTreeSet<&str> = plan.changes.iter().map(|change| change.name.as_str()).collect();
    let optional = resolution.packages().flat_map(|package| {
        package.opt_depends.iter().map(|text| {
            let (wanted, description) = text.split_once(": ").unwrap_or((text, ""));
            OptionalDependency {
                package: package.name.clone(),
                wanted: wanted.to_owned(),
                description: description.to_owned(),
                satisfied: shelf.satisfies_installed(wanted) || coming.contains(bare(wanted)),
            }
        })
    });
    plan.optional.extend(optional);
}

/// Why a package of a resolution is there, by who needs it first.
fn reason(name: &str, resolution: &Resolution, origin: &Origin) -> Option<Reason> {
    let needs = resolution.builds.iter().flat_map(|build| &build.needs);
    let need = needs
        .filter(|need| need.origin == *origin && need.by != name)
        .min_by_key(|need| (need.kind, &need.by))?;
    Some(match need.kind {
        Kind::Runtime => Reason::Dependency(need.by.clone()),
        Kind::Make | Kind::Check => Reason::Build(need.by.clone()),
    })
}

fn built(
    package: &Package,
    operation: Operation,
    requested: &BTreeSet<String>,
    resolution: &Resolution,
    shelf: &Shelf,
) -> Planned {
    let old = shelf.installed.version(&package.name);
    let action = match old.map(|old| (shelf.compare())(&package.version, old)) {
        None => Action::Install,
        Some(order) if order.is_gt() => Action::Upgrade,
        Some(order) if order.is_lt() => Action::Downgrade,
        Some(_) => Action::Reinstall,
    };
    let requested = requested.contains(&package.name);
    let needed = reason(&package.name, resolution, &Origin::Aur(package.name.clone()));
    let reason = match needed {
        _ if requested && operation == Operation::Install => Reason::Requested,
        Some(needed) if !requested => needed,
        _ => Reason::Newer,
    };
    // What is there stays as it was marked.
    let automatic = match action {
        Action::Install => !requested,
        _ => shelf.is_automatic(&package.name),
    };
    Planned {
        action,
        name: package.name.clone(),
        architecture: UNBUILT.into(),
        old_version: old.map(str::to_owned),
        new_version: Some(package.version.clone()),
        source: Source::Aur,
        repository: REPOSITORY.into(),
        automatic,
        reason,
        download_size: 0,
        installed_size_delta: 0,
        sha256: None,
        grade: None,
    }
}

fn recipe(build: &Build) -> PlannedBuild {
    let first = build.packages.first();
    let names = |kind| {
        let mut names: Vec<String> =
            build.from_repositories(kind).into_iter().map(str::to_owned).collect();
        names.extend(build.from_aur(kind).into_iter().map(str::to_owned));
        names.sort_unstable();
        names
    };
    PlannedBuild {
        package_base: build.base.clone(),
        version: build.version.clone(),
        packages: build.packages.iter().map(|package| package.name.clone()).collect(),
        maintainer: first.and_then(|package| package.maintainer.clone()),
        votes: first.map_or(0, |package| package.num_votes),
        last_modified: first.map_or(0, |package| package.last_modified),
        out_of_date: first.and_then(|package| package.out_of_date),
        make_depends: names(Kind::Make),
        check_depends: names(Kind::Check),
    }
}
