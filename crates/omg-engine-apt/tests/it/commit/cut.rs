//! Killed at every step: the system is old or new, or says that it is unfinished and is repaired.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use omg_core::{Change, Operation, Scope, Task};

use super::engine::{Engine, apply, carry_out, order};
use super::repository::{Package, Repository};
use super::system::{able, copy, differences, system, tree};
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

#[test]
fn a_removal_that_was_begun_is_finished_unless_something_needs_it() {
    if !able() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(dir.path()).unwrap().join("root");
    fs::create_dir(&path).unwrap();
    system(&path);
    let repository = Repository::new();
    let tool = Package::new("tool", "1.0-1").fields("Depends: lib\n");
    repository.suite(&path, "stable", &[tool, Package::new("lib", "1.0-1")]);
    let root = Root::new(&path, "amd64");
    carry_out(&root, &repository, &Change::new(Operation::Install, ["tool"])).unwrap();
    root.stop();
    // As dpkg leaves it when it is killed before or in `prerm`.
    let status = path.join("var/lib/dpkg/status");
    let begin = |name: &str| {
        let text = fs::read_to_string(&status).unwrap();
        let record = format!("Package: {name}\nStatus: ");
        let begun = text.replace(
            &format!("{record}install ok installed"),
            &format!("{record}deinstall ok half-configured"),
        );
        assert_ne!(text, begun);
        fs::write(&status, begun).unwrap();
        let mut engine = Engine::start(&path);
        engine.order(&order(Task::Recover)).1.unwrap();
        states(&path).join("\n")
    };
    let kept = begin("lib");
    assert!(kept.contains("Package: lib Status: deinstall ok installed"), "{kept}");
    let gone = begin("tool");
    assert!(!gone.contains("Package: tool"), "{gone}");
    assert_eq!(audit(&path), "");
}

/// Packages with many files and configuration, in a version.
fn packages(version: &str) -> Vec<Package> {
    let of = |name: &str, fields: &str| {
        let mut package = Package::new(name, version).fields(fields);
        for at in 0..40 {
            let path = format!("/usr/share/{name}/{version}/{at}");
            package.files.push((path, format!("{name} {version} {at}\n")));
        }
        package.conffile(&format!("/etc/{name}.conf"), &format!("as in {version}\n"))
    };
    let mut all = vec![
        of("base", ""),
        of("lib", "Depends: base\n"),
        of("tool", &format!("Depends: lib (>= {version})\n")),
        of("other", "Pre-Depends: base\n"),
    ];
    if version.starts_with('2') {
        all.push(of("new", "Depends: lib\nConflicts: other\nReplaces: other\n"));
        all[2].fields.push_str("Recommends: new\n");
    }
    all
}

/// Packages with their state and version.
fn states(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap();
    let of = |record: &str| {
        let known = ["Package:", "Status:", "Version:"];
        let lines = record.lines().filter(|line| known.iter().any(|it| line.starts_with(it)));
        lines.collect::<Vec<_>>().join(" ")
    };
    let mut all: Vec<String> = text.split("\n\n").map(of).collect();
    all.sort();
    all
}

fn audit(root: &Path) -> String {
    let mut dpkg = Command::new("dpkg");
    let output = dpkg.arg(format!("--root={}", root.display())).arg("--audit").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// `OMG_KILLS` says how often. Every other time dpkg outlives the engine.
#[test]
fn whoever_is_killed_at_any_moment_leaves_what_can_be_repaired() {
    if !able() {
        return;
    }
    let number = std::env::var("OMG_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let dir = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(dir.path()).unwrap();
    let fresh = base.join("fresh");
    fs::create_dir(&fresh).unwrap();
    system(&fresh);
    let repository = Repository::new();
    repository.suite(&fresh, "stable", &packages("1.0-1"));
    let root = Root::new(&fresh, "amd64");
    carry_out(&root, &repository, &Change::new(Operation::Install, ["tool", "other"])).unwrap();
    root.stop();
    repository.suite(&fresh, "testing", &packages("2.0-1"));
    let mut change = Change::new(Operation::Upgrade, [""; 0]);
    change.options.scope = Scope::Full;
    // What comes of it when nobody is killed, and how long it takes.
    let whole = base.join("whole");
    copy(&fresh, &whole);
    let root = Root::new(&whole, "amd64");
    let plan = root.plan(&change).unwrap();
    assert!(plan.changes.len() >= 4, "{plan:?}");
    root.stop();
    let begin = Instant::now();
    Engine::start(&whole).order(&apply(&change, &plan, &repository)).1.unwrap();
    let long = begin.elapsed();
    let (mut cut, mut repaired) = (0, 0);
    for at in 0..number {
        let path = base.join("root");
        copy(&fresh, &path);
        let mut engine = Engine::start(&path);
        let pid = engine.child.id();
        engine.send(&apply(&change, &plan, &repository));
        std::thread::sleep(long.mul_f64(f64::from((at * 7919) % 1000) / 1000.0));
        if at % 2 == 0 {
            engine.child.kill().unwrap();
        } else {
            // It leads a session, and so a group, of its own.
            let group = format!("-{pid}");
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        }
        cut += usize::from(engine.finish().is_none());
        drop(engine);
        let mut engine = Engine::start(&path);
        let (_, recovered) = engine.order(&order(Task::Recover));
        let recovered = recovered.unwrap_or_else(|fault| panic!("{at}: {fault:?}"));
        repaired += usize::from(!recovered.notices.is_empty());
        drop(engine);
        assert_eq!(audit(&path), "", "{at}");
        let root = Root::new(&path, "amd64");
        let plan = root.plan(&change).unwrap();
        root.stop();
        if !plan.changes.is_empty() {
            let (_, again) = Engine::start(&path).order(&apply(&change, &plan, &repository));
            again.unwrap_or_else(|fault| panic!("{at}: {fault:?}"));
        }
        assert_eq!(states(&path), states(&whole), "{at}: {recovered:?}");
        // dpkg itself may forget, when it is killed, which configuration file it had put into place, and
        // leave what it had unpacked of a control archive.
        let files = |root: &Path| {
            let mut all = tree(root);
            all.retain(|path, _| !path.starts_with("var/lib/dpkg"));
            all
        };
        assert_eq!(differences(&files(&path), &files(&whole)), [""; 0], "{at}: {recovered:?}");
        fs::remove_dir_all(&path).unwrap();
    }
    println!("{number} kills: {cut} before the answer, {repaired} with something to repair");
}
