//! Partial upgrades: refused, because Arch tests and supports its packages as one state only.
//!
//! A new package was built against the newest libraries. If one that it needs, however indirectly, is
//! installed in an older version, it may not run; and if that one alone is upgraded, everything else
//! that uses it may not. So such a plan is made only if the whole system follows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use omg_core::{Action, Change, Plan, Planned};

use crate::error::Error;
use crate::handle::Handle;
use crate::native::{Package, fulfils};
use crate::pending::{self, Pending};

/// Refuses a plan that is a partial upgrade.
pub(crate) fn refuse(handle: &Handle, plan: &Plan, change: &Change) -> Result<(), Error> {
    // What comes out of a file was built for this system, or is at the user's own risk.
    let taken: Vec<&Planned> = plan
        .changes
        .iter()
        .filter(|planned| matches!(planned.action, Action::Install | Action::Upgrade))
        .filter(|planned| !planned.repository.starts_with('/'))
        .collect();
    if taken.is_empty() {
        return Ok(());
    }
    let changed: BTreeSet<&str> =
        plan.changes.iter().map(|planned| planned.name.as_str()).collect();
    let mut left = pending::upgrades(handle);
    left.retain(|name, _| !changed.contains(name.as_str()));
    if left.is_empty() {
        return Ok(());
    }
    let mut causes = upgraded_alone(&taken, &left);
    causes.extend(needs_older(handle, &taken, &changed, &left));
    if causes.is_empty() {
        Ok(())
    } else {
        Err(Error::Partial { causes, targets: change.targets.clone() })
    }
}

fn upgraded_alone(taken: &[&Planned], left: &BTreeMap<String, Pending>) -> Vec<String> {
    let others = left.len();
    taken
        .iter()
        .filter(|planned| planned.action == Action::Upgrade)
        .map(|planned| {
            format!(
                "{} would be upgraded ({} → {}), and {others} more with newer versions would not",
                planned.name,
                planned.old_version.as_deref().unwrap_or(""),
                planned.new_version.as_deref().unwrap_or(""),
            )
        })
        .collect()
}

/// Installed packages that something new needs and that stay behind.
fn needs_older(
    handle: &Handle,
    taken: &[&Planned],
    changed: &BTreeSet<&str>,
    left: &BTreeMap<String, Pending>,
) -> Vec<String> {
    let new: Vec<Package<'_>> = taken
        .iter()
        .filter(|planned| planned.action == Action::Install)
        .filter_map(|planned| {
            handle.repository(&planned.repository)?.pkg(planned.name.as_str()).ok()
        })
        .collect();
    let mut offered: HashMap<&str, Vec<Package<'_>>> = HashMap::new();
    for installed in handle.alpm.localdb().pkgs() {
        if !changed.contains(installed.name()) {
            offered.entry(installed.name()).or_default().push(installed);
            for provided in installed.provides() {
                offered.entry(provided.name()).or_default().push(installed);
            }
        }
    }
    let mut causes = BTreeMap::new();
    // Who is looked at, and the new package that led there.
    let mut queue: Vec<(Package<'_>, &str)> = new.iter().map(|one| (*one, one.name())).collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some((package, newcomer)) = queue.pop() {
        for relation in package.depends() {
            for other in offered.get(relation.name()).into_iter().flatten() {
                if !fulfils(*other, &relation) || !seen.insert(other.name()) {
                    continue;
                }
                if let Some(pending) = left.get(other.name()) {
                    causes.insert(other.name(), cause(other.name(), newcomer, pending));
                }
                queue.push((*other, newcomer));
            }
        }
    }
    causes.into_values().collect()
}

fn cause(name: &str, newcomer: &str, pending: &Pending) -> String {
    let Pending { old, new: (new_name, new_version) } = pending;
    if new_name == name {
        format!("{newcomer} needs {name}, which would stay at {old} though {new_version} is there")
    } else {
        format!("{newcomer} needs {name}, which {new_name} {new_version} replaces")
    }
}
