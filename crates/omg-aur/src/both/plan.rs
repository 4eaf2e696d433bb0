//! A change over repositories and the AUR as one plan.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use omg_backend::PackageManager;
use omg_core::{Change, Code, Fault, Operation, Plan, Source};

use super::Both;
use super::asked::{Asked, span};
use super::merge::{merge, wanted_from_repositories};
use super::shelf::Shelf;
use super::targets::{PREFIX, Split, Target};
use super::{conflicts, targets};
use crate::constraint::bare;
use crate::error::Error;
use crate::resolve::{Request, Resolution, Young, resolve, young};

/// Recipes younger than the user wants them.
pub(super) struct Fresh {
    pub(super) refused: Vec<Young>,
    /// Young, but let through.
    pub(super) exempt: Vec<Young>,
}

impl<R: PackageManager> Both<R> {
    pub(super) async fn plan_both(&self, change: &Change) -> Result<Plan, Fault> {
        let mut plan = match change.operation {
            Operation::Install => self.install(change).await?,
            Operation::Upgrade => self.upgrade(change).await?,
            Operation::Remove | Operation::Autoremove => {
                return self.repositories.plan(change).await;
            }
        };
        let mut told = BTreeSet::new();
        plan.warnings.retain(|warning| told.insert(warning.clone()));
        plan.sort();
        Ok(plan)
    }

    async fn install(&self, change: &Change) -> Result<Plan, Fault> {
        let named = change.targets.iter().any(|target| target.starts_with(PREFIX));
        let unknown = if named {
            None
        } else {
            // What the repositories have, they alone decide about, and the AUR is not asked.
            match self.repositories.plan(change).await {
                Err(fault) if fault.code == Code::NotFound => Some(fault),
                Err(fault) => return Err(fault),
                Ok(mut plan) => {
                    // Only what is here can come from elsewhere now.
                    if plan.changes.iter().any(|change| change.old_version.is_some()) {
                        let shelf = self.shelf().await?;
                        plan.warnings.extend(switched(&plan, &shelf));
                    }
                    return Ok(plan);
                }
            }
        };
        let shelf = self.shelf().await?;
        let asked = Asked::new(&self.aur);
        let split = self.split(change, &shelf, &asked, unknown).await?;
        let Split { ours, theirs, choices, mut warnings } = split;
        let names = needed(&theirs, change, &shelf, &mut warnings);
        let resolution = self.resolve(change, &names, &shelf, &asked).await?;
        let fresh = self.young(change, &resolution);
        if let Some(fault) = refused(&fresh.refused, change) {
            return Err(fault);
        }
        let mut requested: BTreeSet<String> = names.into_iter().collect();
        requested.extend(ours.iter().map(|target| own_name(target).to_owned()));
        let mut plan = self.around(change, ours, &resolution).await?;
        plan.warnings.extend(asked.warning());
        plan.warnings.extend(warnings);
        plan.warnings.extend(switched(&plan, &shelf));
        plan.warnings.extend(fresh.exempt.iter().map(too_new));
        plan.providers.extend(choices);
        complete(&mut plan, change.operation, &requested, &resolution, &shelf)?;
        Ok(plan)
    }

    /// The repositories' part of a plan: the user's own targets, and what building needs.
    async fn around(
        &self,
        change: &Change,
        ours: Vec<String>,
        resolution: &Resolution,
    ) -> Result<Plan, Fault> {
        let mut own = change.clone();
        own.targets = ours;
        let extra = wanted_from_repositories(resolution);
        own.targets.extend(extra.into_iter().filter(|name| !change.targets.contains(name)));
        if !own.targets.is_empty() {
            return self.repositories.plan(&own).await;
        }
        if change.options.follow {
            own.operation = Operation::Upgrade;
            return self.repositories.plan(&own).await;
        }
        Ok(Plan::default())
    }

