//! Engines that are killed, locks that are held, and what becomes of both.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use omg_commit::Committer;
use omg_core::{Change, Code, Operation, Progress, Task};
use omg_engine_alpm::AlpmCommitter;

use crate::commit::{possible, twins};
use crate::driver::{self, Told};
use crate::oracle;
use crate::process_commit::{command, order, run, start};
use crate::root::Root;
use crate::tree;
use crate::workshop::{Mirror, Recipe};

pub(crate) fn install(names: &[&str]) -> Change {
    Change::new(Operation::Install, names.iter().copied())
}

/// Packages that change in all ways at once.
pub(crate) fn mirrors() -> (Mirror, Mirror) {
    let (old, new) = (Mirror::new("core"), Mirror::new("core"));
    let many = |mut recipe: Recipe, version: &str| {
        for at in 0..30 {
            let name = format!("usr/share/{}/{version}/{at}", recipe.name.clone());
            recipe = recipe.file(&name, &format!("{version} {at}\n"));
        }
        recipe.backup("etc/b.conf", &format!("version = {version}\n"))
    };
    old.add(&[
        Recipe::new("a", "1-1").depends("b"),
        many(Recipe::new("b", "1-1"), "1"),
        Recipe::new("gone", "1-1").file("usr/bin/gone", "gone\n"),
    ]);
    new.add(&[
        Recipe::new("a", "2-1").depends("b>=2").depends("c"),
        many(Recipe::new("b", "2-1"), "2"),
        Recipe::new("c", "2-1").with("conflict", "gone").with("replaces", "gone"),
    ]);
    (old, new)
}

pub(crate) fn roots(old: &Mirror, new: &Mirror) -> (Root, Root) {
    let (ours, theirs) = twins(&["core"], "");
    for root in [&ours, &theirs] {
        old.sync(root);
        old.fill_cache(root);
        assert!(oracle::pacman(root, &["-S", "a", "gone"]).success);
        new.sync(root);
    }
    new.fill_cache(&theirs);
    assert!(oracle::pacman(&theirs, &["-Su"]).success);
    (ours, theirs)
}

#[test]
fn the_executable_carries_out_an_order() {
    if !possible() {
        return;
    }
    let (old, new) = mirrors();
    let (ours, theirs) = roots(&old, &new);
    let (ended, told) = run(&ours, &Change::new(Operation::Upgrade, [""; 0]), &[new.path()]);
    let outcome = ended.unwrap().unwrap();
    assert_eq!(outcome.changes.len(), 4);
    assert!(told.iter().any(|it| matches!(it, Progress::Step { percent: 50.., .. })));
    assert_eq!(tree::difference(&ours, &theirs), "");
    // And an own file, wherever it is.
    let file = old.path().join("gone-1-1-any.pkg.tar.gz");
    let change = install(&[file.to_str().unwrap(), "c-", "a-"]);
    let (ended, _) = run(&ours, &change, &[]);
    ended.unwrap().unwrap();
    assert_eq!(oracle::pacman(&ours, &["-Qq"]).stdout, "b\ngone\n");
}

#[test]
fn a_change_that_is_killed_anywhere_is_finished_afterwards() {
    if !possible() {
        return;
    }
    let (old, new) = mirrors();
    for (place, times) in [
        ("alpm.lock.taken", 1),
        ("alpm.lock.lent", 1),
        ("alpm.commit.begin", 1),
        ("alpm.transaction.begin", 1),
        ("alpm.package.begin", 1),
        ("alpm.package.begin", 2),
        ("alpm.package.begin", 3),
        ("alpm.package.begin", 4),
        ("alpm.package.done", 1),
        ("alpm.package.done", 3),
        ("alpm.transaction.done", 1),
        ("alpm.commit.done", 1),
    ] {
        let (ours, theirs) = roots(&old, &new);
        let before = tree::of(&ours);
        let (_, task) = order(&ours, &Change::new(Operation::Upgrade, [""; 0]), &[new.path()]);
        let mut killed = command(ours.path());
        killed.env("OMG_FAILPOINT", format!("{place}=kill:{times}"));
        let ended = start(killed, task).end();
        assert!(ended.is_none(), "{place}: {ended:?}");
        recovered(&ours, &format!("{place}:{times}"));
        let after = tree::of(&ours);
        let finished = tree::difference_of_recovered(&ours, &theirs).is_empty();
        assert!(
            finished || after == before,
            "{place}:{times}: {}",
            tree::difference_of_recovered(&ours, &theirs)
        );
        let late = !["alpm.lock.taken", "alpm.lock.lent"].contains(&place);
        assert_eq!(finished, late, "{place}:{times}");
    }
}

