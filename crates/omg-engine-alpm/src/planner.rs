//! From a change to a plan: the transaction that pacman would prepare, read and released.

use std::collections::BTreeSet;
use std::path::Path;

use omg_core::{Action, Change, Fault, Operation, Plan, Planned, Scope};
use omg_engine::Planner;

use crate::describe::{self, Request, follows};
use crate::error::Error;
use crate::handle::Handle;
use crate::native::{self, alpm::TransFlag};
use crate::targets::{self, Files};
use crate::{failure, partial, pending, record, unneeded};

/// A handle of libalpm that plans. What it has read stays read from one plan to the next.
pub struct AlpmPlanner {
    pub(crate) handle: Handle,
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
        Ok(self.checked(change)?)
    }
}

impl AlpmPlanner {
    /// What pacman would do, unless it is a partial upgrade.
    pub(crate) fn checked(&mut self, change: &Change) -> Result<Plan, Error> {
        let plan = self.resolve(change)?;
        if !follows(change) && change.operation != Operation::Autoremove {
            partial::refuse(&self.handle, &plan, change)?;
        }
        Ok(plan)
    }

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
                self.removal(change, flags(change), &change.targets, &mut request)?
            }
            Operation::Autoremove => self.sweep(change, &mut request)?,
        };
        plan.sort();
        Ok(plan)
    }

    /// `pacman -S`, `-U` and `-Su`.
    fn addition(&mut self, change: &Change, request: &mut Request) -> Result<Plan, Error> {
        let plan = self.within(change, flags(change), request, |planner, request| {
            planner.assemble(change, Files::Named, request)
        })?;
        self.refuse_held(&plan, |name| {
            change
                .targets
                .iter()
                .any(|target| targets::going(change, target).is_some_and(|going| going == name))
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
        let plan = self.within(change, flags, request, |planner, request| {
            targets::remove(&planner.handle, names, request)?;
            planner.prepare()
        })?;
        self.refuse_held(&plan, |_| true)?;
        Ok(plan)
    }

    /// Refuses to remove those of HoldPkg that were named.
    fn refuse_held(&self, plan: &Plan, named: impl Fn(&str) -> bool) -> Result<(), Error> {
        let goes = |planned: &&Planned| matches!(planned.action, Action::Remove | Action::Purge);
        let names = plan.changes.iter().filter(goes).map(|planned| &planned.name);
        let held: Vec<String> = names
            .filter(|name| self.handle.rules.holds(name) && named(name.as_str()))
            .cloned()
            .collect();
        if held.is_empty() { Ok(()) } else { Err(Error::Held { names: held }) }
    }

    /// Fills the transaction that has begun with an installation or upgrade, and prepares it.
    pub(crate) fn assemble(
        &mut self,
        change: &Change,
        files: Files<'_>,
        request: &mut Request,
    ) -> Result<(), Error> {
        let follows = follows(change);
        let of_repositories =
            |target: &String| !target.starts_with('/') && targets::going(change, target).is_none();
        if follows || change.targets.iter().any(of_repositories) {
            self.handle.need_repositories()?;
        }
        targets::add(&self.handle, change, files, request)?;
        if follows {
            let handle = &self.handle;
            handle
                .alpm
                .sync_sysupgrade(false)
                .map_err(|error| handle.failed("looking for upgrades", error))?;
        }
        self.prepare()?;
        self.refuse_return(change)
    }

    /// libalpm would remove a package that was named with a minus, and install it again for one that
    /// comes and needs it.
    fn refuse_return(&self, change: &Change) -> Result<(), Error> {
        let going: BTreeSet<String> =
            change.targets.iter().filter_map(|target| targets::going(change, target)).collect();
        let coming = self.handle.alpm.trans_add().into_iter();
        let causes: Vec<String> = coming
            .filter(|package| going.contains(package.name()))
            .map(|package| format!("{} is to go, and what comes needs it", package.name()))
            .collect();
        let message = "what is to go is needed";
        if causes.is_empty() {
            Ok(())
        } else {
            Err(Error::Unsolvable { message, causes, hint: None })
        }
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
            plan = self.removal(change, flags(change) | TransFlag::RECURSE, &targets, request)?;
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

    pub(crate) fn prepare(&mut self) -> Result<(), Error> {
        let prepared = native::prepare(&mut self.handle.alpm);
        if let Some(bad) = self.handle.record.borrow_mut().bad_choice.take() {
            let record::BadChoice { wanted, chosen, options } = bad;
            return Err(Error::Provider { wanted, chosen, options });
        }
        prepared.map_err(|unprepared| failure::explain(&self.handle, unprepared))
    }
}

/// The flags of its transaction.
pub(crate) fn flags(change: &Change) -> TransFlag {
    let options = change.options;
    let comes = matches!(change.operation, Operation::Install | Operation::Upgrade);
    [
        (comes && !options.reinstall, TransFlag::NEEDED),
        (comes && options.as_dependencies && !follows(change), TransFlag::ALL_DEPS),
        (!comes && options.recursive, TransFlag::RECURSE),
        (options.purge, TransFlag::NO_SAVE),
    ]
    .into_iter()
    .filter_map(|(wanted, flag)| wanted.then_some(flag))
    .fold(TransFlag::NONE, |all, flag| all | flag)
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
