//! Requests drawn by chance: every plan is the one of apt-get.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::compare::{Verdict, ask};
use crate::draw::{Draw, Names};
use crate::root::{Root, unpack};
use crate::world::world;

/// Requests in all, about; `OMG_PLANS` asks for more.
fn plans() -> usize {
    std::env::var("OMG_PLANS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

fn seed() -> u64 {
    std::env::var("OMG_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[derive(Default)]
struct Tally {
    counts: BTreeMap<Verdict, usize>,
    different: Vec<String>,
}

impl Tally {
    fn add(&mut self, (verdict, about): (Verdict, String)) {
        *self.counts.entry(verdict).or_default() += 1;
        if verdict == Verdict::Different {
            self.different.push(about);
        }
    }

    fn check(&self, about: &str) {
        println!("{about}: {:?}", self.counts);
        let few: Vec<_> = self.different.iter().take(8).cloned().collect();
        assert!(few.is_empty(), "{about}: {} differ\n{}", self.different.len(), few.join("\n\n"));
    }
}

#[test]
fn on_crafted_archives_plans_are_those_of_apt_get() {
    let mut tally = Tally::default();
    let each = 40;
    for number in 0..plans().div_ceil(each) as u64 {
        let dir = tempfile::tempdir().unwrap();
        let Some((root, names)) = world(dir.path(), seed() * 1000 + number) else { return };
        let mut draw = Draw(seed() * 77_777 + number);
        for _ in 0..each {
            let Some((verdict, about)) = ask(&root, &names.request(&mut draw)) else { return };
            tally.add((verdict, format!("world {number}: {about}")));
        }
        root.stop();
    }
    tally.check("crafted");
    assert!(tally.counts[&Verdict::Same] > plans() / 3);
}

#[test]
fn on_a_real_server_plans_are_those_of_apt_get() {
    let Some(dir) = unpack("debian/roots.tar.gz") else { return };
    let path = dir.path().join("bullseye-web");
    fs::create_dir_all(path.join("etc/apt/preferences.d")).unwrap();
    let sources = "deb [trusted=yes] http://deb.debian.org/debian bullseye main contrib non-free\n\
        deb [trusted=yes] http://deb.debian.org/debian bullseye-updates main\n\
        deb [trusted=yes] http://security.debian.org/debian-security bullseye-security main contrib non-free\n";
    fs::write(path.join("etc/apt/sources.list"), sources).unwrap();
    fs::write(path.join("var/lib/dpkg/arch"), "amd64\ni386\n").unwrap();
    compare(&path, (plans() / 10).max(20), "bullseye-web");
}

#[test]
fn on_this_machine_plans_are_those_of_apt_get() {
    if !Path::new("/var/lib/dpkg/status").exists() {
        println!("skipped: this machine has no dpkg");
        return;
    }
    compare(Path::new("/"), (plans() / 50).max(6), "this machine");
}

/// Compares on a root with real lists, whose names apt itself tells.
fn compare(path: &Path, count: usize, about: &str) {
    let root = Root::new(path, "amd64");
    let Some(names) = names(path) else { return };
    let mut draw = Draw(seed() * 99_991);
    let mut tally = Tally::default();
    for _ in 0..count {
        let Some(answer) = ask(&root, &names.request(&mut draw)) else { return };
        tally.add(answer);
    }
    tally.check(about);
}

fn names(path: &Path) -> Option<Names> {
    let status = fs::read_to_string(path.join("var/lib/dpkg/status")).ok()?;
    let mut installed = BTreeSet::new();
    for record in status.split("\n\n") {
        let field =
            |name: &str| record.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if record.contains("\nStatus: install ok installed") {
            installed.insert(field("Package:")?.to_owned());
        }
    }
    let mut all: BTreeSet<String> = installed.clone();
    let mut versions = Vec::new();
    for entry in fs::read_dir(path.join("var/lib/apt/lists")).ok()?.flatten() {
        let file = entry.path();
        let name = file.to_string_lossy().into_owned();
        if !name.contains("binary-amd64_Packages") {
            continue;
        }
        let text = if name.ends_with("_Packages") {
            fs::read_to_string(&file).ok()?
        } else {
            let output = std::process::Command::new("/usr/lib/apt/apt-helper")
                .arg("cat-file")
                .arg(&file)
                .output()
                .ok()?;
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let mut last = String::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("Package: ") {
                name.clone_into(&mut last);
                all.insert(last.clone());
            } else if let Some(version) = line.strip_prefix("Version: ") {
                versions.push((last.clone(), version.to_owned()));
            }
        }
    }
    versions.sort();
    Some(Names {
        all: all.into_iter().collect(),
        installed: installed.into_iter().collect(),
        versions,
        suites: Vec::new(),
    })
}
