//! What can't be planned, and what is said then.

use std::fs;

use omg_core::{Change, Code, Fault, Operation, Scope};
use omg_engine::Planner;
use omg_engine_alpm::AlpmPlanner;

use crate::crafted::{entry, install};
use crate::entry::Entry;
use crate::oracle;
use crate::root::Root;

fn refusal(root: &Root, change: &Change) -> Fault {
    if oracle::available() && change.operation != Operation::Autoremove {
        oracle::printed(root, change).unwrap_err();
    }
    root.planner().plan(change).unwrap_err()
}

fn remove(targets: &[&str]) -> Change {
    Change::new(Operation::Remove, targets.iter().copied())
}

#[test]
fn unknown_names_come_with_close_ones() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("ripgrep", "1-1"), entry("grep", "1-1")]);
    root.install(&entry("grep", "1-1"), false);
    let fault = refusal(&root, &install(&["ripgrp", "grep", "nothing"]));
    assert_eq!(
        (fault.code, fault.message.as_str()),
        (Code::NotFound, "nothing is called ripgrp, nothing")
    );
    assert_eq!(fault.suggestions, ["ripgrep"]);
    let fault = refusal(&root, &remove(&["grpe"]));
    assert_eq!((fault.code, fault.message.as_str()), (Code::NotFound, "grpe is not installed"));
    assert_eq!(fault.suggestions, ["grep"]);
    let fault = refusal(&root, &install(&["extra/grep"]));
    assert_eq!((fault.code, &fault.suggestions[..]), (Code::NotFound, &["core".into()][..]));
}

#[test]
fn names_that_are_none_never_reach_libalpm() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("a", "1-1")]);
    let mut planner = root.planner();
    for target in ["", "a\0b", "a\nb", "-Syu", "\u{1b}[2J", &"a".repeat(5000)] {
        for operation in
            [Operation::Install, Operation::Remove, Operation::Upgrade, Operation::Autoremove]
        {
            let fault = planner.plan(&Change::new(operation, [target])).unwrap_err();
            assert_eq!(fault.code, Code::Usage, "{target:?}");
        }
    }
    for target in ["/", "a/", "/a/b", "..", "a/../b", "<3", "=", ">=1", "//", "core/", "ü", "a b"]
    {
        let _ = planner.plan(&install(&[target]));
        let _ = planner.plan(&remove(&[target]));
    }
    assert_eq!(planner.plan(&install(&["a"])).unwrap().changes.len(), 1);
}

#[test]
fn missing_dependencies_say_who_wants_what() {
    let root = Root::new(&["core"], "");
    root.repository(
        "core",
        &[
            entry("app", "1-1").depends(&["mid"]),
            entry("mid", "1-1").depends(&["gone", "lib>=2"]),
            entry("lib", "1-1"),
        ],
    );
    let fault = refusal(&root, &install(&["app"]));
    assert_eq!(fault.code, Code::Unsolvable);
    let mut causes = fault.cause.clone();
    causes.sort();
    assert_eq!(
        causes,
        [
            "app requires mid, which can't be installed",
            "mid requires gone, which no repository has",
            "mid requires lib>=2, and core has 1-1",
        ]
    );
}

#[test]
fn what_others_need_is_not_removed() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("lib", "2-1")]);
    root.install(&entry("app", "1-1").depends(&["lib=1-1"]), false);
    root.install(&entry("lib", "1-1"), true);
    let fault = refusal(&root, &remove(&["lib"]));
    assert_eq!(fault.code, Code::Unsolvable);
    assert_eq!(fault.cause, ["removing lib breaks 'lib=1-1', which app requires"]);
    assert_eq!(fault.hint.as_deref(), Some("omg remove lib app"));
    let fault = refusal(&root, &Change::new(Operation::Upgrade, [""; 0]));
    assert_eq!(fault.cause, ["installing lib 2-1 breaks 'lib=1-1', which app requires"]);
    assert_eq!(fault.hint, None);
}

#[test]
fn what_is_held_is_not_removed() {
    let root = Root::new(&["core"], "HoldPkg = pac* glibc");
    root.repository("core", &[]);
    root.install(&entry("pacman", "1-1"), true);
    let fault = refusal(&root, &remove(&["pacman"]));
    assert_eq!(fault.code, Code::Refused);
    let fault = refusal(&root, &Change::new(Operation::Autoremove, [""; 0]));
    assert_eq!(fault.code, Code::Refused);
}

