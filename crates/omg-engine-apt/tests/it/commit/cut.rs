//! Killed at every step: the system is old or new, or says that it is unfinished and is repaired.

use std::fs;

use omg_core::{Change, Operation, Task};

use super::engine::{Engine, apply, order};
use super::repository::{Package, Repository};
use super::system::{able, copy, system};
use crate::root::Root;

const PLACES: [&str; 15] = [
    "commit.locks.before",
    "commit.locks.after",
    "commit.copy.before",
    "commit.copy.after",
    "commit.plan.after",
    "commit.proofs.after",
    "commit.verify.after",
    "commit.intent.before",
    "commit.intent.after",
    "commit.apply.before",
    "commit.dpkg.before",
    "commit.dpkg.after",
    "commit.apply.after",
    "commit.outcome.before",
    "commit.outcome.after",
];

#[test]
fn whoever_is_killed_leaves_old_or_new_or_what_can_be_repaired() {
    if !able() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(dir.path()).unwrap();
    let fresh = base.join("fresh");
    fs::create_dir(&fresh).unwrap();
    system(&fresh);
    let repository = Repository::new();
    repository.suite(&fresh, "stable", &[Package::new("tool", "1.0-1")]);
    let change = Change::new(Operation::Install, ["tool"]);
    for place in PLACES {
        let path = base.join("root");
        copy(&fresh, &path);
        let root = Root::new(&path, "amd64");
        let plan = root.plan(&change).unwrap();
        root.stop();
        let action = format!("{place}=kill");
        let mut engine = Engine::start_with(&path, &[("OMG_FAILPOINT", &action)]);
        engine.send(&apply(&change, &plan, &repository));
        assert!(engine.finish().is_none(), "{place} was not reached");
        drop(engine);
        let mut engine = Engine::start(&path);
        engine.order(&order(Task::Recover)).1.unwrap();
        let again = engine.order(&apply(&change, &plan, &repository)).1;
        let installed = path.join("usr/share/tool/data").exists();
        assert!(installed, "{place}: {again:?}");
        let staging = path.join("var/lib/omg/staging");
        assert_eq!(fs::read_dir(staging).unwrap().count(), 0, "{place}");
        fs::remove_dir_all(&path).unwrap();
    }
}
