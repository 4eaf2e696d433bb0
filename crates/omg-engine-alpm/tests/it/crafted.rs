//! Small repositories made for one question each, compared with pacman where it prints an answer.

use omg_core::{Action, Change, Operation, Plan, Planned, Reason};
use omg_engine::Planner;

use crate::entry::Entry;
use crate::oracle::{self, compare};
use crate::root::Root;

pub(crate) fn entry(name: &str, version: &str) -> Entry {
    Entry::new(name, version)
}

pub(crate) fn install(targets: &[&str]) -> Change {
    Change::new(Operation::Install, targets.iter().copied())
}

pub(crate) fn of<'p>(plan: &'p Plan, name: &str) -> &'p Planned {
    plan.changes.iter().find(|change| change.name == name).unwrap_or_else(|| {
        panic!("no {name} in {:?}", plan.changes);
    })
}

/// A plan that is the same as pacman's, where pacman is there.
pub(crate) fn checked(root: &Root, change: &Change) -> Plan {
    let mut planner = root.planner();
    if oracle::available() {
        compare(root, &mut planner, change).unwrap();
    }
    planner.plan(change).unwrap()
}

#[test]
fn what_comes_is_described_in_full() {
    let root = Root::new(&["core"], "");
    let app = entry("app", "2-1")
        .depends(&["lib>=1", "old"])
        .with("OPTDEPENDS", &["extra: more of it", "lib: is there", "bare"]);
    let lib = entry("lib", "1-1").with("ISIZE", &["700"]);
    root.repository("core", &[app, lib, entry("old", "2-1").with("ISIZE", &["150"])]);
    root.install(&entry("old", "2-1").with("ISIZE", &["100"]), true);
    let plan = checked(&root, &install(&["app"]));
    assert_eq!(plan.changes.len(), 2);
    let app = of(&plan, "app");
    assert_eq!(
        (app.action, &app.reason, app.automatic),
        (Action::Install, &Reason::Requested, false)
    );
    assert_eq!((app.old_version.as_deref(), app.new_version.as_deref()), (None, Some("2-1")));
    assert_eq!((app.download_size, app.installed_size_delta), (1000, 5000));
    assert_eq!((app.repository.as_str(), app.architecture.as_str()), ("core", "any"));
    assert_eq!(app.sha256.as_deref(), Some("0123456789abcdef".repeat(4).as_str()));
    let lib = of(&plan, "lib");
    assert_eq!((&lib.reason, lib.automatic), (&Reason::Dependency("app".into()), true));
    let optional: Vec<_> = plan
        .optional
        .iter()
        .map(|one| (one.wanted.as_str(), one.description.as_str(), one.satisfied))
        .collect();
    assert_eq!(
        optional,
        [("bare", "", false), ("extra", "more of it", false), ("lib", "is there", true)]
    );
}

#[test]
fn what_is_in_the_cache_is_not_downloaded() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("app", "1-1")]);
    let cached = root.path().join("var/cache/pacman/pkg/app-1-1-any.pkg.tar.zst");
    std::fs::write(cached, "bytes").unwrap();
    assert_eq!(of(&checked(&root, &install(&["app"])), "app").download_size, 0);
}

#[test]
fn what_is_there_is_left_alone_unless_asked_for() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("app", "1-1")]);
    root.install(&entry("app", "1-1"), true);
    let mut change = install(&["app"]);
    let plan = checked(&root, &change);
    assert!(plan.is_empty());
    assert_eq!(plan.warnings, ["app-1-1 is up to date -- skipping"]);
    change.options.reinstall = true;
    let plan = checked(&root, &change);
    let app = of(&plan, "app");
    assert_eq!((app.action, app.installed_size_delta), (Action::Reinstall, 0));
    assert!(app.automatic, "being unpacked again changes no reason");
}