#[test]
fn a_safe_upgrade_replaces_nothing() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("new", "1-1").with("REPLACES", &["old"])]);
    root.install(&entry("old", "1-1"), false);
    let mut change = Change::new(Operation::Upgrade, [""; 0]);
    assert_eq!(root.planner().plan(&change).unwrap().changes.len(), 2);
    change.options.scope = Scope::Safe;
    let fault = root.planner().plan(&change).unwrap_err();
    assert_eq!(
        (fault.code, &fault.cause[..]),
        (Code::Refused, &["old would go: new replaces it".into()][..])
    );
}

#[test]
fn other_architectures_are_refused() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[entry("app", "1-1").with("ARCH", &["riscv64"])]);
    let fault = refusal(&root, &install(&["app"]));
    assert_eq!(fault.code, Code::Unsolvable);
    assert_eq!(fault.cause, ["app 1-1 is for riscv64, and this system takes x86_64"]);
}

#[test]
fn the_same_name_from_two_places_is_refused() {
    let root = Root::new(&["core", "extra"], "");
    root.repository("core", &[entry("app", "1-1")]);
    root.repository("extra", &[entry("app", "2-1")]);
    let fault = refusal(&root, &install(&["core/app", "extra/app"]));
    assert_eq!(fault.code, Code::Unsolvable);
    assert_eq!(root.planner().plan(&install(&["core/app", "app"])).unwrap().changes.len(), 1);
}

#[test]
fn databases_that_are_missing_or_broken_are_named() {
    let root = Root::new(&["core", "extra"], "");
    root.repository("core", &[entry("app", "1-1")]);
    root.install(&entry("app", "0-1"), false);
    let fault = refusal(&root, &install(&["app"]));
    assert_eq!((fault.code, fault.hint.as_deref()), (Code::Unreadable, Some("omg sync")));
    assert!(fault.message.contains("extra"), "{}", fault.message);
    let whole = fs::read(root.database().join("sync/core.db")).unwrap();
    for damaged in [&b"no archive at all"[..], &whole[..whole.len() / 2]] {
        fs::write(root.database().join("sync/extra.db"), damaged).unwrap();
        let fault = root.planner().plan(&install(&["app"])).unwrap_err();
        assert_eq!(fault.code, Code::Malformed, "{fault:?}");
        assert!(fault.message.contains("extra"), "{}", fault.message);
        assert!(!fault.cause.is_empty());
    }
    // What is installed can go all the same.
    assert_eq!(root.planner().plan(&remove(&["app"])).unwrap().changes.len(), 1);
}

#[test]
fn no_database_is_made() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(AlpmPlanner::open(empty.path()).unwrap_err().code, Code::NoBackend);
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    let root = Root::new(&["core"], "");
    fs::write(root.database().join("local/ALPM_DB_VERSION"), "3\n").unwrap();
    assert_eq!(AlpmPlanner::open(root.path()).unwrap_err().code, Code::Malformed);
}

#[test]
fn files_that_are_no_packages_are_refused() {
    let root = Root::new(&["core"], "");
    root.repository("core", &[]);
    let path = root.path().join("x.pkg.tar.gz");
    let change = install(&[path.to_str().unwrap()]);
    assert_eq!(refusal(&root, &change).code, Code::NotFound);
    let good = fs::read(root.package_file("good", "1-1", "")).unwrap();
    for bytes in [&b""[..], b"text", &good[..good.len() / 2]] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(refusal(&root, &change).code, Code::Malformed, "{} bytes", bytes.len());
    }
}

#[test]
fn damaged_records_do_not_end_the_process() {
    let root = Root::new(&["core"], "");
    let odd = |field: &str, value: &str| Entry::new("odd", "1-1").with(field, &[value]);
    for entry in [
        odd("DEPENDS", ">=<"),
        odd("DEPENDS", ""),
        odd("ISIZE", "-9223372036854775808"),
        odd("CSIZE", "many"),
        odd("PROVIDES", "=\u{7f}"),
        odd("SHA256SUM", "zz"),
        odd("VERSION", "2-1"),
        odd("NAME", "other"),
    ] {
        root.repository("core", &[entry, crate::crafted::entry("good", "1-1")]);
        // Whatever comes of it: an answer, and the next plan is as good as ever.
        let Ok(mut planner) = AlpmPlanner::open(root.path()) else { continue };
        let _ = planner.plan(&install(&["odd"]));
        let _ = planner.plan(&install(&["good"]));
    }
}
