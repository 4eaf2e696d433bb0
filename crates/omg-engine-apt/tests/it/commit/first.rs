//! The way of an order from end to end.

use std::fs;

use omg_core::{Change, Operation, Progress};

use super::engine::{Engine, apply, carry_out};
use super::repository::{Package, Repository};
use super::system::{able, system, tree};
use crate::root::Root;

#[test]
fn packages_come_and_go() {
    if !able() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root");
    fs::create_dir(&path).unwrap();
    system(&path);
    let repository = Repository::new();
    let editor = Package::new("editor", "1:2.0-1").fields("Depends: runtime\n");
    let runtime = Package::new("runtime", "1.2-1").conffile("/etc/runtime.conf", "a\n");
    repository.suite(&path, "stable", &[editor, runtime]);
    let before = tree(&path);
    let root = Root::new(&path, "amd64");
    let change = Change::new(Operation::Install, ["editor"]);
    let plan = root.plan(&change).unwrap();
    let mut engine = Engine::start(&path);
    let (heard, result) = engine.order(&apply(&change, &plan, &repository));
    let outcome = result.unwrap();
    assert_eq!(outcome.changes, plan.changes);
    assert!(engine.close().success());
    assert_eq!(fs::read(path.join("usr/share/editor/data")).unwrap(), b"editor 1:2.0-1\n");
    assert!(heard.iter().any(|it| matches!(it, Progress::Step { .. })), "{heard:#?}");
    assert!(heard.iter().any(
        |it| matches!(it, Progress::Output { line, .. } if line.contains("Unpacking editor"))
    ));
    let states = fs::read_to_string(path.join("var/lib/apt/extended_states")).unwrap();
    assert_eq!(states, "Package: runtime\nArchitecture: amd64\nAuto-Installed: 1\n\n");
    assert!(path.join("var/cache/apt/archives/runtime_1.2-1_amd64.deb").exists());
    assert_eq!(fs::read_dir(path.join("var/lib/omg/staging")).unwrap().count(), 0);
    let mut change = Change::new(Operation::Remove, ["editor"]);
    change.options.purge = true;
    change.options.recursive = true;
    carry_out(&root, &repository, &change).unwrap();
    let after = tree(&path);
    let left: Vec<_> = after.keys().filter(|it| !before.contains_key(*it)).collect();
    assert!(left.iter().all(|it| it.starts_with("var/lib/")), "{left:?}");
}
