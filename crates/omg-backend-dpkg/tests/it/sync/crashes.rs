//! A process that dies in the middle of a swap.

use std::process::Command;

use omg_backend_dpkg::lists;

use super::harness::{Scene, packages};

/// What the child does: the swap, in directories that the parent made.
#[test]
fn child_that_swaps() {
    let Some(root) = std::env::var_os("OMG_TEST_ROOT") else { return };
    let staged = std::env::var_os("OMG_TEST_STAGED").unwrap();
    lists::install(root.as_ref(), staged.as_ref()).unwrap();
}

#[test]
fn a_swap_that_is_cut_off_is_finished_or_was_not_begun() {
    let mut scene = Scene::new("");
    scene.root.install(scene.staged().path()).unwrap();
    let old = scene.root.tree();
    scene.archive.date += 60;
    scene.archive.lists.insert("main/binary-amd64/Packages".into(), packages("2.0"));
    let staged = scene.staged();
    for point in [
        "lists.swap.prepared",
        "lists.swap.certain",
        "lists.swap.step=kill:1",
        "lists.swap.step=kill:2",
        "lists.swap.done",
    ] {
        let other = Scene::new("");
        drop(other);
        // Back to the old state, with its memory.
        for (name, bytes) in &old {
            std::fs::write(scene.root.lists().join(name), bytes).unwrap();
        }
        let failpoint = if point.contains('=') { point.into() } else { format!("{point}=kill") };
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sync::crashes::child_that_swaps"])
            .env("OMG_TEST_ROOT", scene.root.path())
            .env("OMG_TEST_STAGED", staged.path())
            .env("OMG_FAILPOINT", failpoint)
            .output()
            .unwrap()
            .status;
        assert!(!status.success(), "{point}: the child was to be killed");
        let certain = point != "lists.swap.prepared";
        assert_eq!(lists::interrupted(scene.root.path()), certain, "{point}");
        lists::recover(scene.root.path()).unwrap();
        assert!(
            !lists::interrupted(scene.root.path()) && !scene.root.lists().join(".omg").exists()
        );
        let tree = scene.root.tree();
        let name = format!("{}main_binary-amd64_Packages", scene.root.prefix());
        let list = String::from_utf8(tree[&name].clone()).unwrap();
        assert_eq!(list.contains("Version: 2.0"), certain, "{point}");
        let chain = lists::verify_chain(scene.root.path(), &()).unwrap();
        assert!(chain.lists.iter().all(|list| list.problem.is_empty()), "{point}: {chain:?}");
        assert!(!chain.lists.is_empty());
    }
}