#[test]
fn a_group_is_all_of_its_members() {
    let root = Root::new(&["core", "extra"], "");
    let member = |name: &str| entry(name, "1-1").with("GROUPS", &["all"]);
    root.repository("core", &[member("one"), member("two")]);
    root.repository("extra", &[member("three"), member("two").at("2-1")]);
    root.install(&member("one"), false);
    let plan = checked(&root, &install(&["all"]));
    let names: Vec<_> = plan.changes.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(names, ["three", "two"]);
    assert_eq!(of(&plan, "two").repository, "core");
    let plan = checked(&root, &install(&["extra/all"]));
    assert_eq!(of(&plan, "two").new_version.as_deref(), Some("2-1"));
}

#[test]
fn repositories_can_be_named_and_versions_wanted() {
    let root = Root::new(&["core", "extra"], "");
    root.repository("core", &[entry("app", "1-1")]);
    root.repository(
        "extra",
        &[entry("app", "2-1"), entry("other", "1:3-1").with("PROVIDES", &["api=4"])],
    );
    for (target, version) in [
        ("app", "1-1"),
        ("extra/app", "2-1"),
        ("app>=2", "2-1"),
        ("app=1", "1-1"),
        ("app<2", "1-1"),
        ("api>3", "1:3-1"),
        ("api=4", "1:3-1"),
    ] {
        let plan = checked(&root, &install(&[target]));
        assert_eq!(plan.changes.len(), 1, "{target}");
        assert_eq!(plan.changes[0].new_version.as_deref(), Some(version), "{target}");
    }
}

#[test]
fn usage_of_a_repository_counts() {
    let root = Root::new(&["core"], "");
    root.configure(&["core", "testing]\nUsage = Sync Search\n[unused"], "");
    root.repository("core", &[entry("app", "1-1")]);
    root.repository("testing", &[entry("app", "2-1"), entry("new", "1-1")]);
    root.repository("unused", &[]);
    root.install(&entry("app", "1-1"), false);
    assert!(checked(&root, &Change::new(Operation::Upgrade, [""; 0])).is_empty());
    assert!(root.planner().plan(&install(&["new"])).is_err());
    assert_eq!(of(&checked(&root, &install(&["testing/new"])), "new").repository, "testing");
    assert!(root.planner().plan(&install(&["new"])).is_err(), "naming it counts once");
}

#[test]
fn providers_are_asked_for() {
    let root = Root::new(&["core"], "");
    let provider = |name: &str| entry(name, "1-1").with("PROVIDES", &["api=2"]);
    root.repository(
        "core",
        &[entry("app", "1-1").depends(&["api>=1"]), provider("first"), provider("second")],
    );
    let mut change = install(&["app"]);
    let plan = checked(&root, &change);
    let [choice] = &plan.providers[..] else { panic!("{:?}", plan.providers) };
    assert_eq!((choice.wanted.as_str(), choice.wanted_by.as_str()), ("api>=1", "app"));
    assert_eq!(
        (choice.chosen.as_str(), &choice.options[..]),
        ("first", &["first".into(), "second".into()][..])
    );
    for wanted in ["api", "api>=1"] {
        change.providers = vec![(wanted.into(), "second".into())];
        let plan = root.planner().plan(&change).unwrap();
        assert_eq!(plan.providers[0].chosen, "second");
        assert_eq!(of(&plan, "second").reason, Reason::Dependency("app".into()));
    }
    change.providers = vec![("api".into(), "app".into())];
    let fault = root.planner().plan(&change).unwrap_err();
    assert_eq!(fault.code, omg_core::Code::NotFound);
    assert_eq!(fault.suggestions, ["first", "second"]);
    // Asked for by the user, it is wanted by nobody else; and one that is there is taken unasked.
    assert_eq!(checked(&root, &install(&["api"])).providers[0].wanted_by, "");
    root.install(&provider("second"), false);
    assert!(checked(&root, &install(&["app"])).providers.is_empty());
}

