//! Partial upgrades are refused; nothing else is.

use omg_core::{Change, Code, Operation};
use omg_engine::Planner;

use crate::crafted::{entry, install, of};
use crate::root::Root;

/// `app` needs `lib` needs `libc`; `libc` and `editor` have newer versions.
fn pending(options: &str) -> Root {
    let root = Root::new(&["core"], options);
    let lib = entry("lib", "1-1").depends(&["libc"]);
    root.repository(
        "core",
        &[
            entry("app", "1-1").depends(&["lib"]),
            entry("alone", "1-1"),
            entry("through", "1-1").depends(&["libc.so=6"]),
            entry("picky", "1-1").depends(&["editor>=2"]),
            lib.clone(),
            entry("libc", "2-1").with("PROVIDES", &["libc.so=6"]),
            entry("editor", "2-1"),
        ],
    );
    root.install(&lib, true);
    root.install(&entry("libc", "1-1").with("PROVIDES", &["libc.so=6"]), true);
    root.install(&entry("editor", "1-1"), false);
    root
}

fn causes(root: &Root, change: &Change) -> Vec<String> {
    let fault = root.planner().plan(change).unwrap_err();
    assert_eq!(fault.code, Code::Refused);
    assert_eq!(fault.hint, Some(format!("omg install --upgrade {}", change.targets.join(" "))));
    fault.cause
}

#[test]
fn what_needs_something_older_than_the_repository_is_refused() {
    let root = pending("");
    let why = "needs libc, which would stay at 1-1 though 2-1 is there";
    assert_eq!(causes(&root, &install(&["app"])), [format!("app {why}")]);
    assert_eq!(causes(&root, &install(&["through"])), [format!("through {why}")]);
    // Nothing pending is near it.
    assert_eq!(root.planner().plan(&install(&["alone"])).unwrap().changes.len(), 1);
    // pacman would go ahead.
    assert_eq!(root.planner().resolve(&install(&["app"])).unwrap().changes.len(), 1);
}

#[test]
fn upgrading_one_of_several_is_refused() {
    let root = pending("");
    let upgraded = "editor would be upgraded (1-1 → 2-1), and 1 more with newer versions would not";
    assert_eq!(causes(&root, &install(&["editor"])), [upgraded]);
    assert_eq!(causes(&root, &install(&["picky"])), [upgraded]);
    assert_eq!(causes(&root, &Change::new(Operation::Upgrade, ["editor"])), [upgraded]);
    // All that is pending: the whole system follows.
    assert_eq!(root.planner().plan(&install(&["editor", "libc"])).unwrap().changes.len(), 2);
    let fault = root.planner().plan(&Change::new(Operation::Upgrade, ["app"])).unwrap_err();
    assert_eq!(fault.code, Code::NotFound, "it is not installed");
}

#[test]
fn when_the_whole_system_follows_nothing_is_partial() {
    let root = pending("");
    let mut change = install(&["app"]);
    change.options.follow = true;
    let plan = root.planner().plan(&change).unwrap();
    assert_eq!(plan.changes.len(), 3);
    assert!(of(&plan, "libc").automatic);
    assert_eq!(of(&plan, "editor").reason, omg_core::Reason::Newer);
    assert_eq!(
        root.planner().plan(&Change::new(Operation::Upgrade, [""; 0])).unwrap().changes.len(),
        2
    );
}

#[test]
fn what_is_ignored_is_not_pending() {
    let root = pending("IgnorePkg = libc editor");
    assert_eq!(root.planner().plan(&install(&["app"])).unwrap().changes.len(), 1);
}

#[test]
fn removals_and_files_are_not_partial() {
    let root = pending("");
    assert_eq!(
        root.planner().plan(&Change::new(Operation::Remove, ["editor"])).unwrap().changes.len(),
        1
    );
    let file = root.package_file("mine", "1-1", "depend = lib\n");
    let plan = root.planner().plan(&install(&[file.to_str().unwrap()])).unwrap();
    assert_eq!(plan.changes.len(), 1);
}

#[test]
fn a_pending_replacement_counts() {
    let root = Root::new(&["core"], "");
    root.repository(
        "core",
        &[
            entry("app", "1-1").depends(&["api"]),
            entry("new", "2-1")
                .with("REPLACES", &["old"])
                .with("PROVIDES", &["api"])
                .with("CONFLICTS", &["old"]),
        ],
    );
    root.install(&entry("old", "1-1").with("PROVIDES", &["api"]), false);
    assert_eq!(causes(&root, &install(&["app"])), ["app needs old, which new 2-1 replaces"]);
}
