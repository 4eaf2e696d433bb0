//! Changes carried out, and compared with what pacman makes of the same request.

use std::fs;

use omg_commit::Committer as _;
use omg_core::{Change, Operation};

use crate::driver::{self, Told};
use crate::entry::Entry;
use crate::oracle;
use crate::root::Root;
use crate::tree;
use crate::workshop::{Mirror, Recipe, furnish};

/// A change takes root's rights.
pub(crate) fn possible() -> bool {
    if !oracle::is_root() {
        eprintln!("SKIPPED: only root can install packages, so nothing is committed");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must run these tests as root");
        return false;
    }
    oracle::available()
}

/// Two roots that are the same: one for us, one for pacman.
pub(crate) fn twins(repositories: &[&str], options: &str) -> (Root, Root) {
    let (ours, theirs) = (Root::new(repositories, options), Root::new(repositories, options));
    for root in [&ours, &theirs] {
        furnish(root);
        for name in repositories {
            root.serve(name);
        }
    }
    (ours, theirs)
}

#[test]
fn what_is_installed_upgraded_and_removed_is_what_pacman_makes_of_it() {
    if !possible() {
        return;
    }
    let mirror = Mirror::new("core");
    mirror.add(&[
        Recipe::new("app", "1-1")
            .depends("lib")
            .program("usr/bin/app", "#!/bin/sh\necho app\n")
            .link("usr/bin/application", "app")
            .backup("etc/app.conf", "answer = 42\n")
            .install("post_install() {\n echo \"hello from $1\"\n}\n"),
        Recipe::new("lib", "1-1"),
    ]);
    let (ours, theirs) = twins(&["core"], "");
    mirror.sync(&ours);
    mirror.sync(&theirs);
    mirror.fill_cache(&theirs);

    let told = Told::default();
    let change = Change::new(Operation::Install, ["app"]);
    driver::commit_telling(ours.path(), &change, &[mirror.path()], &told).unwrap();
    let ran = oracle::pacman(&theirs, &["-S", "app"]);
    assert!(ran.success, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(tree::difference(&ours, &theirs), "");
    assert_eq!(told.output(), [("app".to_owned(), "hello from 1-1".to_owned())]);
    assert!(ours.path().join("var/cache/pacman/pkg/app-1-1-any.pkg.tar.gz").exists());
    assert!(!ours.database().join("db.lck").exists());

    mirror.add(&[Recipe::new("app", "2-1").depends("lib").backup("etc/app.conf", "answer = 43\n")]);
    for root in [&ours, &theirs] {
        mirror.sync(root);
        fs::write(root.path().join("etc/app.conf"), "answer = 41\n").unwrap();
    }
    mirror.fill_cache(&theirs);
    let done =
        driver::commit(&ours, &Change::new(Operation::Upgrade, [""; 0]), &[mirror.path()]).unwrap();
    assert!(oracle::pacman(&theirs, &["-Su"]).success);
    assert_eq!(tree::difference(&ours, &theirs), "");
    let texts: Vec<&str> = done.notices.iter().map(|notice| notice.text.as_str()).collect();
    assert!(texts.contains(&"/etc/app.conf.pacnew"), "{texts:?}");

    let mut change = Change::new(Operation::Remove, ["app"]);
    change.options.recursive = true;
    let done = driver::commit(&ours, &change, &[]).unwrap();
    assert!(oracle::pacman(&theirs, &["-Rs", "app"]).success);
    assert_eq!(tree::difference(&ours, &theirs), "");
    assert!(done.notices.iter().any(|notice| notice.text == "/etc/app.conf.pacsave"));
}

#[test]
fn a_size_that_no_database_has_is_not_nought() {
    if !possible() {
        return;
    }
    let root = Root::new(&["core"], "");
    root.repository(
        "core",
        &[Entry::new("one", "1-1"), Entry::new("two", "1-1").with("CSIZE", &[])],
    );
    let mut committer = driver::open(root.path(), &Told::default()).unwrap();
    let plan = committer.plan(&Change::new(Operation::Install, ["one", "two"])).unwrap();
    let sizes: Vec<_> =
        committer.proofs(&plan).unwrap().iter().map(|proof| (proof.change, proof.size)).collect();
    assert_eq!(sizes, [(0, Some(1000)), (1, None)]);
}
