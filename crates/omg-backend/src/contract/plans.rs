//! The part of the contract that is about plans.

use std::task::{Context, Waker};

use omg_core::{Action, Change, Code, Fault, Operation, Plan, Planned};

use super::{good, together};
use crate::PackageManager;

/// What is known beforehand of a system whose changes are planned.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Not installed, and can be.
    pub installable: &'a str,
    /// What installing it brings along, at least.
    pub brings: &'a [&'a str],
    /// Installed, and nothing that must stay needs it.
    pub removable: &'a str,
    /// Offered, but what it needs is not to be had.
    pub unsolvable: Option<&'a str>,
    /// What installing the packages of this system that are newer elsewhere changes, by name.
    pub upgrades: &'a [&'a str],
}

/// Checks plans of a system at rest.
///
/// # Panics
/// Where the backend breaks the contract.
pub async fn plans<M: PackageManager>(backend: &M, expected: &Expected<'_>) {
    let before = good("generations", backend.generations().await);
    check_install(backend, expected).await;
    check_remove(backend, expected).await;
    check_upgrade(backend, expected).await;
    check_errors(backend, expected).await;
    check_orderly(backend, expected).await;
    let after = good("generations", backend.generations().await);
    assert_eq!(before, after, "planning must not move the generations");
}

async fn planned<M: PackageManager>(backend: &M, operation: Operation, targets: &[&str]) -> Plan {
    let plan = good("plan", backend.plan(&Change::new(operation, targets.to_vec())).await);
    let mut sorted = plan.clone();
    sorted.sort();
    assert_eq!(plan, sorted, "a plan must come in its order");
    for change in &plan.changes {
        check_change(change);
    }
    plan
}

fn check_change(change: &Planned) {
    let name = &change.name;
    assert!(!name.is_empty() && !change.architecture.is_empty(), "a change of nothing: {change:?}");
    let (old, new) = (change.old_version.is_some(), change.new_version.is_some());
    let fits = match change.action {
        Action::Install => !old && new,
        Action::Upgrade | Action::Downgrade | Action::Reinstall => old && new,
        Action::Remove | Action::Purge => !new,
    };
    assert!(fits, "{name}: {change:?}");
    assert_eq!(new, !change.repository.is_empty(), "{name}: where is the new version from?");
}

fn find<'a>(plan: &'a Plan, name: &str, actions: &[Action]) -> Option<&'a Planned> {
    plan.changes.iter().find(|change| change.name == name && actions.contains(&change.action))
}

async fn check_install<M: PackageManager>(backend: &M, expected: &Expected<'_>) {
    let plan = planned(backend, Operation::Install, &[expected.installable]).await;
    for name in expected.brings.iter().chain([&expected.installable]) {
        assert!(
            find(&plan, name, &[Action::Install, Action::Upgrade]).is_some(),
            "{name} is expected in the plan: {:?}",
            plan.changes
        );
    }
    let main = find(&plan, expected.installable, &[Action::Install]);
    assert!(main.is_some_and(|change| !change.automatic), "what the user names is not automatic");
}

async fn check_remove<M: PackageManager>(backend: &M, expected: &Expected<'_>) {
    let plan = planned(backend, Operation::Remove, &[expected.removable]).await;
    assert!(
        find(&plan, expected.removable, &[Action::Remove, Action::Purge]).is_some(),
        "{} is expected to go: {:?}",
        expected.removable,
        plan.changes
    );
}

async fn check_upgrade<M: PackageManager>(backend: &M, expected: &Expected<'_>) {
    let plan = planned(backend, Operation::Upgrade, &[]).await;
    for name in expected.upgrades {
        assert!(find(&plan, name, &[Action::Upgrade]).is_some(), "{name} is expected to be newer");
    }
    planned(backend, Operation::Autoremove, &[]).await;
}

async fn refused<M: PackageManager>(
    backend: &M,
    operation: Operation,
    target: &str,
    codes: &[Code],
) {
    let answer = backend.plan(&Change::new(operation, [target])).await;
    let code = answer.as_ref().err().map(|fault: &Fault| fault.code);
    assert!(
        code.is_some_and(|code| codes.contains(&code)),
        "{operation:?} of '{target}' is expected to end in one of {codes:?}: {answer:?}"
    );
}

async fn check_errors<M: PackageManager>(backend: &M, expected: &Expected<'_>) {
    let nobody = "nobody-has-packaged-this";
    refused(backend, Operation::Install, nobody, &[Code::NotFound]).await;
    refused(backend, Operation::Remove, nobody, &[Code::NotFound]).await;
    if let Some(target) = expected.unsolvable {
        refused(backend, Operation::Install, target, &[Code::Unsolvable]).await;
    }
    // None of these is a name; none may reach a shell, an option parser or a path.
    for target in
        ["", "../../etc/passwd", "a\nb", "$(id)", "-oDPkg::Pre-Invoke=id", "a b", "\u{1b}[2J"]
    {
        refused(backend, Operation::Install, target, &[Code::NotFound, Code::Usage]).await;
    }
}

/// The same question has the same answer, before, beside and after another; a dropped one leaves
/// nothing behind.
async fn check_orderly<M: PackageManager>(backend: &M, expected: &Expected<'_>) {
    let change = Change::new(Operation::Install, [expected.installable]);
    let first = good("plan", backend.plan(&change).await);
    let other = Change::new(Operation::Remove, [expected.removable]);
    {
        let mut dropped = Box::pin(backend.plan(&other));
        let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    let mut questions: Vec<_> = (0..4).map(|_| Box::pin(backend.plan(&change))).collect();
    for again in together(&mut questions).await {
        let again = good("plan", again);
        assert_eq!(first.digest(), again.digest(), "the same change has another plan");
        assert_eq!(first, again, "the same change has another plan");
    }
}
