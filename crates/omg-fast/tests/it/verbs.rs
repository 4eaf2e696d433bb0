//! The command line: usage, and becoming `omg`.

use crate::{Runtime, executable, good};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

#[test]
fn what_it_does_not_know_is_a_usage_error() {
    let runtime = Runtime::with(&good());
    for arguments in [&[][..], &["nonsense"], &[""], &["tc", "extra"], &["statu"], &["statuss"]] {
        let output = runtime.run(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(output.stderr.starts_with(b"usage: omg-fast"), "{arguments:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let runtime = Runtime::new();
    assert!(runtime.run(&["--help"]).stdout.starts_with(b"usage: omg-fast"));
    let version = concat!("omg-fast ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8(runtime.run(&["--version"]).stdout).unwrap(), version);
}

/// A directory with a copy of this executable. Another process makes the copy: a file that is open
/// for writing here would also be open in what other tests start at that moment, and could not be
/// executed ("text file busy").
fn alone() -> Runtime {
    let place = Runtime::new();
    let copied =
        Command::new("cp").arg(executable()).arg(place.path().join("omg-fast")).status().unwrap();
    assert!(copied.success());
    place
}

/// The same with a script named `omg` that tells how it was called.
fn beside_omg() -> Runtime {
    let place = alone();
    let script =
        r#"printf '%s\n' '#!/bin/sh' 'echo "$MARK:$0:$*"' 'exit 42' > "$0" && chmod 755 "$0""#;
    let written =
        Command::new("sh").args(["-c", script]).arg(place.path().join("omg")).status().unwrap();
    assert!(written.success());
    place
}

#[test]
fn s_and_i_become_omg() {
    let place = beside_omg();
    for (short, long) in [("s", "search"), ("i", "info")] {
        let output = Command::new(place.path().join("omg-fast"))
            .args([short, "two words", "--json"])
            .env("MARK", "kept")
            .output()
            .unwrap();
        let omg = place.path().join("omg");
        let expected = format!("kept:{}:{long} two words --json\n", omg.display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        assert_eq!(output.status.code(), Some(42));
    }
}

#[test]
fn without_omg_it_says_so() {
    let place = alone();
    let output = Command::new(place.path().join("omg-fast")).args(["s", "vim"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(output.stderr.starts_with(b"omg-fast: cannot run"));
}

#[test]
fn another_first_argument_changes_nothing() {
    let runtime = Runtime::with(&good());
    let output = Command::new(executable())
        .arg0("")
        .arg("tc")
        .env_clear()
        .env("XDG_RUNTIME_DIR", runtime.path())
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"707\n");
}
