//! `docs/json.md` against what the verbs print: every schema, every key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Home, Run};

/// What the page says of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Shape {
    Scalar,
    Strings,
    Object(Keys),
    Objects(Keys),
}

type Keys = BTreeMap<String, Shape>;

/// Reads `a, b[], c[d, e], f{g}` up to the bracket that closes it.
fn keys(text: &mut &str) -> Keys {
    let mut keys = Keys::new();
    loop {
        let end = text.find([',', '[', ']', '{', '}']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let name = name.trim().to_owned();
        *text = rest;
        let shape = if let Some(rest) = text.strip_prefix("[]") {
            *text = rest;
            Shape::Strings
        } else if text.starts_with(['[', '{']) {
            let list = text.starts_with('[');
            *text = &text[1..];
            let inner = keys_of(text);
            if list { Shape::Objects(inner) } else { Shape::Object(inner) }
        } else {
            Shape::Scalar
        };
        if !name.is_empty() {
            assert_eq!(keys.insert(name.clone(), shape), None, "{name} twice");
        }
        match text.strip_prefix(',') {
            Some(rest) => *text = rest,
            None => return keys,
        }
    }
}

/// The same, and past the bracket.
fn keys_of(text: &mut &str) -> Keys {
    let keys = keys(text);
    assert!(text.starts_with([']', '}']), "{text}");
    *text = &text[1..];
    keys
}

const PAGE: &str = include_str!("../../../../docs/json.md");

/// Schemas of the page's table.
fn documented() -> BTreeMap<String, Keys> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `omg."));
    rows.map(|row| {
        let (name, rest) = row.split_once('`').unwrap();
        let cell = rest.rsplit_once("| `").unwrap().1.trim_end_matches("` |");
        (format!("omg.{name}"), keys(&mut { cell }))
    })
    .collect()
}

/// Does the value have the documented keys, and no others?
fn compare(at: &str, value: &Value, wanted: &Keys) {
    let object = value.as_object().unwrap_or_else(|| panic!("{at}: {value}"));
    let (found, documented): (BTreeSet<_>, BTreeSet<_>) =
        (object.keys().collect(), wanted.keys().collect());
    assert_eq!(found, documented, "{at}");
    for (name, shape) in wanted {
        let at = format!("{at} {name}");
        let value = &object[name];
        match (shape, value) {
            (Shape::Scalar, Value::Object(_) | Value::Array(_)) => panic!("{at}: {value}"),
            // What is not known is null, whatever it would be otherwise; but lists are only empty.
            (Shape::Scalar, _) | (Shape::Object(_), Value::Null) => {}
            (Shape::Strings, _) => {
                let plain = |item: &Value| item.is_string() || item.is_u64();
                assert!(value.as_array().unwrap().iter().all(plain), "{at}: {value}");
            }
            (Shape::Object(keys), _) => compare(&at, value, keys),
            (Shape::Objects(keys), _) => {
                value.as_array().unwrap().iter().for_each(|item| compare(&at, item, keys));
            }
        }
    }
}

/// Events of the page's table.
fn documented_events() -> BTreeMap<String, Keys> {
    let (_, table) = PAGE.split_once("| event | keys").unwrap();
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split('`');
        let (name, mut text) = (cells.next().unwrap(), cells.nth(1).unwrap());
        (name.to_owned(), keys(&mut text))
    })
    .collect()
}

/// The schema of what was printed, compared with the page.
pub(crate) fn schema(arguments: &[&str], run: &Run) -> String {
    assert_eq!(run.stdout.matches('\n').count(), 1, "{arguments:?}: {run:?}");
    line(&run.stdout)
}

/// The schemas of everything that was printed, a line each and events left out, compared with the page.
pub(crate) fn schemas(run: &Run) -> Vec<String> {
    let lines = run.stdout.lines().map(line);
    lines.filter(|schema| schema != "event").collect()
}

