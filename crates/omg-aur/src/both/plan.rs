//! A change over repositories and the AUR as one plan.

use std::sync::Arc;
use std::sync::PoisonError;

use omg_backend::PackageManager;
use omg_core::{
    Action, Build as PlannedBuild, Change, Code, Fault, HeldBack, Operation, OptionalDependency,
    Plan, Planned, Reason, Source,
};

use super::Both;
use super::shelf::Shelf;
use crate::constraint::{Constraint, bare};
use crate::dump::REPOSITORY;
use crate::name::is_name;
use crate::package::Package;
use crate::resolve::{
    Build, Kind, Origin, Repositories, Request, Resolution, Young, resolve, young,
};

/// How a target of the AUR is written where a repository has the name, too.
const PREFIX: &str = "aur/";

/// Architecture of what is not built yet.
const UNBUILT: &str = "source";

/// A change, with what of it only the AUR can meet.
struct Split {
    /// Targets for the repositories.
    ours: Vec<String>,
    /// Names of the AUR's packages.
    theirs: Vec<String>,
}

impl<R: PackageManager> Both<R> {
    pub(super) async fn plan_both(&self, change: &Change) -> Result<Plan, Fault> {
        match change.operation {
            Operation::Install => self.install(change).await,
            Operation::Upgrade => self.upgrade(change).await,
            Operation::Remove | Operation::Autoremove => self.repositories.plan(change).await,
        }
    }

    async fn install(&self, change: &Change) -> Result<Plan, Fault> {
        let named = change.targets.iter().any(|target| target.starts_with(PREFIX));
        let unknown = if named {
            None
        } else {
            // What the repositories have, they alone decide about, and the AUR is not asked.
            match self.repositories.plan(change).await {
                Err(fault) if fault.code == Code::NotFound => Some(fault),
                other => return other,
            }
        };
        let shelf = self.shelf().await?;
        let split = self.split(change, &shelf, unknown).await?;
        let resolution = self.resolve(change, &split.theirs, &shelf).await?;
        let fresh = self.young(change, &resolution);
        if let Some(fault) = refused(&fresh.refused, change) {
            return Err(fault);
        }
        let mut plan = self.around(change, split.ours, &resolution).await?;
        plan.warnings.extend(fresh.exempt.iter().map(|young| too_new(young)));
        merge(&mut plan, change, &resolution, &shelf);
        plan.sort();
        Ok(plan)
    }

    async fn upgrade(&self, change: &Change) -> Result<Plan, Fault> {
        let mut plan = self.repositories.plan(change).await?;
        let shelf = self.shelf().await?;
        let compare = self.aur.inner.compare;
        let only_here: Vec<(&str, &str)> = shelf
            .installed
            .all()
            .filter(|(name, _)| shelf.offered.version(name).is_none())
            .collect();
        let names: Vec<&str> = only_here.iter().map(|(name, _)| *name).collect();
        if names.is_empty() {
            return Ok(plan);
        }
        let known = match self.aur.info(&names).await {
            Ok(answer) => answer,
            Err(error) => {
                let fault = Fault::from(error);
                plan.warnings.push(format!("packages of the AUR are left as they are: {fault}"));
                return Ok(plan);
            }
        };
        let version = |name: &str| shelf.installed.version(name).unwrap_or("");
        let newer: Vec<&Package> = known
            .value
            .iter()
            .filter(|package| compare(&package.version, version(&package.name)).is_gt())
            .filter(|package| !plan.changes.iter().any(|change| change.name == package.name))
            .collect();
        let (built, fetched): (Vec<&Package>, Vec<&Package>) =
            newer.into_iter().partition(|package| shelf.was_built(&package.name));
        plan.warnings.extend(fetched.into_iter().map(|package| {
            format!(
                "{0} {1} is in no repository any more; the AUR has {2}, which `omg install {PREFIX}{0}` would build",
                package.name,
                version(&package.name),
                package.version
            )
        }));
        self.add_upgrades(change, &mut plan, &built, &shelf).await?;
        plan.sort();
        Ok(plan)
    }

