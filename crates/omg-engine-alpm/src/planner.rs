//! From a change to a plan: the transaction that pacman would prepare, read and released.

use std::collections::BTreeSet;
use std::path::Path;

use omg_core::{Action, Change, Fault, Operation, Plan, Scope};
use omg_engine::Planner;

use crate::describe::{self, Request};
use crate::error::Error;
use crate::handle::Handle;
use crate::native::{self, alpm::TransFlag};
use crate::{failure, partial, pending, record, targets, unneeded};

/// A handle of libalpm that plans. What it has read stays read from one plan to the next.
pub struct AlpmPlanner {
    handle: Handle,
}

impl std::fmt::Debug for AlpmPlanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlpmPlanner").field("root", &self.handle.conf.root).finish_non_exhaustive()
    }
}

impl Planner for AlpmPlanner {
    fn open(root: &Path) -> Result<Self, Fault> {
        Ok(Self { handle: Handle::open(root)? })
    }

    fn plan(&mut self, change: &Change) -> Result<Plan, Fault> {
        let plan = self.resolve(change)?;
        if !follows(change) && change.operation != Operation::Autoremove {
            partial::refuse(&self.handle, &plan, change)?;
        }
        Ok(plan)
    }
}

impl AlpmPlanner {
    /// What pacman would do: the plan before partial upgrades are refused.
    ///
    /// # Errors
    /// pacman would refuse it too, or one of OMG's rules does.
    pub fn resolve(&mut self, change: &Change) -> Result<Plan, Error> {
        for target in &change.targets {
            targets::check(target)?;
        }
        let mut request = Request::default();
        let mut plan = match change.operation {
            Operation::Install | Operation::Upgrade => self.addition(change, &mut request)?,
            Operation::Remove => {
                let flags =
                    if change.options.recursive { TransFlag::RECURSE } else { TransFlag::NONE };
                self.removal(change, flags, &change.targets, &mut request)?
            }
            Operation::Autoremove => self.sweep(change, &mut request)?,
        };
        plan.sort();
        Ok(plan)
    }

    /// `pacman -S`, `-U` and `-Su`.
    fn addition(&mut self, change: &Change, request: &mut Request) -> Result<Plan, Error> {
        let follows = follows(change);
        let from_repositories = change.targets.iter().any(|target| !target.starts_with('/'));
        if follows || from_repositories {
            self.handle.need_repositories()?;
        }
        let flags = if change.options.reinstall { TransFlag::NONE } else { TransFlag::NEEDED };
        let plan = self.within(change, flags, request, |planner, request| {
            targets::add(&planner.handle, change, request)?;
            if follows {
                let handle = &planner.handle;
                handle
                    .alpm
                    .sync_sysupgrade(false)
                    .map_err(|error| handle.failed("looking for upgrades", error))?;
            }
            planner.prepare()
        })?;
        if change.operation == Operation::Upgrade && change.options.scope == Scope::Safe {
            refuse_unsafe(&plan)?;
        }
        Ok(plan)
    }

    /// `pacman -R`.
    fn removal(
        &mut self,
        change: &Change,
        flags: TransFlag,
        names: &[String],
        request: &mut Request,
    ) -> Result<Plan, Error> {
        let flags = if change.options.purge { flags | TransFlag::NO_SAVE } else { flags };
        let plan = self.within(change, flags, request, |planner, request| {
            targets::remove(&planner.handle, names, request)?;
            planner.prepare()
        })?;
        let held: Vec<String> = plan
            .changes
            .iter()
            .filter(|change| self.handle.rules.holds(&change.name))
            .map(|change| change.name.clone())
            .collect();
        if held.is_empty() { Ok(plan) } else { Err(Error::Held { names: held }) }
    }

    /// `pacman -Rs $(pacman -Qdtq)` until nothing is left to name.
    fn sweep(&mut self, change: &Change, request: &mut Request) -> Result<Plan, Error> {
        let chosen: BTreeSet<&str> = change.targets.iter().map(String::as_str).collect();
        let mut names = BTreeSet::new();
        let mut plan = Plan::default();
        loop {
            let known = names.len();
            names.extend(
                unneeded::after(&self.handle, &plan)
                    .into_iter()
                    .filter(|name| chosen.is_empty() || chosen.contains(name.as_str())),
            );
            if names.len() == known {
                return Ok(plan);
            }
            let targets: Vec<String> = names.iter().cloned().collect();
            *request = Request { unneeded: true, ..Request::default() };
            plan = self.removal(change, TransFlag::RECURSE, &targets, request)?;
        }
    }

    /// Runs `steps` in a transaction, reads the plan off it and releases it, however that ends.
    fn within(
        &mut self,
        change: &Change,
        flags: TransFlag,
        request: &mut Request,
        steps: impl FnOnce(&mut Self, &mut Request) -> Result<(), Error>,
    ) -> Result<Plan, Error> {
        self.handle.begin(&change.providers, flags)?;
        let plan =
            steps(self, request).and_then(|()| describe::plan(&self.handle, change, request));
        let ended = self.handle.end();
        let mut plan = plan?;
        ended?;
        if follows(change) {
            plan.held_back = pending::ignored(&self.handle, &plan);
        }
        plan.unneeded = unneeded::after(&self.handle, &plan).into_iter().collect();
        Ok(plan)
    }

    fn prepare(&mut self) -> Result<(), Error> {
        let prepared = native::prepare(&mut self.handle.alpm);
        if let Some(bad) = self.handle.record.borrow_mut().bad_choice.take() {
            let record::BadChoice { wanted, chosen, options } = bad;
            return Err(Error::Provider { wanted, chosen, options });
        }
        prepared.map_err(|unprepared| failure::explain(&self.handle, unprepared))
    }
}

/// Does the whole system follow?
fn follows(change: &Change) -> bool {
    match change.operation {
        Operation::Upgrade => change.targets.is_empty() || change.options.follow,
        Operation::Install => change.options.follow,
        Operation::Remove | Operation::Autoremove => false,
    }
}

fn refuse_unsafe(plan: &Plan) -> Result<(), Error> {
    let causes: Vec<String> = plan
        .changes
        .iter()
        .filter(|change| matches!(change.action, Action::Remove | Action::Purge))
        .map(|change| format!("{} would go: {}", change.name, describe::in_words(&change.reason)))
        .collect();
    if causes.is_empty() { Ok(()) } else { Err(Error::Unsafe { causes }) }
}
