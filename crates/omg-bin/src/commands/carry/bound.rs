//! What the daemon staged beside what the user approved: it may deny, and never do something else.

use omg_core::{Action, Code, Fault, Plan, Planned, Source};

/// Most changes that a fault names.
const CAUSES: usize = 20;

/// Refuses a plan that does anything that was not approved, or, where nothing has to be built, leaves
/// anything out.
///
/// Where recipes are built, one approved plan is carried out in parts: what comes out of a build is
/// known by its name only, and what it needs may count as chosen by the user until it is marked.
///
/// # Errors
/// [`Code::PlanChanged`] with what differs.
pub(super) fn check(approved: &Plan, staged: &Plan) -> Result<(), Fault> {
    let whole = approved.builds.is_empty();
    let is_approved = |change: &Planned| {
        let mut all = approved.changes.iter().filter(|it| it.name == change.name);
        all.any(|it| is_same(it, change, whole)) || is_built(approved, change)
    };
    let mut causes: Vec<String> =
        staged.changes.iter().filter(|it| !is_approved(it)).map(|it| line("new: ", it)).collect();
    if whole {
        let is_there =
            |change: &Planned| staged.changes.iter().any(|it| is_same(change, it, whole));
        let missing = approved.changes.iter().filter(|it| !is_there(it));
        causes.extend(missing.map(|it| line("no longer: ", it)));
    }
    if causes.is_empty() {
        return Ok(());
    }
    causes.truncate(CAUSES);
    let message = "what would be done now is not what you approved";
    let mut fault = Fault::new(Code::PlanChanged, message).hint("ask again to see the new plan");
    fault.cause = causes;
    Err(fault)
}

/// Packages that were installed for others, as the approved plan has it, and count as chosen by the
/// user: a transaction has one answer to that for all of its targets.
pub(super) fn dependencies(approved: &Plan, done: &[Planned]) -> Vec<String> {
    let new = |it: &&Planned| it.action == Action::Install;
    let for_others =
        |name: &str| approved.changes.iter().filter(new).any(|it| it.name == name && it.automatic);
    let wrong = done.iter().filter(new).filter(|it| !it.automatic && for_others(&it.name));
    wrong.map(|it| it.name.clone()).collect()
}

fn is_same(approved: &Planned, staged: &Planned, whole: bool) -> bool {
    let is_file = |change: &Planned| change.repository.starts_with('/');
    // A file may have been named by way of a link; its digest says that it is the same.
    let origin = approved.repository == staged.repository
        || (is_file(approved) && is_file(staged) && approved.sha256.is_some());
    (approved.action, &approved.name, &approved.architecture)
        == (staged.action, &staged.name, &staged.architecture)
        && approved.old_version == staged.old_version
        && approved.new_version == staged.new_version
        && approved.sha256 == staged.sha256
        && origin
        && (!whole || approved.automatic == staged.automatic)
}

/// Does it bring a package of a recipe that was approved? Its version may be known only now.
fn is_built(approved: &Plan, change: &Planned) -> bool {
    let of_recipe = |it: &Planned| it.source == Source::Aur && it.name == change.name;
    change.new_version.is_some()
        && change.repository.starts_with('/')
        && (approved.changes.iter().any(of_recipe)
            || approved.builds.iter().any(|build| build.packages.contains(&change.name)))
}

fn line(what: &str, change: &Planned) -> String {
    let version = change.new_version.as_ref().or(change.old_version.as_ref());
    let version = version.map_or("", String::as_str);
    format!("{what}{} {} {version}", change.action.as_str(), change.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::plan::samples;

    #[test]
    fn only_what_was_approved_is_staged() {
        let approved = samples::apt();
        assert_eq!(check(&approved, &approved), Ok(()));
        for edit in [
            |plan: &mut Plan| drop(plan.changes.pop()),
            |plan: &mut Plan| plan.changes[0].new_version = Some("666".into()),
            |plan: &mut Plan| plan.changes[0].sha256 = Some("00".repeat(32)),
            |plan: &mut Plan| plan.changes[0].automatic ^= true,
            |plan: &mut Plan| {
                let more = Planned { name: "more".into(), ..plan.changes[0].clone() };
                plan.changes.push(more);
            },
        ] {
            let mut staged = approved.clone();
            edit(&mut staged);
            let fault = check(&approved, &staged).unwrap_err();
            assert_eq!((fault.code, fault.cause.is_empty()), (Code::PlanChanged, false));
        }
    }

    #[test]
    fn a_part_of_what_was_approved_may_go_before_builds() {
        let approved = samples::arch();
        assert!(!approved.builds.is_empty());
        let mut part = approved.clone();
        part.changes.retain(|it| it.source != Source::Aur);
        part.builds.clear();
        assert_eq!(check(&approved, &part), Ok(()));
        let built = approved.changes.iter().find(|it| it.source == Source::Aur).unwrap();
        let file = Planned {
            source: Source::Alpm,
            repository: "/home/u/built.pkg.tar.zst".into(),
            new_version: Some("r7.gabc-1".into()),
            sha256: Some("11".repeat(32)),
            ..built.clone()
        };
        let staged = |changes: Vec<Planned>| Plan { changes, ..Plan::default() };
        assert_eq!(check(&approved, &staged(vec![file.clone()])), Ok(()));
        let other = Planned { name: "other".into(), ..file.clone() };
        assert!(check(&approved, &staged(vec![other])).is_err());
        let gone = Planned { action: Action::Remove, new_version: None, ..file };
        assert!(check(&approved, &staged(vec![gone])).is_err());
    }

    #[test]
    fn what_came_for_others_is_marked_so() {
        let mut approved = samples::arch();
        for change in &mut approved.changes {
            change.action = Action::Install;
            change.automatic = change.name != approved.builds[0].packages[0];
        }
        let mut done = approved.changes.clone();
        for change in &mut done {
            change.automatic = false;
        }
        let names: Vec<String> =
            approved.changes.iter().filter(|it| it.automatic).map(|it| it.name.clone()).collect();
        assert!(!names.is_empty() && names.len() < approved.changes.len());
        assert_eq!(dependencies(&approved, &done), names);
        assert_eq!(dependencies(&approved, &approved.changes), [""; 0]);
        // What was there before keeps its mark.
        for change in &mut done {
            change.action = Action::Upgrade;
        }
        assert_eq!(dependencies(&approved, &done), [""; 0]);
    }
}
