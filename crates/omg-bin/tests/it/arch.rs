//! Whole runs of `omg` over a system that pacman made, and what pacman says of the same system.

mod aur;
mod build;
mod change;
mod compare;
mod plans;
mod recipes;
mod root;
mod shop;
mod site;

use std::path::Path;

use crate::support::Home;
use crate::terminal::{PLAIN, show};
use root::{Root, shared};

/// Runs whose answer depends on nothing but the databases.
const RUNS: &[(&str, &[&str])] = &[
    ("search", &["search", "--limit", "8", "image", "viewer"]),
    ("search_installed", &["search", "--limit", "4", "pciutils"]),
    ("search_quiet", &["search", "-q", "--limit", "4", "vim"]),
    ("search_pacman", &["-Ss", "--limit", "3", "sed"]),
    ("info", &["info", "sed"]),
    ("info_offered", &["info", "vim"]),
    ("info_local", &["info", "hwids"]),
    ("info_unknown", &["info", "pciutls"]),
    ("list", &["list"]),
    ("list_explicit", &["list", "--explicit"]),
    ("list_orphans", &["list", "--orphans"]),
    ("list_local", &["list", "--local"]),
    ("list_aur", &["list", "--aur"]),
    ("explicit_count", &["explicit", "--count"]),
    ("outdated", &["outdated"]),
    ("owns", &["owns", "/usr/bin/lspci"]),
    ("owns_pattern", &["owns", "*/bin/ls*"]),
    ("owns_nobody", &["owns", "/usr/bin/nothing"]),
    ("files", &["files", "which"]),
    ("provides", &["provides", "rsync"]),
    ("provides_installed", &["provides", "/usr/bin/sed"]),
    ("provides_virtual", &["provides", "java-runtime"]),
    ("why", &["why", "attr"]),
    ("why_explicit", &["why", "vi"]),
    ("why_orphan", &["why", "libksba"]),
    ("rdeps", &["rdeps", "hwids"]),
    ("tree", &["tree", "pinentry"]),
    ("tree_deep", &["tree", "--depth", "0", "logrotate"]),
    ("size", &["size", "--limit", "6"]),
    ("size_tree", &["size", "--tree", "usbutils"]),
    ("groups", &["groups"]),
    ("groups_members", &["groups", "base"]),
    ("groups_unknown", &["groups", "nosuch"]),
    ("status", &["status"]),
    ("doctor", &["doctor"]),
];

/// Those of them that a terminal of 80 columns gets, too.
const ON_A_TERMINAL: &[&str] = &[
    "search",
    "search_installed",
    "info",
    "list",
    "outdated",
    "provides",
    "rdeps",
    "tree",
    "groups_members",
];

/// A home on this system whose settings keep the AUR, which is on the network, out.
fn home(root: &Root) -> Home {
    let home = Home::over(root.path());
    std::fs::create_dir_all(home.path(".config/omg")).unwrap();
    std::fs::write(home.path(".config/omg/settings.toml"), "[aur]\nenabled = false\n").unwrap();
    home
}

/// What stands in a snapshot: no directories, no times of today.
fn redacted(text: &str, home: &Home, root: &Root) -> String {
    let home = home.path("").display().to_string();
    let built = Path::new(env!("CARGO_BIN_EXE_omgd")).parent().unwrap().display().to_string();
    let mut text = text
        .replace(&root.path().display().to_string(), "ROOT")
        .replace(home.trim_end_matches('/'), "HOME")
        .replace(&built, "BIN");
    for (before, after) in [("refreshed ", " ago"), ("Installed     ", ", ")] {
        if let Some((head, tail)) = text.split_once(before)
            && let Some((_, tail)) = tail.split_once(after)
        {
            text = format!("{head}{before}TIME{after}{tail}");
        }
    }
    text
}

#[test]
fn every_verb_prints_what_it_should() {
    let Some(root) = shared() else { return };
    let home = home(&root);
    for (name, arguments) in RUNS {
        let shown = home.alone(arguments).shown();
        insta::assert_snapshot!(*name, redacted(&shown, &home, &root), &arguments.join(" "));
    }
    for (name, arguments) in RUNS.iter().filter(|(name, _)| ON_A_TERMINAL.contains(name)) {
        let shown = show(&home, (80, 100), PLAIN, arguments);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{name}: {shown}");
        let shown = redacted(&shown, &home, &root);
        insta::assert_snapshot!(format!("terminal_{name}"), shown, &arguments.join(" "));
    }
}