/// The schema of one line; `event` of an event.
fn line(line: &str) -> String {
    let mut value: Value = serde_json::from_str(line).unwrap();
    let object = value.as_object_mut().unwrap();
    if let Some(event) = object.remove("event") {
        let name = event.as_str().unwrap();
        let documented = documented_events();
        let wanted = documented.get(name).unwrap_or_else(|| panic!("{name} is not on the page"));
        compare(name, &value, wanted);
        return "event".to_owned();
    }
    let schema = object.remove("schema").unwrap().as_str().unwrap().to_owned();
    let documented = documented();
    let wanted = documented.get(&schema).unwrap_or_else(|| panic!("{schema} is not on the page"));
    compare(&schema, &value, wanted);
    schema
}

const RUNS: &[(&str, &[&str])] = &[
    ("omg.search/1", &["search", "jq"]),
    ("omg.info/1", &["info", "jq", "vim", "kubectl"]),
    ("omg.suggest/1", &["suggest", "ripgrp"]),
    ("omg.list/1", &["list"]),
    ("omg.list/1", &["list", "--available"]),
    ("omg.list/1", &["explicit"]),
    ("omg.count/1", &["explicit", "--count"]),
    ("omg.list/1", &["outdated"]),
    ("omg.files/1", &["provides", "rg"]),
    ("omg.files/1", &["owns", "/usr/bin/jq"]),
    ("omg.paths/1", &["files", "jq"]),
    ("omg.why/1", &["why", "libonig5"]),
    ("omg.rdeps/1", &["rdeps", "libonig5"]),
    ("omg.tree/1", &["tree", "jq"]),
    ("omg.size/1", &["size"]),
    ("omg.size-tree/1", &["size", "--tree", "jq"]),
    ("omg.groups/1", &["groups"]),
    ("omg.list/1", &["groups", "utils"]),
    ("omg.refresh/1", &["aur", "sync"]),
    ("omg.error/1", &["aur", "review", "jq"]),
    ("omg.status/1", &["status"]),
    ("omg.doctor/1", &["doctor"]),
    ("omg.config/1", &["config"]),
    ("omg.config/1", &["config", "get", "ui.color"]),
    ("omg.path/1", &["config", "path"]),
    ("omg.text/1", &["hook", "bash"]),
    ("omg.text/1", &["completions", "zsh"]),
    ("omg.text/1", &["man"]),
    ("omg.text/1", &["man", "search"]),
    ("omg.path/1", &["man", "--dir", "pages"]),
    ("omg.explain/1", &["explain"]),
    ("omg.restarts/1", &["restarts"]),
    ("omg.history/1", &["history"]),
    ("omg.history/1", &["history", "list", "--all"]),
    ("omg.plan/1", &["history", "rollback", "0"]),
    ("omg.snapshot/1", &["snapshot", "create", "now"]),
    ("omg.snapshots/1", &["snapshot", "list"]),
    ("omg.plan/1", &["snapshot", "restore", "-n", "now"]),
    ("omg.snapshots/1", &["snapshot", "delete", "now"]),
    ("omg.plan/1", &["resume", "-n"]),
    ("omg.policy/1", &["audit", "policy"]),
    ("omg.audit-log/1", &["audit", "log"]),
    ("omg.error/1", &["info", "nosuch"]),
    ("omg.error/1", &["list", "--explict"]),
    ("omg.error/1", &["daemon", "logs", "--follow"]),
    ("omg.daemon/1", &["daemon", "status"]),
    ("omg.log/1", &["daemon", "logs"]),
    ("omg.daemon/1", &["daemon", "reload"]),
    ("omg.daemon/1", &["daemon", "stop"]),
    ("omg.daemon/1", &["daemon", "start"]),
    ("omg.daemon/1", &["daemon", "stop"]),
];

