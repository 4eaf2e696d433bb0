//! The daemon's log under hostile queries: one event stays one line, with its own priority.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

use crate::support::{Home, run};

/// A line of its own, a priority for the journal, a colour (C0 and C1), a turned line.
const HOSTILE: &str =
    "/x\n<0>2026-11-21T00:00:00Z  WARN FORGED\u{1b}[31m\u{9b}31m\r\u{202e}\u{2028}";

/// The log of a daemon that was asked for [`HOSTILE`] in several ways; `journal`: as systemd reads it.
fn log(journal: bool) -> String {
    let home = Home::new();
    let path = home.path("log");
    let file = File::create(&path).unwrap();
    let meta = file.metadata().unwrap();
    let mut command = home.command(env!("CARGO_BIN_EXE_omgd"));
    command.env("OMG_LOG", "debug").stderr(file);
    if journal {
        command.env("JOURNAL_STREAM", format!("{}:{}", meta.dev(), meta.ino()));
    }
    let mut daemon = home.daemon_of(&mut command);
    for verb in ["owns", "info", "search", "why", "files"] {
        assert_eq!(home.omg(&[verb, HOSTILE]).code, 3, "{verb}");
    }
    daemon.0.kill().unwrap();
    daemon.0.wait().unwrap();
    std::fs::read_to_string(path).unwrap()
}

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{2028}'..='\u{202e}')
}

#[test]
fn a_query_forges_no_line() {
    let text = log(false);
    assert_eq!(text.chars().find(|c| is_harmful(*c)), None, "{text}");
    assert!(text.contains("FORGED\\x1b[31m"), "nothing hostile was logged: {text}");
    for line in text.lines() {
        // As the daemon writes them, and not as the query does: with microseconds.
        let time = line.split(' ').next().unwrap();
        assert!(time.len() == "2026-11-21T00:00:00.000000Z".len(), "{line}");
    }
}

#[test]
fn a_query_forges_no_priority() {
    let text = log(true);
    assert_eq!(text.chars().find(|c| is_harmful(*c)), None, "{text}");
    assert!(text.contains("FORGED\\x1b[31m"), "nothing hostile was logged: {text}");
    let own = |line: &str| ["<7>", "<6>", "<4>"].iter().any(|priority| line.starts_with(priority));
    assert!(text.lines().all(own), "{text}");
}

#[test]
fn a_refused_start_is_told_in_its_own_lines() {
    let run = run(Home::new().command(env!("CARGO_BIN_EXE_omgd")).arg(HOSTILE));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("FORGED"), "{run:?}");
    assert_eq!(run.stderr.chars().find(|c| is_harmful(*c)), None, "{run:?}");
    assert!(run.stderr.lines().all(|line| line.starts_with("omgd: ")), "{run:?}");
}
