//! The upgrade of the whole system, or of some packages, over repositories and the AUR.

use std::collections::BTreeSet;

use omg_backend::PackageManager;
use omg_core::{Change, Fault, HeldBack, Operation, Plan};

use super::Both;
use super::asked::Asked;
use super::merge::wanted_from_repositories;
use super::plan::{complete, switched, too_new};
use super::shelf::Shelf;
use super::targets::PREFIX;
use crate::dump::record::ARCHITECTURE as UNBUILT;
use crate::name::is_name;
use crate::package::Package;
use crate::resolve::{Lookup as _, Resolution};

impl<R: PackageManager> Both<R> {
    pub(super) async fn upgrade(&self, change: &Change) -> Result<Plan, Fault> {
        let shelf = self.shelf().await?;
        let foreign = |name: &str| {
            is_name(name)
                && shelf.offered.version(name).is_none()
                && shelf.installed.version(name).is_some()
        };
        let mut own = change.clone();
        let names: Vec<&str> = if change.targets.is_empty() {
            let items = shelf.installed.items().iter();
            items.map(|item| &*item.name).filter(|name| foreign(name)).collect()
        } else {
            own.targets.retain(|target| !foreign(target));
            change.targets.iter().map(String::as_str).filter(|name| foreign(name)).collect()
        };
        let mut plan = if own.targets.is_empty() && !change.targets.is_empty() {
            Plan::default()
        } else {
            self.repositories.plan(&own).await?
        };
        plan.warnings.extend(switched(&plan, &shelf));
        if names.is_empty() {
            return Ok(plan);
        }
        let asked = Asked::new(&self.aur);
        let known = match asked.named(&names).await {
            Ok(answer) => answer.value,
            Err(error) => {
                let fault = Fault::from(error);
                plan.warnings.push(format!("packages of the AUR are left as they are: {fault}"));
                return Ok(plan);
            }
        };
        let newer = newer(&known, &mut plan, &shelf);
        self.add_upgrades(&own, &mut plan, &newer, &shelf, &asked).await;
        plan.warnings.extend(asked.warning());
        Ok(plan)
    }

    /// Adds the builds of packages with a newer recipe. Too new ones stay behind, and so does what
    /// can't be resolved: neither keeps the rest of the system from its upgrade.
    async fn add_upgrades(
        &self,
        change: &Change,
        plan: &mut Plan,
        packages: &[&Package],
        shelf: &Shelf,
        asked: &Asked<'_>,
    ) {
        let all: Vec<String> = packages.iter().map(|package| package.name.clone()).collect();
        let together = self.resolve(change, &all, shelf, asked).await;
        let together = together.ok().filter(|it| self.young(change, it).refused.is_empty());
        let names = if together.is_some() {
            all
        } else {
            self.ready(change, plan, packages, shelf, asked).await
        };
        if names.is_empty() {
            return;
        }
        let resolution = match together {
            Some(resolution) => Ok(resolution),
            None => self.resolve(change, &names, shelf, asked).await,
        };
        let whole = match resolution {
            Ok(resolution) => {
                plan.warnings.extend(self.young(change, &resolution).exempt.iter().map(too_new));
                self.with_builds(change, plan, &names, &resolution, shelf).await
            }
            Err(fault) => Err(fault),
        };
        match whole {
            Ok(whole) => *plan = whole,
            Err(fault) => {
                let stay = packages.iter().filter(|package| names.contains(&package.name));
                plan.held_back.extend(stay.map(|package| held(package, shelf, fault.to_string())));
            }
        }
    }

    /// Names of the packages that can be built, each looked at alone; the others are held back.
    async fn ready(
        &self,
        change: &Change,
        plan: &mut Plan,
        packages: &[&Package],
        shelf: &Shelf,
        asked: &Asked<'_>,
    ) -> Vec<String> {
        let mut names = Vec::new();
        for package in packages {
            let one = [package.name.clone()];
            let why = match self.resolve(change, &one, shelf, asked).await {
                Ok(resolution) => self.young(change, &resolution).refused.first().map(too_new),
                Err(fault) => Some(fault.to_string()),
            };
            match why {
                None => names.extend(one),
                Some(why) => plan.held_back.push(held(package, shelf, why)),
            }
        }
        names
    }

    /// The same plan with builds. What they need of the repositories is asked for together with the
    /// rest: one plan, so that its parts fit together.
    async fn with_builds(
        &self,
        change: &Change,
        plan: &Plan,
        names: &[String],
        resolution: &Resolution,
        shelf: &Shelf,
    ) -> Result<Plan, Fault> {
        let mut whole = plan.clone();
        let wanted = wanted_from_repositories(resolution);
        if !wanted.is_empty() {
            let mut asked = change.clone();
            asked.operation = Operation::Install;
            asked.options.follow |= change.targets.is_empty();
            asked.targets.extend(wanted);
            whole = self.repositories.plan(&asked).await?;
            whole.warnings.extend(plan.warnings.iter().cloned());
            let known: BTreeSet<String> =
                whole.held_back.iter().map(|it| it.name.clone()).collect();
            let more = plan.held_back.iter().filter(|it| !known.contains(&it.name)).cloned();
            whole.held_back.extend(more);
        }
        let requested = names.iter().cloned().collect();
        complete(&mut whole, change.operation, &requested, resolution, shelf)?;
        Ok(whole)
    }
}

/// Those of the AUR's packages that are newer than what is here and may be built. What came from a
/// repository that has it no longer is told, not built: the AUR's package of that name may be
/// somebody else's.
fn newer<'a>(known: &'a [Package], plan: &mut Plan, shelf: &Shelf) -> Vec<&'a Package> {
    let mut newer = Vec::new();
    for package in known {
        let name = &package.name;
        let here = shelf.installed.version(name).unwrap_or("");
        let is_newer = (shelf.compare())(&package.version, here).is_gt();
        if !is_newer || plan.changes.iter().any(|change| change.name == *name) {
            continue;
        }
        if !shelf.was_built(name) {
            plan.warnings.push(format!(
                "{name} {here} is in no repository any more; the AUR has {}, which `omg install {PREFIX}{name}` would build",
                package.version
            ));
        } else if shelf.is_held(name) {
            plan.held_back.push(held(package, shelf, "ignored in pacman.conf".into()));
        } else {
            newer.push(package);
        }
    }
    newer
}

fn held(package: &Package, shelf: &Shelf, why: String) -> HeldBack {
    HeldBack {
        name: package.name.clone(),
        architecture: UNBUILT.into(),
        installed_version: shelf.installed.version(&package.name).unwrap_or("").into(),
        candidate_version: package.version.clone(),
        why,
    }
}
