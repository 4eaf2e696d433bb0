//! Exit codes, and that faults speak JSON when asked to.

use crate::support::Home;

#[test]
fn every_end_has_its_code() {
    let home = Home::new();
    let cases: &[(&[&str], i32)] = &[
        (&["search", "vim"], 0),
        (&["--version"], 0),
        (&["help"], 0),
        (&["search", "--help"], 0),
        (&["--nosuchflag"], 2),
        (&[], 2),
        (&["serach"], 2),
        (&["-Sy", "vim"], 2),
        (&["pin"], 2),
        (&["install"], 2),
        (&["install", "-n", "--min-age", "3", "vim"], 2),
        (&["install", "-n", "--provider", "awk", "vim"], 2),
        (&["install", "-n", "vim\nreboot"], 2),
        (&["update", "--devel"], 2),
        (&["update", "--safe", "--full"], 2),
        (&["groups", "nosuch"], 3),
        (&["groups", "utils"], 0),
        (&["list", "--explicit", "--orphans"], 2),
        (&["search", "--limit", "many", "vim"], 2),
        (&["help", "nosuchverb"], 2),
        (&["-C", "/nosuch/place", "list"], 2),
        (&["search", "qqqqqqqq"], 3),
        (&["info", "nosuch"], 3),
        (&["info", "dash", "nosuch"], 3),
        (&["owns", "/nosuch"], 3),
        (&["provides", "qqqqqqqq"], 3),
        (&["files", "nosuch"], 3),
        (&["why", "nosuch"], 3),
        (&["rdeps", "nosuch"], 3),
        (&["tree", "nosuch"], 3),
        (&["size", "nosuch"], 3),
        (&["list", "nosuch*"], 3),
        (&["explain", "4711"], 3),
        (&["config", "get", "no.such"], 3),
        (&["daemon", "status"], 3),
        (&["--root", "/nosuch/place", "list"], 2),
        (&["list", "--orphans"], 0),
    ];
    if crate::plans::has_engine("omg-engine-apt") {
        assert_eq!(home.alone(&["why-not", "nosuch"]).code, 3);
    }
    // Upgrades that are pending are an answer, not an error.
    for arguments in [&["update", "--check"][..], &["update", "--check", "--json"]] {
        assert_eq!(home.alone(arguments).code, 10);
    }
    let long = "x".repeat(5000);
    assert_eq!(home.alone(&["info", &long]).code, 2);
    assert_eq!(home.alone(&["search", &long]).code, 2);
    for (arguments, code) in cases {
        let run = home.alone(arguments);
        assert_eq!(run.code, *code, "{arguments:?}: {run:?}");
        let json: Vec<&str> = std::iter::once("--json").chain(arguments.iter().copied()).collect();
        let run = home.alone(&json);
        assert_eq!(run.code, *code, "{json:?}: {run:?}");
        if *code != 0 && !arguments.is_empty() && *arguments != ["daemon", "status"] {
            let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(
                (&value["schema"], &value["exit"]),
                (&"omg.error/1".into(), &(*code).into()),
                "{json:?}"
            );
            assert!(value["code"].as_str().unwrap().starts_with("OMG-E"));
        }
    }
}

#[test]
fn wrong_settings_are_named_but_keep_no_query_from_its_answer() {
    let home = Home::new();
    std::fs::create_dir_all(home.path(".config/omg")).unwrap();
    std::fs::write(home.path(".config/omg/settings.toml"), "[ui]\ncolour = 'always'\n").unwrap();
    let run = home.alone(&["config"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("settings.toml:2: unknown key 'ui.colour'"), "{}", run.stderr);
    let doctor = home.alone(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.stdout.contains("unknown key 'ui.colour'"), "{}", doctor.stdout);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;
    let home = Home::new();
    let mut command = home.command(env!("CARGO_BIN_EXE_omg"));
    command
        .env("OMG_NO_DAEMON", "1")
        .args(["list", "--available"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(0), "")
    );
}