#[test]
fn what_is_in_the_way_goes_and_is_named() {
    let root = Root::new(&["core"], "");
    root.repository(
        "core",
        &[entry("new", "1-1").with("CONFLICTS", &["api"]), entry("old", "1-1")],
    );
    root.install(&entry("old", "1-1").with("PROVIDES", &["api"]), false);
    let plan = checked(&root, &install(&["new"]));
    assert_eq!(of(&plan, "old").reason, Reason::Conflict("new".into()));
    assert_eq!(of(&plan, "old").installed_size_delta, -5000);
    assert_eq!(plan.warnings, ["old is removed: it conflicts with new"]);
    // Two that come exclude each other: the one that provides the other stays, or neither comes.
    let root = Root::new(&["core"], "");
    root.repository(
        "core",
        &[
            entry("one", "1-1").with("CONFLICTS", &["two"]),
            entry("two", "1-1"),
            entry("both", "1-1").with("CONFLICTS", &["two"]).with("PROVIDES", &["two"]),
        ],
    );
    let fault = root.planner().plan(&install(&["one", "two"])).unwrap_err();
    assert_eq!(fault.code, omg_core::Code::Unsolvable);
    assert_eq!(fault.cause, ["one and two are in conflict"]);
    let plan = checked(&root, &install(&["both", "two"]));
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].name, "both");
}

#[test]
fn replacements_say_whom() {
    let root = Root::new(&["core"], "");
    let new = entry("new", "2-1").with("REPLACES", &["old<2"]).with("CONFLICTS", &["old"]);
    root.repository("core", &[new, entry("app", "2-1").depends(&["old"]).at("2-1")]);
    root.install(&entry("old", "1-1"), true);
    let plan = checked(&root, &Change::new(Operation::Upgrade, [""; 0]));
    assert_eq!(of(&plan, "new").reason, Reason::Replaces("old".into()));
    assert!(of(&plan, "new").automatic, "it takes over why the old one was there");
    assert_eq!(of(&plan, "old").reason, Reason::ReplacedBy("new".into()));
}

#[test]
fn what_is_replaced_and_comes_again_is_one_change() {
    let root = Root::new(&["core"], "");
    let new = entry("new", "1-2").with("REPLACES", &["old=1-1"]).with("CONFLICTS", &["old=1-1"]);
    root.repository("core", &[new, entry("old", "2-1"), entry("app", "1-1").depends(&["old=2-1"])]);
    root.install(&entry("old", "1-1"), true);
    let mut change = install(&["app"]);
    change.options.follow = true;
    let plan = checked(&root, &change);
    let all: Vec<_> =
        plan.changes.iter().map(|change| (change.name.as_str(), change.action)).collect();
    let expected = [("app", Action::Install), ("new", Action::Install), ("old", Action::Upgrade)];
    assert_eq!(all, expected);
}

#[test]
fn what_could_use_what_goes_is_named() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[]);
    root.install(&entry("app", "1-1").with("OPTDEPENDS", &["lib: for more", "api", "gone"]), false);
    root.install(&entry("lib", "1-1").with("PROVIDES", &["api"]), false);
    root.install(&entry("other", "1-1").with("PROVIDES", &["api"]), false);
    let plan = checked(&root, &Change::new(Operation::Remove, ["lib"]));
    assert_eq!(plan.warnings, ["app optionally requires lib"]);
    let plan = checked(&root, &Change::new(Operation::Remove, ["lib", "app"]));
    assert_eq!(plan.warnings, [""; 0]);
}

