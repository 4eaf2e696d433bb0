//! Every entry of the system as `omg` has it, and as pacman has it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::root::shared;
use crate::support::Home;

/// Names in one run of `info`.
const AT_ONCE: usize = 400;

fn json(home: &Home, arguments: &[&str]) -> Value {
    let run = home.omg(&[arguments, &["--json"]].concat());
    assert!(run.stderr.is_empty(), "{arguments:?}: {}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}"))
}

/// The packages of an answer, each as one line.
fn packages(home: &Home, arguments: &[&str], line: impl Fn(&Value) -> String) -> BTreeSet<String> {
    let answer = json(home, arguments);
    let list = answer["packages"].as_array().unwrap_or_else(|| panic!("{arguments:?}: {answer}"));
    let lines: BTreeSet<String> = list.iter().map(line).collect();
    assert_eq!(lines.len(), list.len(), "{arguments:?}: something is there twice");
    lines
}

/// Both sets must be the same; only what differs is shown.
pub(super) fn same<T: Ord + std::fmt::Debug>(what: &str, ours: &BTreeSet<T>, theirs: &BTreeSet<T>) {
    let (more, missing): (Vec<_>, Vec<_>) =
        (ours.difference(theirs).collect(), theirs.difference(ours).collect());
    assert!(
        more.is_empty() && missing.is_empty(),
        "{what}: only ours {more:?}, only pacman's {missing:?}"
    );
}

fn name_version(package: &Value) -> String {
    format!("{} {}", text(package, "name"), text(package, "version"))
}

#[test]
fn what_is_installed() {
    let Some(root) = shared() else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    for (verb, pacman, least) in [
        (&["list"][..], "-Q", 42),
        (&["list", "--explicit"], "-Qe", 20),
        (&["explicit"], "-Qe", 20),
        (&["list", "--orphans"], "-Qdt", 3),
        (&["list", "--local"], "-Qm", 2),
    ] {
        let theirs = root.lines(&[pacman]);
        assert!(theirs.len() >= least, "{pacman}: {theirs:?}");
        same(&verb.join(" "), &packages(&home, verb, name_version), &theirs);
    }
    let count = json(&home, &["explicit", "--count"]);
    assert_eq!(count["count"], root.lines(&["-Qe"]).len());
    let status = json(&home, &["status"]);
    for (key, pacman) in [("total", "-Q"), ("explicit", "-Qe"), ("orphans", "-Qdt")] {
        assert_eq!(status["packages"][key], root.lines(&[pacman]).len(), "{key}");
    }
}

#[test]
fn what_is_out_of_date() {
    let Some(root) = shared() else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    let theirs = root.lines(&["-Qu"]);
    let ours = packages(&home, &["outdated"], |package| {
        let held = if package["held"] == true { " [ignored]" } else { "" };
        format!("{} -> {}{held}", name_version(package), text(package, "new_version"))
    });
    same("outdated", &ours, &theirs);
    let ignored = theirs.iter().filter(|line| line.ends_with(" [ignored]")).count();
    assert_eq!((ignored, theirs.len() > 30), (1, true), "{theirs:?}");
    assert_eq!(json(&home, &["status"])["packages"]["updates"], theirs.len() - ignored);
}

