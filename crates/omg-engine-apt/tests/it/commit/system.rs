//! Roots that dpkg can change, and what is in them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use omg_verify::digest::Sha256;

use super::repository::run;
use crate::root::skeleton;

/// Can this process change roots, and are the tools there? Says it loudly if not.
pub(crate) fn able() -> bool {
    let root = rustix::process::geteuid().is_root();
    let tools = ["dpkg", "dpkg-deb", "gpg", "apt-get"];
    let missing: Vec<_> = tools
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .collect();
    if root && missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none() || !root, "these tools are missing: {missing:?}");
    println!("SKIPPED: changing a root takes root and dpkg (root: {root}, missing: {missing:?})");
    false
}

/// An empty system that dpkg can install into.
pub(crate) fn system(root: &Path) {
    skeleton(root, false);
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    for path in ["info", "updates", "triggers", "parts", "alternatives"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(path)).unwrap();
    }
    for path in ["available", "diversions", "statoverride"] {
        fs::write(root.join("var/lib/dpkg").join(path), "").unwrap();
    }
    fs::create_dir_all(root.join("var/log/apt")).unwrap();
    fs::create_dir_all(root.join("tmp")).unwrap();
}

/// Gives a root a shell, so that maintainer scripts run in it.
pub(crate) fn shell(root: &Path) {
    let mut files = vec!["/bin/dash".to_owned()];
    for tool in ["/bin/sleep", "/usr/bin/env", "/bin/ls", "/usr/bin/touch", "/bin/rm"] {
        files.push(tool.to_owned());
    }
    let mut all = files.clone();
    for file in &files {
        let output = Command::new("ldd").arg(file).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        all.extend(text.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned));
    }
    for file in all {
        let to = root.join(file.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if !to.exists() {
            fs::copy(&file, to).unwrap();
        }
    }
    fs::copy("/bin/dash", root.join("bin/sh")).unwrap();
    for directory in ["dev", "proc"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::write(root.join("dev/null"), "").unwrap();
}

pub(crate) fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// What is not the same after two ways to the same state: logs, caches, locks, backups, our own.
const LEFT_OUT: [&str; 12] = [
    "var/log",
    "var/cache",
    "var/lib/omg",
    "var/lib/apt/lists",
    "var/lib/apt/listchanges.db",
    "var/lib/dpkg/lock",
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/triggers/Lock",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/available-old",
    "etc/apt",
    "usr/share/keyrings",
];

/// Every path with its kind, mode, owner and content.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    walk(root, "", &mut all);
    all
}

fn walk(root: &Path, below: &str, all: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(root.join(below)).unwrap().flatten() {
        let name = entry.file_name().to_str().unwrap().to_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if LEFT_OUT.contains(&path.as_str()) {
            continue;
        }
        let there = entry.path().symlink_metadata().unwrap();
        let content = if there.is_file() {
            Sha256::of(&fs::read(entry.path()).unwrap()).to_string()
        } else if there.is_symlink() {
            fs::read_link(entry.path()).unwrap().display().to_string()
        } else {
            String::new()
        };
        let line = format!("{:o} {}:{} {content}", there.mode(), there.uid(), there.gid());
        all.insert(path.clone(), line);
        if there.is_dir() {
            walk(root, &path, all);
        }
    }
}

/// What differs between two trees, a few lines of it.
pub(crate) fn differences(
    ours: &BTreeMap<String, String>,
    theirs: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, what) in ours {
        match theirs.get(path) {
            None => lines.push(format!("only ours: {path}")),
            Some(other) if other != what => lines.push(format!("{path}: {what} / {other}")),
            Some(_) => {}
        }
    }
    lines.extend(
        theirs.keys().filter(|it| !ours.contains_key(*it)).map(|it| format!("only theirs: {it}")),
    );
    lines.truncate(12);
    lines
}
