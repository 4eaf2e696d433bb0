//! The executable itself, as the daemon runs it.

use std::path::PathBuf;

use omg_core::{Change, Code, Generation, Operation, Plan};
use omg_engine::Engine;

use crate::crafted::install;
use crate::era;
use crate::root::Root;

fn engine(root: &Root) -> Engine {
    Engine::new(PathBuf::from(env!("CARGO_BIN_EXE_omg-engine-alpm")), root.path().to_owned())
}

fn populated() -> Option<Root> {
    let era = era::of_2022()?;
    let root = era.root(3, "");
    let vim = era.packages.iter().position(|(_, entry)| entry.name == "vim")?;
    for at in era.closure(&[vim]) {
        root.install(&era.packages[at].1.at("0-1"), at != vim);
    }
    Some(root)
}

#[test]
fn two_processes_make_the_same_plan() {
    let Some(root) = populated() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut change = install(&["unoconv", "maxima", "python-numpy"]);
    change.options.follow = true;
    let digests: Vec<(String, Plan)> = runtime.block_on(async {
        let (one, other) = (engine(&root), engine(&root));
        let state = Generation(1);
        let upgrade = Change::new(Operation::Upgrade, [""; 0]);
        // The second has made another plan before.
        other.plan(state, &upgrade).await.unwrap();
        let mut digests = Vec::new();
        for engine in [&one, &other, &other] {
            let plan = engine.plan(state, &change).await.unwrap();
            digests.push((plan.digest(), plan));
        }
        digests
    });
    assert!(digests[0].1.changes.len() > 100);
    assert!(digests.iter().all(|one| *one == digests[0]));
}

#[test]
fn plans_of_many_at_once_do_not_mix() {
    let Some(root) = populated() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = engine(&root);
        let names = ["unoconv", "maxima", "nosuch", "python-numpy"];
        let mut tasks = Vec::new();
        for name in names.into_iter().cycle().take(24) {
            let engine = engine.clone();
            tasks.push(tokio::spawn(async move {
                let mut change = install(&[name]);
                change.options.follow = true;
                (name, engine.plan(Generation(1), &change).await)
            }));
        }
        for task in tasks {
            let (name, plan) = task.await.unwrap();
            match plan {
                Ok(plan) => assert!(plan.changes.iter().any(|change| change.name == name)),
                Err(fault) => {
                    assert_eq!((fault.code, name), (Code::NotFound, "nosuch"), "{fault:?}");
                }
            }
        }
    });
}