#[test]
fn files_and_who_owns_them() {
    let Some(root) = shared() else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    let prefix = root.path().display().to_string();
    let mut compared = 0;
    for package in root.lines(&["-Qq"]) {
        let listed = root.lines(&["-Qlq", &package]);
        let theirs: BTreeSet<&str> =
            listed.iter().map(|path| path.strip_prefix(&prefix).unwrap()).collect();
        let answer = json(&home, &["files", &package]);
        let ours: BTreeSet<&str> = answer["paths"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|path| path.as_str().unwrap())
            .collect();
        let bare = |paths: &BTreeSet<&str>| -> BTreeSet<String> {
            paths.iter().map(|path| path.trim_end_matches('/').to_owned()).collect()
        };
        same(&package, &bare(&ours), &bare(&theirs));
        compared += ours.len();
        // Its first and its last file, and a directory that others have, too.
        let files = theirs.iter().filter(|path| !path.ends_with('/'));
        let (first, last) = (files.clone().next(), files.clone().next_back());
        for path in [first, last].into_iter().flatten() {
            let inside = root.path().join(path.trim_start_matches('/'));
            let said = root.lines(&["-Qoq".as_ref(), inside.as_os_str()]);
            let answer = json(&home, &["owns", path]);
            let owners: BTreeSet<String> = answer["matches"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|found| text(found, "package").to_owned())
                .collect();
            same(path, &owners, &said);
        }
    }
    assert!(compared > 1500, "{compared}");
}

#[test]
fn groups_and_their_members() {
    let Some(root) = shared() else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    let theirs = root.lines(&["-Sgg"]);
    let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (group, package) in theirs.iter().filter_map(|line| line.split_once(' ')) {
        members.entry(group).or_default().insert(package);
    }
    assert!(members.len() > 30);
    let mut foreign = Vec::new();
    // What is offered counts for groups, and what is installed only where no repository has it.
    for package in root.lines(&["-Qmq"]) {
        for line in root.lines(&["-Qi", &package]) {
            let groups = line.strip_prefix("Groups").and_then(|line| line.split_once(": "));
            let groups = groups.map_or("None", |(_, groups)| groups);
            for group in groups.split("  ").filter(|group| *group != "None") {
                foreign.push((group.to_owned(), package.clone()));
            }
        }
    }
    for (group, package) in &foreign {
        members.entry(group).or_default().insert(package);
    }
    let listed = json(&home, &["groups"]);
    let listed: BTreeSet<&str> =
        listed["groups"].as_array().unwrap().iter().map(|group| text(group, "name")).collect();
    let all: BTreeSet<&str> = members.keys().copied().collect();
    same("groups", &listed, &all);
    for (group, members) in members {
        let ours = packages(&home, &["groups", group], |package| text(package, "name").to_owned());
        let ours: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
        same(group, &ours, &members);
    }
}

#[test]
fn what_is_offered() {
    let Some(root) = shared() else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    let said = root.lines(&["-Sl"]);
    // pacman lists a name once for each repository; the first one in its configuration is taken.
    let order = ["core", "extra", "multilib", "old"];
    let mut first: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for line in &said {
        let words: Vec<&str> = line.split(' ').collect();
        let at = order.iter().position(|name| *name == words[0]).unwrap();
        let kept = first.entry(words[1]).or_insert((at, words[2]));
        *kept = (*kept).min((at, words[2]));
    }
    let theirs: BTreeSet<String> = first
        .iter()
        .map(|(name, (at, version))| format!("{} {name} {version}", order[*at]))
        .collect();
    assert!(theirs.len() > 3500);
    let ours = packages(&home, &["list", "--available"], |package| {
        let offered = package["new_version"].as_str().unwrap_or(text(package, "version"));
        format!("{} {} {offered}", text(package, "repository"), text(package, "name"))
    });
    same("what is offered", &ours, &theirs);
}

/// A record of `-Si`: fields and their values, without what is shown where nothing is.
fn records(said: &str) -> Vec<BTreeMap<&str, &str>> {
    let records = said.split("\n\n").filter(|record| !record.trim().is_empty());
    let fields = records.map(|record| {
        let lines = record.lines().filter_map(|line| line.split_once(" : "));
        lines
            .map(|(field, value)| (field.trim(), value.trim()))
            .filter(|it| it.1 != "None")
            .collect()
    });
    fields.collect()
}