#[test]
fn cycles_and_split_packages_come_as_one() {
    let root = Root::new(&["core"], "");
    let part = |name: &str, on: &str| entry(name, "1-1").with("BASE", &["base"]).depends(&[on]);
    root.repository("core", &[part("a", "b=1-1"), part("b", "c"), part("c", "a")]);
    let plan = checked(&root, &install(&["a"]));
    let names: Vec<_> = plan.changes.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn ignored_packages_stay_and_are_listed() {
    let root = Root::new(&["core"], "IgnorePkg = ker*\nIgnoreGroup = desk");
    root.repository("core", &[entry("kernel", "2-1"), entry("tool", "2-1"), entry("app", "2-1")]);
    root.install(&entry("kernel", "1-1"), false);
    root.install(&entry("tool", "1-1").with("GROUPS", &["desk"]), false);
    root.install(&entry("app", "1-1"), false);
    let plan = checked(&root, &Change::new(Operation::Upgrade, [""; 0]));
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(of(&plan, "app").reason, Reason::Newer);
    let held: Vec<_> = plan
        .held_back
        .iter()
        .map(|held| {
            (held.name.as_str(), held.installed_version.as_str(), held.candidate_version.as_str())
        })
        .collect();
    assert_eq!(held, [("kernel", "1-1", "2-1"), ("tool", "1-1", "2-1")]);
    assert!(plan.held_back.iter().all(|held| held.why == "ignored in pacman.conf"));
    // Named, it comes: that answers pacman's question.
    let mut change = install(&["kernel"]);
    change.options.follow = true;
    let plan = checked(&root, &change);
    assert_eq!(of(&plan, "kernel").reason, Reason::Requested);
    assert_eq!(plan.held_back.len(), 1);
}

#[test]
fn newer_than_the_repository_is_a_warning() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("app", "1-1")]);
    root.install(&entry("app", "2-1"), false);
    let plan = checked(&root, &Change::new(Operation::Upgrade, [""; 0]));
    assert!(plan.is_empty());
    assert_eq!(plan.warnings, ["app: local (2-1) is newer than core (1-1)"]);
    assert_eq!(of(&checked(&root, &install(&["app"])), "app").action, Action::Downgrade);
}

#[test]
fn removals_take_along_what_they_are_told_to() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[]);
    root.install(&entry("app", "1-1").depends(&["lib"]), false);
    root.install(&entry("lib", "1-1").depends(&["deep"]), true);
    root.install(&entry("deep", "1-1"), true);
    let mut change = Change::new(Operation::Remove, ["app"]);
    let plan = checked(&root, &change);
    assert_eq!((plan.changes.len(), &plan.unneeded[..]), (1, &["deep".into(), "lib".into()][..]));
    change.options.recursive = true;
    change.options.purge = true;
    let plan = checked(&root, &change);
    assert_eq!((plan.changes.len(), &plan.unneeded[..]), (3, &[][..]));
    assert!(plan.changes.iter().all(|change| change.action == Action::Purge));
    assert_eq!(of(&plan, "app").reason, Reason::Requested);
    assert_eq!(of(&plan, "deep").reason, Reason::Unneeded);
    assert_eq!((of(&plan, "deep").repository.as_str(), &of(&plan, "deep").sha256), ("", &None));
}

#[test]
fn a_package_file_comes_with_what_it_needs() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("lib", "1-1")]);
    let file = root.package_file("app", "3-1", "depend = lib\noptdepend = more: much more\n");
    let path = file.to_str().unwrap();
    let plan = checked(&root, &install(&[path]));
    let app = of(&plan, "app");
    assert_eq!(
        (app.action, app.repository.as_str(), app.download_size),
        (Action::Install, path, 0)
    );
    assert_eq!((app.installed_size_delta, &app.reason), (7000, &Reason::Requested));
    assert_eq!(of(&plan, "lib").reason, Reason::Dependency("app".into()));
    assert_eq!(plan.optional[0].wanted, "more");
    let sum = std::process::Command::new("sha256sum").arg(path).output().unwrap().stdout;
    assert!(String::from_utf8(sum).unwrap().starts_with(app.sha256.as_deref().unwrap()));
    // A file and a name in one: pacman can't do that, libalpm can.
    assert_eq!(root.planner().plan(&install(&[path, "lib"])).unwrap().changes.len(), 2);
}
