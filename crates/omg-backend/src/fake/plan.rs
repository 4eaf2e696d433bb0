//! The fake's plans: what is named, and what it depends on, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use omg_core::{Action, Build, Change, Code, Fault, Operation, Plan, Planned, Reason, Source};

use omg_fetch::Sha256;

use super::{FakePackage, record};

pub(super) fn plan(
    packages: &BTreeMap<String, FakePackage>,
    change: &Change,
) -> Result<Plan, Fault> {
    let mut plan = Plan::default();
    match change.operation {
        Operation::Install => install(packages, change, &mut plan)?,
        Operation::Remove => {
            for name in &change.targets {
                remove(packages, name, &Reason::Requested, &mut plan)?;
            }
        }
        Operation::Upgrade => {
            let newer = packages.values().filter(|package| {
                let installed = package.installed.as_deref();
                installed.is_some_and(|version| record::compare(package.version(), version).is_gt())
            });
            plan.changes.extend(newer.map(|package| come(package, Reason::Newer)));
        }
        Operation::Autoremove => {
            let needed: BTreeSet<&str> = packages
                .values()
                .filter(|package| package.installed.is_some())
                .flat_map(|package| package.depends.iter().flat_map(|it| record::alternatives(it)))
                .collect();
            let orphans = packages.values().filter(|package| {
                package.automatic
                    && package.installed.is_some()
                    && !needed.contains(package.name.as_str())
            });
            plan.changes.extend(orphans.map(|package| go(package, Reason::Unneeded)));
        }
    }
    plan.sort();
    Ok(plan)
}

fn install(
    packages: &BTreeMap<String, FakePackage>,
    change: &Change,
    plan: &mut Plan,
) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    let (files, names): (Vec<&String>, Vec<&String>) =
        change.targets.iter().partition(|target| target.starts_with('/'));
    for path in files {
        plan.changes.push(file(packages, path, change.options.as_dependencies)?);
    }
    let mut open: Vec<(String, Reason)> =
        names.into_iter().map(|name| (name.clone(), Reason::Requested)).collect();
    while let Some((name, reason)) = open.pop() {
        let wanted_by = match &reason {
            Reason::Dependency(package) => Some(package.clone()),
            _ => None,
        };
        let package = packages
            .get(&name)
            .filter(|package| !package.versions.is_empty() || package.installed.is_some())
            .ok_or_else(|| match &wanted_by {
                Some(package) => Fault::new(
                    Code::Unsolvable,
                    format!("{package} depends on {name}, which is not to be had"),
                ),
                None => Fault::new(Code::NotFound, format!("no package is called '{name}'")),
            })?;
        if !seen.insert(name.clone()) || package.installed.as_deref() == Some(package.version()) {
            continue;
        }
        for item in &package.depends {
            let names = record::alternatives(item);
            if let Some(first) = names.first() {
                open.push(((*first).to_owned(), Reason::Dependency(name.clone())));
            }
        }
        let mut planned = come(package, reason);
        planned.automatic |= change.options.as_dependencies;
        if package.recipe {
            plan.builds.push(recipe(package));
            planned.source = Source::Aur;
        }
        plan.changes.push(planned);
    }
    // What is needed was found last, and is built first.
    plan.builds.reverse();
    Ok(())
}

fn recipe(package: &FakePackage) -> Build {
    let needed = package.depends.iter().flat_map(|item| record::alternatives(item));
    Build {
        package_base: package.name.clone(),
        version: package.version().to_owned(),
        packages: vec![package.name.clone()],
        maintainer: None,
        votes: 0,
        last_modified: 0,
        out_of_date: None,
        make_depends: needed.map(ToOwned::to_owned).collect(),
        check_depends: Vec::new(),
    }
}

/// The package that a file `NAME_VERSION_all.fake` is.
fn file(
    packages: &BTreeMap<String, FakePackage>,
    path: &str,
    automatic: bool,
) -> Result<Planned, Fault> {
    let bytes = fs::read(path).map_err(|error| {
        Fault::caused_by(Code::NotFound, format!("{path} can't be read"), &error)
    })?;
    let mut parts = path.rsplit('/').next().unwrap_or_default().split('_');
    let (Some(name), Some(version)) = (parts.next(), parts.next()) else {
        return Err(Fault::new(Code::Archive, format!("{path} is no package")));
    };
    let mut package = FakePackage::new(name, version, "");
    package.installed = packages.get(name).and_then(|it| it.installed.clone());
    Ok(Planned {
        repository: String::new(),
        sha256: Some(Sha256::of(&bytes).to_string()),
        automatic,
        ..come(&package, Reason::Requested)
    })
}

fn remove(
    packages: &BTreeMap<String, FakePackage>,
    name: &str,
    reason: &Reason,
    plan: &mut Plan,
) -> Result<(), Fault> {
    if plan.changes.iter().any(|change| change.name == name) {
        return Ok(());
    }
    let package = packages
        .get(name)
        .filter(|package| package.installed.is_some())
        .ok_or_else(|| Fault::new(Code::NotFound, format!("'{name}' is not installed")))?;
    plan.changes.push(go(package, reason.clone()));
    let needs = |other: &FakePackage| {
        other.installed.is_some()
            && other.depends.iter().any(|item| record::alternatives(item).first() == Some(&name))
    };
    for other in packages.values().filter(|other| needs(other)) {
        remove(packages, &other.name, &Reason::Loses(name.to_owned()), plan)?;
    }
    Ok(())
}

fn come(package: &FakePackage, reason: Reason) -> Planned {
    let action = if package.installed.is_some() { Action::Upgrade } else { Action::Install };
    Planned {
        new_version: Some(package.version().to_owned()),
        automatic: matches!(reason, Reason::Dependency(_)) || package.automatic,
        repository: "fake/main".into(),
        download_size: 1000,
        ..row(package, action, reason)
    }
}

fn go(package: &FakePackage, reason: Reason) -> Planned {
    row(package, Action::Remove, reason)
}

fn row(package: &FakePackage, action: Action, reason: Reason) -> Planned {
    let delta = match action {
        Action::Install => 4096,
        Action::Remove => -4096,
        _ => 0,
    };
    Planned {
        action,
        name: package.name.clone(),
        architecture: "all".into(),
        old_version: package.installed.clone(),
        new_version: None,
        source: Source::Apt,
        repository: String::new(),
        reason,
        automatic: package.automatic,
        download_size: 0,
        installed_size_delta: delta,
        sha256: None,
        grade: None,
    }
}
