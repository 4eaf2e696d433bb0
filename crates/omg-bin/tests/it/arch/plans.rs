//! Plans through the whole command line, and what pacman would do.

use std::collections::BTreeSet;

use serde_json::Value;

use super::root::{Root, shared};
use crate::plans::has_engine;
use crate::support::{Home, Run};

/// What pacman gets, for which words of ours, and how many packages at the least.
type Case = (&'static [&'static str], &'static [&'static str], usize);

const SYNC: &[Case] = &[
    (&["update", "-n"], &["-Su"], 38),
    (&["install", "-n", "-u", "vim"], &["-Su", "vim"], 40),
    (&["install", "-n", "-u", "extra/bc", "xterm"], &["-Su", "extra/bc", "xterm"], 40),
    (&["install", "-n", "-u", "old/iw"], &["-Su", "old/iw"], 39),
    (&["install", "-n", "linux-api-headers"], &["-S", "linux-api-headers"], 1),
    (&["install", "-n", "-u", "jre-openjdk", "zsh"], &["-Su", "jre-openjdk", "zsh"], 42),
    (&["install", "-n", "--reinstall", "-u", "pcmciautils"], &["-Su", "pcmciautils"], 39),
];

const REMOVE: &[Case] = &[
    (&["remove", "-n", "pcmciautils"], &["-R", "pcmciautils"], 1),
    (&["remove", "-n", "-r", "pinentry"], &["-Rs", "pinentry"], 3),
    (&["remove", "-n", "-r", "usbutils", "pciutils"], &["-Rs", "usbutils", "pciutils"], 4),
];

fn plan(run: &Run) -> Value {
    assert_eq!(run.code, 0, "{run:?}");
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["schema"], "omg.plan/1");
    plan
}

/// `NAME VERSION` of what comes (`true`) or goes.
fn changes(plan: &Value, comes: bool) -> BTreeSet<String> {
    let key = if comes { "new_version" } else { "old_version" };
    let goes = |change: &Value| matches!(change["action"].as_str().unwrap(), "remove" | "purge");
    let wanted = plan["changes"].as_array().unwrap().iter().filter(|it| goes(it) != comes);
    wanted
        .map(|it| format!("{} {}", it["name"].as_str().unwrap(), it[key].as_str().unwrap()))
        .collect()
}

fn printed(root: &Root, arguments: &[&str]) -> BTreeSet<String> {
    let output = root.pacman(&[arguments, &["--print", "--print-format", "%n %v"]].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}{why}");
    said.lines().filter(|line| !line.starts_with("::")).map(str::to_owned).collect()
}

fn with_json<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [words, &["--json"]].concat()
}

#[test]
fn what_comes_and_goes_is_what_pacman_prints() {
    let Some(root) = shared().filter(|_| has_engine("omg-engine-alpm")) else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    for (cases, comes) in [(SYNC, true), (REMOVE, false)] {
        for (words, pacman, least) in cases {
            let theirs = printed(&root, pacman);
            let ours = changes(&plan(&home.omg(&with_json(words))), comes);
            super::compare::same(&words.join(" "), &ours, &theirs);
            assert!(ours.len() >= *least, "{words:?}: {ours:?}");
        }
    }
    // What is needed by nothing: pacman says what, and asked to remove it, what goes with it.
    let orphans = root.lines(&["-Qdtq"]);
    let mut arguments = vec!["-Rs"];
    arguments.extend(orphans.iter().map(String::as_str));
    let ours = changes(&plan(&home.omg(&["autoremove", "-n", "--json"])), false);
    super::compare::same("autoremove", &ours, &printed(&root, &arguments));
    // What the user keeps as it is, is named.
    let held = &plan(&home.omg(&["update", "-n", "--json"]))["held_back"];
    assert_eq!((&held[0]["name"], held.as_array().unwrap().len()), (&"sed".into(), 1), "{held}");
}