    /// What has to be built to have these packages of the AUR.
    pub(super) async fn resolve(
        &self,
        change: &Change,
        names: &[String],
        shelf: &Shelf,
        asked: &Asked<'_>,
    ) -> Result<Resolution, Fault> {
        if names.is_empty() {
            return Ok(Resolution::default());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let request = Request {
            targets: &names,
            providers: &change.providers,
            checks: true,
            compare: shelf.compare(),
            choose: None,
        };
        resolve(&request, shelf, asked).await.map_err(Fault::from)
    }

    pub(super) fn young(&self, change: &Change, resolution: &Resolution) -> Fresh {
        let (now, least) = (self.aur.inner.http.now(), self.demands.min_age_s);
        let least = change.options.min_age_s.unwrap_or(least);
        let exempt: Vec<&str> = self.demands.exempt.iter().map(String::as_str).collect();
        let refused = young(resolution, now, least, &exempt);
        // Who is let through is named all the same.
        let all = young(resolution, now, self.demands.min_age_s.max(least), &[]);
        let exempt = all.into_iter().filter(|one| !refused.contains(one)).collect();
        Fresh { refused, exempt }
    }

    /// What is there and what is offered now; read again only after a change.
    pub(super) async fn shelf(&self) -> Result<Arc<Shelf>, Fault> {
        let state = self.repositories.generations().await?.combined();
        let kept = self.shelf.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(shelf) = kept.filter(|shelf| shelf.state == state) {
            return Ok(shelf);
        }
        let compare = self.aur.inner.compare;
        let shelf = Arc::new(Shelf::read(&self.repositories, state, compare).await?);
        *self.shelf.lock().unwrap_or_else(PoisonError::into_inner) = Some(shelf.clone());
        Ok(shelf)
    }
}

/// Puts the builds into a plan of the repositories, and checks that all of it fits together.
pub(super) fn complete(
    plan: &mut Plan,
    operation: Operation,
    requested: &BTreeSet<String>,
    resolution: &Resolution,
    shelf: &Shelf,
) -> Result<(), Fault> {
    merge(plan, operation, requested, resolution, shelf);
    let warnings = conflicts::check(plan, requested, resolution, shelf);
    plan.warnings.extend(warnings.map_err(|why| Error::from(Box::new(why)))?);
    Ok(())
}

/// Packages that were built here and that a plan takes from a repository now.
pub(super) fn switched(plan: &Plan, shelf: &Shelf) -> Vec<String> {
    let comes = plan.changes.iter().filter(|change| {
        change.new_version.is_some()
            && change.source != Source::Aur
            && shelf.was_built(&change.name)
    });
    comes
        .map(|change| {
            let (name, repository) = (&change.name, &change.repository);
            format!("{name} was built here; this takes it from the repository {repository}")
        })
        .collect()
}

/// Names of the targets that have to be built: those that are not there, or older. What is newer
/// here than in the AUR, as recipes that build the newest source are, is told and stays.
fn needed(
    targets: &[Target],
    change: &Change,
    shelf: &Shelf,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let mut names = Vec::new();
    for targets::Target { package, versioned } in targets {
        let (name, version) = (&package.name, &package.version);
        let here = shelf.installed.version(name);
        let again = change.options.reinstall;
        let order = here.map(|here| (shelf.compare())(version, here));
        match (order, here) {
            (Some(order), _) if order.is_eq() && !again => {}
            (Some(order), Some(here)) if order.is_lt() && !again && !versioned => {
                warnings.push(format!(
                    "{name} {here} stays: the AUR has {version}, which `--reinstall` would build"
                ));
            }
            _ => names.push(name.clone()),
        }
    }
    names
}

/// The name in a target of the repositories.
fn own_name(target: &str) -> &str {
    bare(target.rsplit('/').next().unwrap_or(target))
}

fn refused(young: &[Young], change: &Change) -> Option<Fault> {
    let first = young.first()?;
    let mut fault = Fault::new(Code::Refused, too_new(first));
    fault.cause.extend(young.iter().skip(1).map(too_new));
    let targets = change.targets.join(" ");
    Some(fault.hint(format!(
        "omg aur review {} shows the recipe; `omg install --min-age 0 {targets}` plans it all the same",
        first.package
    )))
}

pub(super) fn too_new(young: &Young) -> String {
    let (what, age) = if young.is_new {
        ("was first submitted", young.submitted)
    } else {
        ("was changed", young.modified)
    };
    format!(
        "the recipe of {} {what} {} ago: hardly anybody can have looked at it",
        young.base,
        span(age)
    )
}
