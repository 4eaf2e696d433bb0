//! A real Debian, made by mmdebstrap and with lists: `OMG_DEBIAN_ROOT` names it. It is copied, never
//! changed. The engine and the root's own apt-get install the same packages, with their scripts and
//! triggers, and leave the same system. Times are printed, and asserted by nobody.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use omg_core::{Artifact, Change, Operation, Plan, Task};

use super::engine::{Engine, order};
use super::repository::artifact;
use super::system::{able, copy, differences, tree};
use crate::root::Root;

/// Small and large, with and without scripts, triggers, dependencies and configuration.
const PACKAGES: [&str; 4] = ["hello", "nano", "cron", "man-db"];

/// `OMG_REPEAT` times each, for measuring.
fn repeat() -> usize {
    std::env::var("OMG_REPEAT").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn inside(root: &Path, arguments: &[&str]) -> Duration {
    let start = Instant::now();
    let output = Command::new("chroot")
        .arg(root)
        .args([
            "apt-get",
            "-y",
            "-o",
            "Dpkg::Use-Pty=false",
            "-o",
            "DPkg::Options::=--force-confold",
        ])
        .args(arguments)
        .env_clear()
        .envs([
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LC_ALL", "C.UTF-8"),
            ("DEBIAN_FRONTEND", "noninteractive"),
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}");
    start.elapsed()
}

fn artifacts(root: &Path, plan: &Plan) -> Vec<Artifact> {
    let of = |change: &omg_core::Planned| {
        let version = change.new_version.clone()?;
        let name =
            format!("{}_{}_{}.deb", change.name, version.replace(':', "%3a"), change.architecture);
        let path = root.join("var/cache/apt/archives").join(name);
        let mut artifact = artifact(&path, &change.name, &version, &change.repository);
        artifact.architecture.clone_from(&change.architecture);
        Some(artifact)
    };
    plan.changes.iter().filter_map(of).collect()
}

fn engine(root: &Root, state: u64, change: &Change) -> Duration {
    let plan = root.plan_at(state, change).unwrap();
    // As omgd has them: elsewhere, and not what the engine puts into apt's cache.
    let store = root.path.with_extension("store");
    fs::create_dir_all(&store).unwrap();
    let mut artifacts = artifacts(&root.path, &plan);
    for artifact in &mut artifacts {
        let to = store.join(&artifact.file_name);
        fs::copy(&artifact.path, &to).unwrap();
        artifact.path = to.display().to_string();
    }
    let digest = plan.digest();
    let task = Task::Apply { change: change.clone(), digest, artifacts, undoes: None };
    let start = Instant::now();
    let mut engine = Engine::start(&root.path);
    let (_, result) = engine.order(&order(task));
    let took = start.elapsed();
    result.unwrap_or_else(|fault| panic!("{:?}: {fault:?}", change.targets));
    took
}

#[test]
fn a_real_system_is_changed_as_apt_get_changes_it() {
    let Some(given) = std::env::var_os("OMG_DEBIAN_ROOT").map(PathBuf::from) else {
        println!("SKIPPED: OMG_DEBIAN_ROOT names no root made by mmdebstrap");
        return;
    };
    if !able() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(dir.path()).unwrap();
    let (ours, theirs) = (base.join("ours"), base.join("theirs"));
    copy(&given, &ours);
    for package in PACKAGES {
        inside(&ours, &["-d", "install", package]);
    }
    copy(&ours, &theirs);
    let root = Root::new(&ours, "amd64");
    let mut state = 10;
    for package in PACKAGES {
        for number in 0..repeat() {
            state += 2;
            let install = engine(&root, state, &Change::new(Operation::Install, [package]));
            let by_apt = inside(&theirs, &["--no-download", "install", package]);
            println!("install {package}: engine {install:?}, apt-get {by_apt:?}");
            same(&ours, &theirs, package);
            if number + 1 == repeat() {
                break;
            }
            let mut change = Change::new(Operation::Remove, [package]);
            change.options.purge = true;
            let remove = engine(&root, state + 1, &change);
            let by_apt = inside(&theirs, &["purge", package]);
            println!("purge {package}: engine {remove:?}, apt-get {by_apt:?}");
            same(&ours, &theirs, package);
        }
    }
    root.stop();
}

/// Databases of tools have times in them.
fn same(ours: &Path, theirs: &Path, after: &str) {
    let left_out = ["var/lib/systemd", "var/lib/apt/periodic", "etc/shadow", "etc/gshadow"];
    let of = |root: &Path| {
        let mut all = tree(root);
        all.retain(|path, _| !left_out.iter().any(|it| path.starts_with(it)));
        all
    };
    assert_eq!(differences(&of(ours), &of(theirs)), [""; 0], "after {after}");
}
