//! What each verb prints off a terminal; the same with and without a daemon that stays.

use crate::support::Home;

/// Verbs whose answer depends on nothing but the fixture.
const RUNS: &[(&str, &[&str])] = &[
    ("search", &["search", "json"]),
    ("search_words", &["search", "processor", "json"]),
    ("search_quiet", &["search", "-q", "vim"]),
    ("search_implied", &["--color", "always", "ripgrep"]),
    ("search_pacman", &["-Ss", "--limit", "2", "vim"]),
    ("info", &["info", "jq"]),
    ("info_local", &["show", "kubectl"]),
    ("info_several", &["info", "-q", "dash", "vim", "nosuch"]),
    ("suggest", &["suggest", "ripgrp"]),
    ("list", &["list"]),
    ("list_pattern", &["list", "-q", "lib*"]),
    ("list_orphans", &["-Qdt"]),
    ("list_local", &["-Qm"]),
    ("list_available", &["list", "--available", "--limit", "3"]),
    ("explicit", &["explicit"]),
    ("explicit_count", &["explicit", "--count"]),
    ("outdated", &["outdated"]),
    ("provides_command", &["provides", "rg"]),
    ("provides_virtual", &["provides", "mail-transport-agent"]),
    ("owns", &["owns", "/usr/bin/jq"]),
    ("owns_pattern", &["owns", "*/doc/libonig5"]),
    ("files", &["files", "jq"]),
    ("why", &["why", "libonig5"]),
    ("why_explicit", &["why", "jq"]),
    ("rdeps", &["rdeps", "libonig5"]),
    ("tree", &["tree", "jq"]),
    ("tree_deep", &["tree", "--depth", "0", "vim"]),
    ("size", &["size"]),
    ("size_tree", &["size", "--tree", "jq"]),
    ("not_found", &["info", "ripgrp"]),
    ("no_match", &["search", "qqqqqqqq"]),
    ("misspelt", &["serach", "vim"]),
    ("no_argument", &["search"]),
    ("wrong_flag", &["list", "--explict"]),
    ("explain", &["explain", "E3"]),
    ("config", &["config"]),
    ("groups", &["groups"]),
    ("groups_members", &["groups", "utils"]),
    ("update_check", &["update", "--check"]),
    ("list_aur", &["list", "--aur"]),
    ("reserved", &["sync"]),
    ("too_early", &["-Sy", "vim"]),
    ("help_install", &["help", "install"]),
    ("help_purge", &["help", "purge"]),
    ("help", &["--help"]),
    ("help_verb", &["help", "search"]),
];

#[test]
fn every_verb_prints_what_it_should() {
    let home = Home::new();
    for (name, arguments) in RUNS {
        insta::assert_snapshot!(*name, home.alone(arguments).shown(), &arguments.join(" "));
    }
}

#[test]
fn a_daemon_that_stays_gives_the_same_answers() {
    let home = Home::new();
    let _daemon = home.daemon();
    for (name, arguments) in RUNS {
        assert_eq!(home.omg(arguments), home.alone(arguments), "{name}");
        let json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        assert_eq!(home.omg(&json), home.alone(&json), "{name} --json");
    }
}
