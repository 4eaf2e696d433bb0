//! What an upgrade of the whole system would change: looked up without a transaction.

use std::collections::{BTreeMap, HashMap};

use omg_core::{HeldBack, Plan};

use crate::handle::Handle;
use crate::native::alpm::Usage;
use crate::native::{Database, Package};

/// An installed package that an upgrade would change.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) old: String,
    /// Name and version of what takes its place.
    pub(crate) new: (String, String),
}

/// Installed packages that `pacman -Su` would upgrade or replace, by name.
pub(crate) fn upgrades(handle: &Handle) -> BTreeMap<String, Pending> {
    let databases: Vec<Database<'_>> = upgrading(handle).collect();
    let replacers: Vec<HashMap<&str, Vec<Package<'_>>>> =
        databases.iter().map(|database| replacers(*database)).collect();
    let mut pending = BTreeMap::new();
    for installed in handle.alpm.localdb().pkgs() {
        let name = installed.name();
        for (database, replacers) in databases.iter().zip(&replacers) {
            // A replacement in one repository comes before the same name in it.
            let replacer = replacers.get(name).into_iter().flatten().find(|package| {
                replaces(**package, installed) && !ignored_either(installed, **package)
            });
            let literal = database.pkg(name).ok();
            let newer = literal.filter(|package| {
                package.version().vercmp(installed.version()).is_gt()
                    && !ignored_either(installed, *package)
            });
            if let Some(new) = replacer.copied().or(newer) {
                let old = installed.version().to_string();
                let new = (new.name().to_owned(), new.version().to_string());
                pending.insert(name.to_owned(), Pending { old, new });
                break;
            }
            if literal.is_some() {
                break;
            }
        }
    }
    pending
}

/// Installed packages with newer versions that `IgnorePkg` and `IgnoreGroup` keep where they are.
pub(crate) fn ignored(handle: &Handle, plan: &Plan) -> Vec<HeldBack> {
    let changed = |name: &str| plan.changes.iter().any(|change| change.name == name);
    let mut held = Vec::new();
    for installed in handle.alpm.localdb().pkgs() {
        let name = installed.name();
        let Some(newer) = upgrading(handle).find_map(|database| database.pkg(name).ok()) else {
            continue;
        };
        if newer.version().vercmp(installed.version()).is_gt()
            && ignored_either(installed, newer)
            && !changed(name)
        {
            held.push(HeldBack {
                name: name.to_owned(),
                architecture: installed.arch().unwrap_or("any").to_owned(),
                installed_version: installed.version().to_string(),
                candidate_version: newer.version().to_string(),
                why: why(handle, name).into(),
            });
        }
    }
    held
}

fn why(handle: &Handle, name: &str) -> &'static str {
    if handle.conf.held.iter().any(|held| held == name) { "held" } else { "ignored in pacman.conf" }
}

fn upgrading(handle: &Handle) -> impl Iterator<Item = Database<'_>> {
    handle
        .alpm
        .syncdbs()
        .into_iter()
        .filter(|database| database.usage().is_ok_and(|usage| usage.intersects(Usage::UPGRADE)))
}

fn ignored_either(installed: Package<'_>, new: Package<'_>) -> bool {
    installed.should_ignore() || new.should_ignore()
}

fn replacers(database: Database<'_>) -> HashMap<&str, Vec<Package<'_>>> {
    let mut replacers: HashMap<&str, Vec<Package<'_>>> = HashMap::new();
    for package in database.pkgs() {
        for replaced in package.replaces() {
            replacers.entry(replaced.name()).or_default().push(package);
        }
    }
    replacers
}

/// By name only: what a package provides is not replaced with it.
fn replaces(new: Package<'_>, installed: Package<'_>) -> bool {
    new.replaces().into_iter().any(|replaced| {
        replaced.name() == installed.name() && crate::native::within(installed.version(), &replaced)
    })
}
