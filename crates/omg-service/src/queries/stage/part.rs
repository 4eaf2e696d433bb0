//! What the engine can do before any recipe is built.

use std::collections::BTreeSet;

use omg_core::{Action, Change, Operation, Plan, Planned, Reason, Source};

/// The part of a change that the repositories alone meet, with what building needs of them; `None` if
/// there is nothing.
///
/// Where nothing but needs of builds is to be installed, it counts as installed for others. Together
/// with targets of the user's it can't: a change has that for all of its targets.
pub(super) fn of_repositories(change: &Change, plan: &Plan) -> Option<Change> {
    if plan.builds.is_empty() {
        return Some(change.clone());
    }
    let recipe = |name: &str| plan.changes.iter().any(|it| is_recipe(it) && it.name == name);
    let chosen = |name: &str| {
        let mut choices = plan.providers.iter().filter(|choice| choice.wanted_by.is_empty());
        choices.any(|choice| choice.wanted == name && recipe(&choice.chosen))
    };
    let mut own = change.clone();
    own.targets.retain(|target| {
        let name = bare(target);
        !target.starts_with("aur/") && !recipe(name) && !chosen(name)
    });
    let of_user = own.targets.len();
    let needed = plan.changes.iter().filter(|it| {
        !is_recipe(it) && it.action == Action::Install && needed_by(it).is_some_and(recipe)
    });
    let needed: Vec<String> = needed.map(|it| it.name.clone()).collect();
    let whole = match change.operation {
        Operation::Upgrade => change.targets.is_empty() || change.options.follow,
        Operation::Install => change.options.follow,
        Operation::Remove | Operation::Autoremove => false,
    };
    if needed.is_empty() && of_user == 0 {
        own.operation = Operation::Upgrade;
        return whole.then_some(own);
    }
    if !needed.is_empty() {
        own.operation = Operation::Install;
        own.options.follow = whole;
        own.options.as_dependencies |= of_user == 0;
        own.targets.extend(needed);
    }
    Some(own)
}

/// Takes recipes, and what goes because of them, out of the plan of such a part: an upgrade of the whole
/// system has the AUR's packages, too, whoever asks for it.
pub(super) fn without_recipes(plan: &mut Plan) {
    let recipes: BTreeSet<String> =
        plan.changes.iter().filter(|it| is_recipe(it)).map(|it| it.name.clone()).collect();
    plan.changes.retain(|it| match &it.reason {
        Reason::Conflict(by) | Reason::ReplacedBy(by) => !recipes.contains(by),
        _ => !is_recipe(it),
    });
    plan.builds.clear();
}

fn is_recipe(change: &Planned) -> bool {
    change.source == Source::Aur
}

fn needed_by(change: &Planned) -> Option<&str> {
    match &change.reason {
        Reason::Dependency(by) | Reason::Build(by) => Some(by),
        _ => None,
    }
}

/// The name in a target, without a repository or a version.
fn bare(target: &str) -> &str {
    let name = target.rsplit('/').next().unwrap_or(target);
    name.split(['=', '<', '>']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use omg_core::{Build, ProviderChoice};

    use super::*;

    fn planned(name: &str, source: Source, reason: Reason) -> Planned {
        Planned {
            action: Action::Install,
            name: name.into(),
            architecture: "any".into(),
            old_version: None,
            new_version: Some("1".into()),
            source,
            repository: String::new(),
            automatic: reason != Reason::Requested,
            reason,
            download_size: 0,
            installed_size_delta: 0,
            sha256: None,
            grade: None,
        }
    }

    fn plan(changes: Vec<Planned>) -> Plan {
        let build = Build {
            package_base: "yay".into(),
            version: "1".into(),
            packages: vec!["yay".into()],
            maintainer: None,
            votes: 0,
            last_modified: 0,
            out_of_date: None,
            make_depends: vec!["go".into()],
            check_depends: Vec::new(),
        };
        Plan { changes, builds: vec![build], ..Plan::default() }
    }

    fn yay() -> Planned {
        planned("yay", Source::Aur, Reason::Requested)
    }

    fn go() -> Planned {
        planned("go", Source::Alpm, Reason::Build("yay".into()))
    }

    #[test]
    fn a_change_without_recipes_is_the_engine_s() {
        let change = Change::new(Operation::Install, ["vim"]);
        assert_eq!(of_repositories(&change, &Plan::default()), Some(change));
    }

    #[test]
    fn what_builds_need_is_installed_for_others() {
        let change = Change::new(Operation::Install, ["aur/yay"]);
        // What go itself needs comes along by itself.
        let lib = planned("lib", Source::Alpm, Reason::Dependency("go".into()));
        let part = of_repositories(&change, &plan(vec![go(), lib, yay()])).unwrap();
        assert_eq!(part.targets, ["go"]);
        assert!(part.options.as_dependencies);
        assert_eq!(of_repositories(&change, &plan(vec![yay()])), None);
    }

    #[test]
    fn the_user_s_own_targets_stay() {
        let change = Change::new(Operation::Install, ["yay=1", "extra/vim", "helper"]);
        let mut plan = plan(vec![go(), yay(), planned("vim", Source::Alpm, Reason::Requested)]);
        plan.providers.push(ProviderChoice {
            wanted: "helper".into(),
            wanted_by: String::new(),
            chosen: "yay".into(),
            options: vec!["yay".into()],
        });
        let part = of_repositories(&change, &plan).unwrap();
        assert_eq!(part.targets, ["extra/vim", "go"]);
        assert!(!part.options.as_dependencies);
    }

    #[test]
    fn the_rest_of_the_system_is_upgraded_before_recipes_are_built() {
        let change = Change::new(Operation::Upgrade, [""; 0]);
        let part = of_repositories(&change, &plan(vec![yay()])).unwrap();
        assert_eq!((part.operation, part.targets.len()), (Operation::Upgrade, 0));
        let part = of_repositories(&change, &plan(vec![go(), yay()])).unwrap();
        assert_eq!((part.operation, &*part.targets), (Operation::Install, &["go".to_owned()][..]));
        assert!(part.options.follow && part.options.as_dependencies);
        // Planned anew, it has the recipes again.
        let gone = planned("yay-bin", Source::Alpm, Reason::Conflict("yay".into()));
        let mut anew = plan(vec![go(), yay(), gone]);
        without_recipes(&mut anew);
        assert_eq!((anew.changes, anew.builds), (vec![go()], Vec::new()));
        let one = Change::new(Operation::Upgrade, ["yay"]);
        assert_eq!(of_repositories(&one, &plan(vec![yay()])), None);
    }
}
