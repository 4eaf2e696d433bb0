//! Packages that can't be installed beside each other. The repositories' own conflicts are the
//! native library's affair; here it is those that packages of the AUR have a part in.

use std::collections::BTreeSet;

use ahash::AHashMap;
use omg_core::{Plan, Reason, Source};

use super::shelf::{Item, Shelf};
use crate::constraint::{Constraint, bare};
use crate::package::Package;
use crate::resolve::{Kind, Origin, Resolution, Unsolvable};

/// A package that comes.
struct Coming<'a> {
    name: &'a str,
    version: &'a str,
    provides: Vec<&'a str>,
    conflicts: Vec<&'a str>,
    is_recipe: bool,
    /// Is it there after the builds are done?
    stays: bool,
}

/// Looks for conflicts in a plan that has everything. Gives what the user should know.
///
/// # Errors
/// [`Unsolvable::Conflict`] for two packages that would both have to stay.
pub(super) fn check(
    plan: &Plan,
    requested: &BTreeSet<String>,
    resolution: &Resolution,
    shelf: &Shelf,
) -> Result<Vec<String>, Unsolvable> {
    let coming = coming(plan, requested, resolution, shelf);
    let mut by_name: AHashMap<&str, Vec<usize>> = AHashMap::new();
    for (at, one) in coming.iter().enumerate() {
        let names = std::iter::once(one.name).chain(one.provides.iter().map(|item| bare(item)));
        let names: BTreeSet<&str> = names.collect();
        for name in names {
            by_name.entry(name).or_default().push(at);
        }
    }
    let hit = |conflict: &str| -> Vec<&Coming<'_>> {
        let wanted = Constraint::parse(conflict);
        let fits = |one: &&Coming<'_>| {
            wanted.accepts(one.name, one.version, &one.provides, shelf.compare())
        };
        let numbers = by_name.get(wanted.name).map_or(&[][..], Vec::as_slice);
        numbers.iter().filter_map(|&at| coming.get(at)).filter(fits).collect()
    };
    let mut warnings = BTreeSet::new();
    for one in &coming {
        for conflict in &one.conflicts {
            let others = hit(conflict).into_iter().filter(|other| other.name != one.name);
            for other in others.filter(|other| one.is_recipe || other.is_recipe) {
                warnings.insert(clash(one, other, conflict)?);
            }
        }
    }
    let changed = |name: &str| plan.changes.iter().any(|change| change.name == name);
    for one in coming.iter().filter(|one| one.is_recipe) {
        for conflict in &one.conflicts {
            let there = shelf.installed.satisfying(conflict, shelf.compare());
            let there = there.filter(|name| *name != one.name && !changed(name));
            warnings.extend(there.map(|name| in_the_way(one.name, name)));
        }
    }
    for item in shelf.installed.items().iter().filter(|item| !changed(&item.name)) {
        for conflict in &item.conflicts {
            let met = hit(conflict).into_iter().filter(|one| one.is_recipe);
            warnings.extend(met.map(|one| in_the_way(one.name, &item.name)));
        }
    }
    Ok(warnings.into_iter().collect())
}

fn clash(one: &Coming<'_>, other: &Coming<'_>, conflict: &str) -> Result<String, Unsolvable> {
    let (package, other_name) = (one.name.to_owned(), other.name.to_owned());
    if one.stays && other.stays {
        let conflict = conflict.to_owned();
        return Err(Unsolvable::Conflict { package, other: other_name, conflict });
    }
    let passing = if one.stays { other.name } else { one.name };
    Ok(format!(
        "{package} conflicts with {other_name}: {passing}, which only builds need, has to go again before the other comes"
    ))
}

fn in_the_way(package: &str, installed: &str) -> String {
    format!("{package} conflicts with {installed}, which would have to go")
}

fn coming<'a>(
    plan: &'a Plan,
    requested: &BTreeSet<String>,
    resolution: &'a Resolution,
    shelf: &'a Shelf,
) -> Vec<Coming<'a>> {
    let kept = kept(requested, resolution);
    let recipes = resolution.packages().map(|package| Coming {
        name: &package.name,
        version: &package.version,
        provides: package.provides.iter().map(String::as_str).collect(),
        conflicts: package.conflicts.iter().map(String::as_str).collect(),
        is_recipe: true,
        stays: kept.contains(package.package_base.as_str()),
    });
    let others = plan.changes.iter().filter(|change| change.source != Source::Aur);
    let others = others.filter_map(|change| {
        let version = change.new_version.as_deref()?;
        let item = shelf.offered.item(&change.name);
        let texts = |of: fn(&Item) -> &[Box<str>]| item.map_or(&[][..], of).iter().map(|it| &**it);
        Some(Coming {
            name: &change.name,
            version,
            provides: texts(|item| &item.provides).collect(),
            conflicts: texts(|item| &item.conflicts).collect(),
            is_recipe: false,
            stays: !matches!(change.reason, Reason::Build(_)),
        })
    });
    recipes.chain(others).collect()
}

/// Bases whose packages are there after the builds: what was named, and what that needs to run.
fn kept<'a>(requested: &BTreeSet<String>, resolution: &'a Resolution) -> BTreeSet<&'a str> {
    let base_of: AHashMap<&str, &str> = resolution
        .packages()
        .map(|Package { name, package_base, .. }| (&**name, &**package_base))
        .collect();
    let named = resolution.packages().filter(|package| requested.contains(&package.name));
    let mut kept: BTreeSet<&str> = named.map(|package| &*package.package_base).collect();
    // In the order of building all needs come first; backwards, all who need something.
    for build in resolution.builds.iter().rev() {
        if !kept.contains(&*build.base) {
            continue;
        }
        let runtime = build.needs.iter().filter(|need| need.kind == Kind::Runtime);
        kept.extend(runtime.filter_map(|need| match &need.origin {
            Origin::Aur(name) => base_of.get(name.as_str()).copied(),
            Origin::Installed | Origin::Repository(_) => None,
        }));
    }
    kept
}