#[test]
fn a_change_that_is_killed_at_any_moment_is_finished_afterwards() {
    if !possible() {
        return;
    }
    let (old, new) = mirrors();
    let number = std::env::var("OMG_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let (mut begun, mut finished) = (0, 0);
    for at in 0..number {
        let (ours, theirs) = roots(&old, &new);
        let before = tree::of(&ours);
        let (_, task) = order(&ours, &Change::new(Operation::Upgrade, [""; 0]), &[new.path()]);
        let mut working = start(command(ours.path()), task);
        // From when the journal is there, a random while.
        let journal = ours.path().join("var/lib/omg/alpm/journal");
        let start = Instant::now();
        while !journal.exists() && start.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros((at * 7919) % 12_000));
        working.child.kill().unwrap();
        let ended = working.end();
        begun += usize::from(ended.is_none());
        recovered(&ours, &format!("{at}"));
        // With the old entry went what is known of its configuration files: the user's copy, here never
        // edited, stays, and the new one is put beside it.
        let [etc, new] = ["etc/b.conf", "etc/b.conf.pacnew"].map(|path| ours.path().join(path));
        if new.exists() {
            fs::rename(new, etc).unwrap();
        }
        let difference = tree::difference_of_recovered(&ours, &theirs);
        let whole = difference.is_empty();
        assert!(whole || tree::of(&ours) == before, "{at}: {difference}");
        finished += usize::from(whole);
    }
    println!("{number} kills: {begun} before the answer, {finished} finished afterwards");
}

/// Has what is unfinished finished, within five seconds.
pub(crate) fn recovered(root: &Root, what: &str) {
    let begin = Instant::now();
    let told = Told::default();
    let mut committer = driver::open(root.path(), &told).unwrap();
    let unfinished = committer.interrupted().unwrap();
    let done = committer.recover(&told);
    assert!(done.is_ok(), "{what}: {unfinished:?} {done:?}");
    assert_eq!(committer.interrupted().unwrap(), [""; 0], "{what}");
    drop(committer);
    assert!(!root.database().join("db.lck").exists(), "{what}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{what}");
    let said = oracle::pacman(root, &["-Qk"]);
    assert!(said.success, "{what}: {}{}", said.stdout, said.stderr);
}

/// A journal stays until somebody recovers. Whoever takes the lock away and goes on with pacman does not
/// want the versions of then.
#[test]
fn what_another_tool_changed_since_stays_as_it_is() {
    if !possible() {
        return;
    }
    let (old, new) = mirrors();
    let newest = Mirror::new("core");
    newest.add(&["a", "b", "c"].map(|name| Recipe::new(name, "3-1")));
    for place in ["alpm.commit.begin", "alpm.package.begin"] {
        let (ours, _) = roots(&old, &new);
        let (_, task) = order(&ours, &Change::new(Operation::Upgrade, [""; 0]), &[new.path()]);
        let mut killed = command(ours.path());
        killed.env("OMG_FAILPOINT", format!("{place}=kill"));
        assert!(start(killed, task).end().is_none());
        fs::remove_file(lock(&ours)).unwrap();
        newest.sync(&ours);
        newest.fill_cache(&ours);
        assert!(oracle::pacman(&ours, &["-S", "a", "b", "c", "--overwrite", "*"]).success);
        let before = tree::of(&ours);
        assert_eq!(
            driver::commit(&ours, &install(&["a"]), &[]).unwrap_err().code,
            Code::Interrupted
        );
        recovered(&ours, place);
        assert_eq!(tree::of(&ours), before, "{place}");
    }
}

