//! Rows of the catalogue.

use std::process::Command;

use omg_backend_alpm::lists;
use omg_core::Code;

use super::harness::{Key, Root, Scene, attack, database, now, put};

const SIGNED: &str = "Required";

#[test]
fn row_01_an_older_database_is_a_rollback() {
    attack("01", Code::Rollback, || {
        let scene = Scene::new(SIGNED);
        scene.root.sync()?;
        scene.root.install(&database("0.9-1", now() - 90_000), Some(&scene.key), None)
    });
}

#[test]
fn row_01_a_rollback_is_noticed_without_databases() {
    attack("01", Code::Rollback, || {
        let scene = Scene::new(SIGNED);
        scene.root.sync()?;
        std::fs::remove_dir_all(scene.root.sync_dir()).unwrap();
        std::fs::create_dir(scene.root.sync_dir()).unwrap();
        scene.root.install(&database("0.9-1", now() - 90_000), Some(&scene.key), None)
    });
}

#[test]
fn row_02_a_database_older_than_the_policy_allows_is_stale() {
    attack("02", Code::Expired, || {
        let scene = Scene::new(SIGNED);
        scene.root.install(&database("1.0-1", now() - 7200), Some(&scene.key), Some(3600))
    });
}

#[test]
fn row_08_a_key_that_nobody_vouches_for_does_not_count() {
    attack("08", Code::Signature, || {
        let scene = Scene::new(SIGNED);
        let other = Key::new("other");
        scene.root.trust(&other, false);
        scene.root.install(&database("1.0-1", now()), Some(&other), None)
    });
}

#[test]
fn row_15_what_was_signed_stays_signed() {
    attack("15", Code::Signature, || {
        let scene = Scene::new("Optional");
        scene.root.sync()?;
        scene.root.install(&database("2.0-1", now()), None, None)
    });
}

#[test]
fn what_is_not_signed_where_it_must_be_is_refused_on_both_sides() {
    let scene = Scene::new(SIGNED);
    let edited = database("6.6-6", now());
    put(scene.dir.path(), &edited, None, now());
    let staged = tempfile::tempdir().unwrap();
    assert_eq!(scene.root.fetch(staged.path()).unwrap_err().code, Code::Signature);
    assert!(std::fs::read_dir(staged.path()).unwrap().next().is_none());
    assert_eq!(scene.root.install(&edited, None, None).unwrap_err().code, Code::Signature);
    // The signature of another version.
    std::fs::write(scene.dir.path().join("core.db.sig"), scene.key.sign(b"other")).unwrap();
    assert_eq!(scene.root.fetch(staged.path()).unwrap_err().code, Code::Signature);
}

#[test]
fn a_mirror_that_lags_is_left_for_the_next() {
    let scene = Scene::new(SIGNED);
    scene.root.sync().unwrap();
    let lagging = Scene::new(SIGNED);
    put(lagging.dir.path(), &database("0.9-1", now() - 90_000), Some(&scene.key), now());
    put(scene.dir.path(), &database("2.0-1", now()), Some(&scene.key), now());
    let servers = format!(
        "[core]\nSigLevel = Required\nServer = {}\nServer = {}\n",
        lagging.mirror.base(),
        scene.mirror.base()
    );
    std::fs::write(scene.root.path().join("etc/pacman.conf"), servers).unwrap();
    assert_eq!(scene.root.sync().unwrap().changed, ["core.db"]);
}

#[test]
fn a_package_that_left_is_no_rollback() {
    let key = Key::new("packager");
    let root = Root::new(&[], SIGNED, &key);
    root.install(&database("1.0-1", now()), Some(&key), None).unwrap();
    root.install(&database("1.0-1", now() - 60), Some(&key), None).unwrap();
}

#[test]
fn links_and_strangers_are_refused() {
    let scene = Scene::new(SIGNED);
    let staged = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(scene.dir.path().join("core.db"), staged.path().join("core.db"))
        .unwrap();
    assert!(lists::install(scene.root.path(), staged.path(), None).is_err());
    let staged = tempfile::tempdir().unwrap();
    std::fs::write(staged.path().join("stranger.db"), "x").unwrap();
    let fault = lists::install(scene.root.path(), staged.path(), None).unwrap_err();
    assert_eq!(fault.code, Code::Refused, "{fault:?}");
    assert!(scene.root.tree().is_empty());
}

/// What the child does: the swap, in directories that the parent made.
#[test]
fn child_that_swaps() {
    let Some(root) = std::env::var_os("OMG_TEST_ROOT") else { return };
    let staged = std::env::var_os("OMG_TEST_STAGED").unwrap();
    lists::install(root.as_ref(), staged.as_ref(), None).unwrap();
}

#[test]
fn a_swap_that_is_cut_off_is_finished_or_was_not_begun() {
    for point in [
        "lists.swap.prepared=kill",
        "lists.swap.certain=kill",
        "lists.swap.step=kill:1",
        "lists.swap.step=kill:2",
        "lists.swap.done=kill",
    ] {
        let scene = Scene::new(SIGNED);
        scene.root.sync().unwrap();
        let old = scene.root.tree();
        let staged = tempfile::tempdir().unwrap();
        put(staged.path(), &database("2.0-1", now()), Some(&scene.key), now());
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "refresh::attacks::child_that_swaps"])
            .env("OMG_TEST_ROOT", scene.root.path())
            .env("OMG_TEST_STAGED", staged.path())
            .env("OMG_FAILPOINT", point)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{point}: the child was to be killed");
        let certain = !point.starts_with("lists.swap.prepared");
        assert_eq!(lists::interrupted(scene.root.path()), certain, "{point}");
        lists::recover(scene.root.path()).unwrap();
        assert!(!scene.root.sync_dir().join(".omg").exists());
        let tree = scene.root.tree();
        assert_eq!(tree.keys().collect::<Vec<_>>(), ["core.db", "core.db.sig"], "{point}");
        assert_eq!(tree["core.db"].0 != old["core.db"].0, certain, "{point}");
        assert_eq!(tree["core.db.sig"].0 != old["core.db.sig"].0, certain, "{point}");
    }
}