#[test]
fn what_is_known_of_every_package() {
    let Some(root) = shared() else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    // What is installed is shown as it is here, so of the rest.
    let here = root.lines(&["-Qq"]);
    let names: Vec<String> =
        root.lines(&["-Slq"]).into_iter().filter(|name| !here.contains(name)).collect();
    for names in names.chunks(AT_ONCE) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let output = root.pacman(&[&["-Si"][..], &names].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        let theirs: BTreeMap<&str, BTreeMap<&str, &str>> =
            records(&said).into_iter().rev().map(|record| (record["Name"], record)).collect();
        let answer = json(&home, &[&["info"][..], &names].concat());
        let ours = answer["packages"].as_array().unwrap();
        assert_eq!(ours.len(), theirs.len());
        for package in ours {
            let name = text(package, "name");
            let record = &theirs[name];
            for (field, key) in [
                ("Repository", "repository"),
                ("Version", "version"),
                ("Description", "description"),
                ("Architecture", "architecture"),
                ("URL", "url"),
            ] {
                let value = package[key].as_str().unwrap_or("");
                assert_eq!(value, record.get(field).copied().unwrap_or(""), "{field} of {name}");
            }
            for (field, key) in [
                ("Depends On", "depends"),
                ("Provides", "provides"),
                ("Conflicts With", "conflicts"),
                ("Replaces", "replaces"),
                ("Licenses", "licenses"),
            ] {
                // The word that pacman has for nothing is the licence of some packages, too.
                let items = package[key].as_array().unwrap().iter();
                let items: BTreeSet<&str> = items
                    .map(|item| item.as_str().unwrap())
                    .filter(|item| *item != "None")
                    .collect();
                let wanted = record.get(field).copied().unwrap_or("");
                assert_eq!(
                    items,
                    wanted.split("  ").filter(|item| !item.is_empty()).collect(),
                    "{field} of {name}"
                );
            }
        }
    }
}

#[test]
fn words_find_what_pacman_finds() {
    let Some(root) = shared() else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    for word in ["python", "vim", "json", "compress", "kernel", "font", "x11", "lib32", "bash"] {
        let output = root.pacman(&["-Ss", word]);
        let said = String::from_utf8(output.stdout).unwrap();
        let mut lines = said.lines();
        // pacman looks into what a package provides and into its groups, too, and we forgive slips
        // of the finger: what has the word in its name or description must be the same.
        let has = |name: &str, text: &str| format!("{name} {text}").to_lowercase().contains(word);
        let mut theirs = BTreeSet::new();
        while let (Some(head), Some(description)) = (lines.next(), lines.next()) {
            let name = head.split(' ').next().unwrap().split_once('/').unwrap().1;
            if has(name, description.trim()) {
                theirs.insert(name.to_owned());
            }
        }
        assert!(theirs.len() > 1, "{word}: {theirs:?}");
        let answer = json(&home, &["search", word]);
        let found = answer["packages"].as_array().unwrap().iter();
        let found = found.map(|it| (text(it, "name"), text(it, "description")));
        let ours = found.filter(|(name, text)| has(name, text)).map(|(name, _)| name.to_owned());
        same(word, &ours.collect(), &theirs);
    }
}

#[test]
fn files_of_what_is_not_installed() {
    let Some(root) = shared() else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    for package in ["rsync", "bc", "iw"] {
        let listed = root.lines(&["-Flq", package]);
        assert!(listed.len() > 5, "{package}: {listed:?}");
        let theirs: BTreeSet<String> =
            listed.iter().map(|path| path.trim_end_matches('/').to_owned()).collect();
        let answer = json(&home, &["files", package]);
        let ours: BTreeSet<String> = answer["paths"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|path| path.as_str().unwrap().trim_matches('/').to_owned())
            .collect();
        same(package, &ours, &theirs);
        for path in listed.iter().filter(|path| !path.ends_with('/')) {
            let path = format!("/{path}");
            let theirs = root.lines(&["-Fq", &path]);
            let answer = json(&home, &["provides", &path]);
            let ours: BTreeSet<String> = answer["matches"]
                .as_array()
                .unwrap()
                .iter()
                .map(|found| format!("old/{}", text(found, "package")))
                .collect();
            same(&path, &ours, &theirs);
        }
    }
}