/// What only an engine answers.
const PLANS: &[(&str, &[&str])] = &[
    ("omg.plan/1", &["install", "-n", "editor"]),
    ("omg.plan/1", &["remove", "-n", "tool"]),
    ("omg.plan/1", &["update", "-n"]),
    ("omg.plan/1", &["autoremove", "-n"]),
    ("omg.why-not/1", &["why-not", "broken"]),
    ("omg.policy/1", &["audit", "policy", "tool"]),
    ("omg.error/1", &["install", "editor"]),
    ("omg.error/1", &["sync", "--nosuch"]),
    ("omg.error/1", &["mark"]),
    ("omg.error/1", &["hold"]),
    ("omg.error/1", &["unhold"]),
    ("omg.error/1", &["clean", "--nosuch"]),
    ("omg.error/1", &["recover", "--nosuch"]),
    ("omg.error/1", &["downgrade"]),
    ("omg.error/1", &["resume", "--nosuch"]),
    ("omg.error/1", &["history", "info", "99"]),
    ("omg.error/1", &["blame", "nosuch"]),
    ("omg.error/1", &["snapshot", "delete", "nosuch"]),
    ("omg.error/1", &["audit", "verify"]),
    ("omg.error/1", &["restarts", "--nosuch"]),
    ("omg.error/1", &["remove", "-n", "nosuch"]),
];

/// Documented, and not to be had without a server that plays the AUR (see `aur`) or an archive (see `json`).
const ELSEWHERE: &[&str] = &["omg.review/1", "omg.outcome/1", "omg.sync/1", "omg.audit-verify/1"];

/// Ends the daemon that queries have started, also when the test fails.
struct Stop<'a>(&'a Home);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.omg(&["daemon", "stop"]);
    }
}

/// With a daemon that stays, because only one has all of `status`.
#[test]
fn every_verb_prints_what_the_page_says() {
    let home = Home::new();
    let _stop = Stop(&home);
    let mut seen = BTreeSet::new();
    // The fixture is too small a part of a system for any change of it to be possible.
    let whole = crate::plans::debian();
    let other = whole.as_ref().map(|root| Home::over(root.path()));
    let plans = if other.is_some() { PLANS } else { &[] };
    let runs = RUNS.iter().map(|run| (run, false)).chain(plans.iter().map(|run| (run, true)));
    for ((wanted, arguments), plan) in runs {
        let arguments = &[arguments, &["--json"][..]].concat();
        let run = match &other {
            Some(other) if plan => other.alone(arguments),
            _ => home.omg(arguments),
        };
        assert_eq!(schema(arguments, &run), *wanted, "{arguments:?}: {run:?}");
        let failed = *wanted == "omg.error/1";
        assert_eq!(run.code != 0, failed, "{arguments:?}: {run:?}");
        seen.insert((*wanted).to_owned());
    }
    let mut wanted: BTreeSet<String> = documented().into_keys().collect();
    wanted.retain(|name| !ELSEWHERE.contains(&name.as_str()));
    if plans.is_empty() {
        let tried = |runs: &[(&str, &[&str])], name: &str| runs.iter().any(|(it, _)| *it == name);
        wanted.retain(|name| tried(RUNS, name) || !tried(PLANS, name));
    }
    assert_eq!(seen, wanted);
    let help = home.alone(&["--help"]).stdout;
    for line in help.lines() {
        if let Some(verb) = line.strip_prefix("  ").and_then(|line| line.split(' ').next())
            && verb.starts_with(|c: char| c.is_ascii_lowercase())
        {
            assert!(
                RUNS.iter().chain(PLANS).any(|(_, words)| words[0] == verb),
                "{verb} is not tried"
            );
        }
    }
}

/// One for a single command leaves most of `status` unknown.
#[test]
fn without_a_daemon_the_keys_are_the_same() {
    let home = Home::new();
    for arguments in [["status", "--json"], ["doctor", "--json"]] {
        schema(&arguments, &home.alone(&arguments));
    }
}