    /// Adds the builds of packages with a newer recipe; too new ones stay behind, and what can't be
    /// resolved does not keep the rest of the system from its upgrade.
    async fn add_upgrades(
        &self,
        change: &Change,
        plan: &mut Plan,
        packages: &[&Package],
        shelf: &Shelf,
    ) -> Result<(), Fault> {
        let mut names: Vec<String> = Vec::new();
        for package in packages {
            let one = [package.name.clone()];
            let held = match self.resolve(change, &one, shelf).await {
                Ok(resolution) => {
                    let fresh = self.young(change, &resolution);
                    plan.warnings.extend(fresh.exempt.iter().map(|young| too_new(young)));
                    fresh.refused.first().map(too_new)
                }
                Err(fault) => Some(fault.to_string()),
            };
            match held {
                None => names.extend(one),
                Some(why) => plan.held_back.push(HeldBack {
                    name: package.name.clone(),
                    architecture: UNBUILT.into(),
                    installed_version: shelf.installed.version(&package.name).unwrap_or("").into(),
                    candidate_version: package.version.clone(),
                    why,
                }),
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        let resolution = self.resolve(change, &names, shelf).await?;
        let wanted = wanted_from_repositories(&resolution);
        if !wanted.is_empty() {
            // Asked anew with what building needs: one plan, so that its parts fit together.
            let mut whole = change.clone();
            whole.operation = Operation::Install;
            whole.options.follow = true;
            whole.targets = wanted;
            let mut together = self.repositories.plan(&whole).await?;
            together.warnings.append(&mut plan.warnings);
            together.held_back.append(&mut plan.held_back);
            *plan = together;
        }
        merge(plan, change, &resolution, shelf);
        Ok(())
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

    async fn split(
        &self,
        change: &Change,
        shelf: &Shelf,
        unknown: Option<Fault>,
    ) -> Result<Split, Fault> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for target in &change.targets {
            match target.strip_prefix(PREFIX) {
                Some(name) => theirs.push(name.to_owned()),
                None if shelf.has(target) || !is_name(target) => ours.push(target.clone()),
                None => theirs.push(target.clone()),
            }
        }
        let names: Vec<&str> = theirs.iter().map(String::as_str).collect();
        if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
            let message = format!("'{wrong}' can't be the name of a package of the AUR");
            return Err(Fault::new(Code::Usage, message));
        }
        if names.is_empty() {
            return unknown.map_or(Ok(Split { ours, theirs }), Err);
        }
        let found = self.aur.info(&names).await?.value;
        let missing = names.iter().find(|name| !found.iter().any(|it| it.name == **name));
        match (missing, unknown) {
            // The repositories' own words: they may know more of it than that it is missing.
            (Some(_), Some(fault)) => Err(fault),
            (Some(name), None) => {
                Err(Fault::new(Code::NotFound, format!("the AUR has no package '{name}'"))
                    .hint(format!("omg search {name}")))
            }
            (None, _) => Ok(Split { ours, theirs }),
        }
    }

    async fn resolve(
        &self,
        change: &Change,
        targets: &[String],
        shelf: &Shelf,
    ) -> Result<Resolution, Fault> {
        let there = |name: &&str| {
            change.options.reinstall || shelf.installed.version(name).is_none_or(str::is_empty)
        };
        let mut names: Vec<&str> = targets.iter().map(String::as_str).collect();
        let known = self.aur.info(&names).await?.value;
        names.retain(|name| {
            let version = known.iter().find(|it| it.name == *name).map(|it| it.version.as_str());
            there(name) || shelf.installed.version(name) != version
        });
        if names.is_empty() {
            return Ok(Resolution::default());
        }
        let request = Request {
            targets: &names,
            providers: &change.providers,
            checks: true,
            compare: self.aur.inner.compare,
            choose: None,
        };
        resolve(&request, shelf, &self.aur).await.map_err(Fault::from)
    }

    fn young(&self, change: &Change, resolution: &Resolution) -> Fresh {
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
    async fn shelf(&self) -> Result<Arc<Shelf>, Fault> {
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

/// Recipes younger than the user wants them.
struct Fresh {
    refused: Vec<Young>,
    /// Young, but let through.
    exempt: Vec<Young>,
}

impl Repositories for Shelf {
    fn satisfies_installed(&self, dependency: &str) -> bool {
        self.installed.satisfying(dependency, self.compare()).next().is_some()
    }

    fn providers(&self, dependency: &str) -> Vec<String> {
        let name = Constraint::parse(dependency).name;
        let mut found: Vec<String> =
            self.offered.satisfying(dependency, self.compare()).map(str::to_owned).collect();
        if found.first().is_some_and(|first| first == name) {
            found.truncate(1);
        }
        found
    }
}

fn refused(young: &[Young], change: &Change) -> Option<Fault> {
    let first = young.first()?;
    let mut fault = Fault::new(Code::Refused, too_new(first));
    fault.cause.extend(young.iter().skip(1).map(too_new));
    let targets = change.targets.join(" ");
    Some(fault.hint(format!(
        "omg aur review {} shows the recipe; `omg install --min-age 0 {targets}` plans it all the same",
        first.base
    )))
}

fn too_new(young: &Young) -> String {
    let age = |seconds: u64| match seconds {
        0..3600 => format!("{} minutes ago", seconds / 60),
        3600..172_800 => format!("{} hours ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    };
    let what = if young.is_new { "was first submitted" } else { "was changed" };
    let time = if young.is_new { young.submitted } else { young.modified };
    format!(
        "the recipe of {} {what} {}: hardly anybody can have looked at it",
        young.base,
        age(time)
    )
}

fn wanted_from_repositories(resolution: &Resolution) -> Vec<String> {
    let mut names: Vec<String> = resolution
        .builds
        .iter()
        .flat_map(|build| &build.needs)
        .filter_map(|need| match &need.origin {
            Origin::Repository(name) => Some(name.clone()),
            Origin::Installed | Origin::Aur(_) => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
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

/// Puts what is built, and why, into a plan of the repositories.
fn merge(plan: &mut Plan, change: &Change, resolution: &Resolution, shelf: &Shelf) {
    if let Some(why) = &resolution.stale {
        let hours = resolution.age / 3600;
        plan.warnings.push(format!("what is known of the AUR is {hours} hours old: {why}"));
    }
    let targets: Vec<&str> =
        change.targets.iter().map(|target| target.strip_prefix(PREFIX).unwrap_or(target)).collect();
    for planned in &mut plan.changes {
        let needed = reason(&planned.name, resolution, &Origin::Repository(planned.name.clone()));
        if let (Some(needed), false) = (needed, targets.contains(&planned.name.as_str())) {
            planned.reason = needed;
            planned.automatic |= planned.action == Action::Install;
        }
    }
    let mut coming: Vec<String> = Vec::new();
    for build in &resolution.builds {
        for package in &build.packages {
            let planned = built(package, &targets, resolution, shelf);
            if shelf.offered.version(&package.name).is_some() {
                plan.warnings.push(format!(
                    "{} is in a repository, too; this takes it from the AUR",
                    package.name
                ));
            }
            plan.warnings.extend(conflicts(package, shelf));
            coming.push(package.name.clone());
            plan.changes.push(planned);
        }
        plan.builds.push(recipe(build));
    }
    plan.providers.extend(resolution.providers.iter().cloned());
    for package in resolution.packages() {
        plan.optional.extend(package.opt_depends.iter().map(|text| {
            let (wanted, description) = text.split_once(": ").unwrap_or((text, ""));
            let satisfied = shelf.satisfies_installed(wanted)
                || plan.changes.iter().any(|change| change.name == bare(wanted))
                || coming.iter().any(|name| name == bare(wanted));
            OptionalDependency {
                package: package.name.clone(),
                wanted: wanted.to_owned(),
                description: description.to_owned(),
                satisfied,
            }
        }));
    }
}

fn built(package: &Package, targets: &[&str], resolution: &Resolution, shelf: &Shelf) -> Planned {
    let old = shelf.installed.version(&package.name);
    let action = match old.map(|old| (shelf.compare())(&package.version, old)) {
        None => Action::Install,
        Some(order) if order.is_gt() => Action::Upgrade,
        Some(order) if order.is_lt() => Action::Downgrade,
        Some(_) => Action::Reinstall,
    };
    let needed = reason(&package.name, resolution, &Origin::Aur(package.name.clone()));
    let requested = targets.contains(&package.name.as_str());
    let reason = match needed {
        _ if requested => Reason::Requested,
        Some(needed) => needed,
        None => Reason::Newer,
    };
    Planned {
        action,
        name: package.name.clone(),
        architecture: UNBUILT.into(),
        old_version: old.map(str::to_owned),
        new_version: Some(package.version.clone()),
        source: Source::Aur,
        repository: REPOSITORY.into(),
        automatic: action == Action::Install && !requested,
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

/// What would have to go, as pacman will ask when the package is installed.
fn conflicts(package: &Package, shelf: &Shelf) -> Vec<String> {
    let against = package.conflicts.iter().flat_map(|conflict| {
        shelf.installed.satisfying(conflict, shelf.compare()).filter(|name| *name != package.name)
    });
    let mut names: Vec<&str> = against.collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| format!("{} conflicts with {name}, which would have to go", package.name))
        .collect()
}