#[test]
fn what_can_t_be_done_is_said_with_its_exit_code() {
    let Some(root) = shared().filter(|_| has_engine("omg-engine-alpm")) else { return };
    let home = super::home(&root);
    let _daemon = home.daemon();
    for (words, exit, pacman, part) in [
        (&["install", "-n", "vmi"][..], 3, Some(&["-Sp", "vmi"][..]), "vmi"),
        (&["install", "-n", "extra/sed"], 3, Some(&["-Sp", "extra/sed"]), "sed"),
        (&["install", "-n", "nowhere/sed"], 3, Some(&["-Sp", "nowhere/sed"]), "nowhere"),
        (&["remove", "-n", "vim"], 3, Some(&["-Rp", "vim"]), "vim"),
        // Others need them.
        (&["remove", "-n", "hwids"], 4, Some(&["-Rp", "hwids"]), "pciutils"),
        (&["remove", "-n", "acl"], 4, Some(&["-Rp", "acl"]), "sed"),
        // What it needs is in a repository that is not there.
        (&["install", "-n", "-u", "rsync"], 4, Some(&["-Sup", "rsync"]), "xxhash"),
        // HoldPkg: pacman asks, and print does not.
        (&["remove", "-n", "filesystem"], 9, None, "HoldPkg"),
        // Something newer of what is installed would be needed: a partial upgrade.
        (&["install", "-n", "vim"], 9, None, "partial upgrade"),
        (&["install", "-n"], 2, None, "PACKAGE"),
        (&["install", "-n", "--nosuch", "vim"], 2, None, "--nosuch"),
        (&["install", "vim", "-u"], 5, None, "--yes"),
    ] {
        let run = home.omg(words);
        let output = pacman.map(|arguments| root.pacman(arguments));
        assert!(output.is_none_or(|output| !output.status.success()), "{words:?}: pacman would");
        assert_eq!(run.code, exit, "{words:?}: {run:?}");
        assert!(run.stderr.contains(part), "{words:?}: {run:?}");
        let json = home.omg(&with_json(words));
        let error: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!((json.code, &error["exit"]), (exit, &exit.into()), "{words:?}: {json:?}");
        assert_eq!(error["schema"], "omg.error/1", "{words:?}");
    }
}

#[test]
fn plans_of_two_daemons_have_one_digest() {
    let Some(root) = shared().filter(|_| has_engine("omg-engine-alpm")) else { return };
    let (one, other) = (super::home(&root), super::home(&root));
    let daemons = (one.daemon(), other.daemon());
    let mut digests = BTreeSet::new();
    for (words, _, _) in SYNC.iter().chain(REMOVE) {
        let words = with_json(words);
        let first = one.omg(&words);
        assert_eq!(one.omg(&words), first, "{words:?}");
        assert_eq!(other.omg(&words), first, "{words:?}");
        assert_eq!(one.alone(&words), first, "{words:?}");
        digests.insert(plan(&first)["digest"].as_str().unwrap().to_owned());
    }
    assert_eq!(digests.len(), SYNC.len() + REMOVE.len(), "different plans, different digests");
    drop(daemons);
}

#[test]
fn nothing_below_the_root_changes_by_planning() {
    let Some(root) = shared().filter(|_| has_engine("omg-engine-alpm")) else { return };
    let before = state(&root);
    let home: Home = super::home(&root);
    for words in [
        &["update", "-n"][..],
        &["install", "-n", "-u", "vim"],
        &["autoremove", "-n"],
        &["remove", "-n", "vi"],
        &["install", "-u", "vim"],
    ] {
        let run = home.alone(words);
        assert!(matches!(run.code, 0 | 5), "{words:?}: {run:?}");
        assert_eq!(state(&root), before, "{words:?}");
    }
}

/// Every path with its time of change.
fn state(root: &Root) -> BTreeSet<(std::path::PathBuf, std::time::SystemTime)> {
    let mut found = BTreeSet::new();
    let mut queue = vec![root.path().to_owned()];
    while let Some(directory) = queue.pop() {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                queue.push(entry.path());
            }
            found.insert((entry.path(), meta.modified().unwrap()));
        }
    }
    found
}