/// What came for others counts so, though its mark would have been set last.
#[test]
fn marks_that_were_cut_off_are_set_afterwards() {
    if !possible() {
        return;
    }
    let (old, new) = mirrors();
    let (ours, _) = roots(&old, &new);
    let mut change = install(&["a"]);
    change.options.follow = true;
    change.options.as_dependencies = true;
    let (_, task) = order(&ours, &change, &[new.path()]);
    let mut killed = command(ours.path());
    killed.env("OMG_FAILPOINT", "alpm.commit.done=kill");
    assert!(start(killed, task).end().is_none());
    assert!(oracle::pacman(&ours, &["-Qeq"]).stdout.contains("a\n"));
    recovered(&ours, "marks");
    assert!(!oracle::pacman(&ours, &["-Qeq"]).stdout.contains("a\n"));
}

#[test]
fn what_pacman_left_is_named_and_repaired() {
    if !possible() {
        return;
    }
    let (old, new) = mirrors();
    let (ours, _) = roots(&old, &new);
    // As pacman leaves it when it is killed while it unpacks.
    let entry = ours.database().join("local/b-1-1");
    fs::remove_file(entry.join("desc")).unwrap();
    OpenOptions::new().write(true).create_new(true).mode(0o0).open(lock(&ours)).unwrap();
    let fault = driver::commit(&ours, &install(&["a"]), &[]).unwrap_err();
    assert_eq!(fault.code, Code::Interrupted);
    assert!(fault.message.contains("b 1-1 is half installed"), "{fault:?}");
    assert!(fault.message.contains("pacman was cut off"), "{fault:?}");
    assert!(lock(&ours).exists(), "only a recovery removes it");
    recovered(&ours, "pacman");
    assert!(oracle::pacman(&ours, &["-Qq"]).stdout.contains("b\n"));
    assert!(ours.path().join("usr/share/b/1/7").exists());
}

fn lock(root: &Root) -> std::path::PathBuf {
    root.database().join("db.lck")
}

/// Row 60.
#[test]
fn a_lock_that_is_held_names_its_holder_and_is_waited_for() {
    if !possible() {
        return;
    }
    let (old, new) = mirrors();
    let (ours, _) = roots(&old, &new);
    // pacman itself, waiting for an answer that it never gets, with the lock.
    let mut pacman = Command::new("pacman")
        .current_dir("/")
        .arg("--config")
        .arg(ours.path().join("etc/pacman.conf"))
        .arg("--root")
        .arg(ours.path())
        .arg("--dbpath")
        .arg(ours.database())
        .args(["-R", "a"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while !lock(&ours).exists() {
        assert!(begin.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = Told::default();
    let held = AlpmCommitter::open(ours.path(), Duration::from_millis(300), &told).unwrap_err();
    assert_eq!(held.code, Code::Lock);
    let holder = format!("by pacman (process {})", pacman.id());
    assert!(held.message.contains(&holder), "{}", held.message);
    let waiting =
        told.0.lock().unwrap().iter().any(
            |it| matches!(it, Progress::Waiting { pid: Some(pid), .. } if *pid == pacman.id()),
        );
    assert!(waiting);
    // It goes, and leaves its lock: that is told, not waited for.
    pacman.kill().unwrap();
    pacman.wait().unwrap();
    let begin = Instant::now();
    let mut committer = AlpmCommitter::open(ours.path(), Duration::from_secs(5), &told).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(committer.interrupted().unwrap().len(), 1);
    committer.recover(&told).unwrap();
    assert_eq!(committer.interrupted().unwrap(), [""; 0]);
    let said = oracle::pacman(&ours, &["-R", "gone"]);
    assert!(said.stderr.contains("unable to lock database"), "{}", said.stderr);
    drop(committer);
    assert!(oracle::pacman(&ours, &["-R", "gone"]).success);
}

/// Row 60: an engine of ours that was killed before it changed anything is in nobody's way.
#[test]
fn many_engines_wait_for_one_another() {
    if !possible() {
        return;
    }
    let (old, new) = mirrors();
    let (ours, _) = roots(&old, &new);
    let mark = |automatic| Task::Mark { packages: vec!["a".into()], automatic };
    let mut dead = command(ours.path());
    dead.env("OMG_FAILPOINT", "alpm.lock.taken=kill");
    assert!(start(dead, mark(true)).end().is_none());
    let mut all: Vec<_> = (0..8).map(|at| start(command(ours.path()), mark(at % 2 == 0))).collect();
    for working in &mut all {
        working.end().unwrap().unwrap();
    }
    assert!(!lock(&ours).exists());
    assert!(oracle::pacman(&ours, &["-Qk"]).success);
}
