//! Completions, manual pages and shell hooks: made, whole, and accepted by the shells that are there.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::Home;

/// Does the shell accept the script? True where there is no such shell.
fn accepted(shell: &str, script: &str) -> bool {
    let child = Command::new(shell).args(["-n"]).stdin(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("{shell} is not here; its syntax was not checked");
        return true;
    };
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    child.wait().unwrap().success()
}

#[test]
fn shells_accept_completions_and_hooks() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        for verb in ["completions", "hook"] {
            let run = home.alone(&[verb, shell]);
            assert_eq!(run.code, 0, "{run:?}");
            assert!(run.stdout.contains("omg"), "{verb} {shell}");
            assert!(accepted(shell, &run.stdout), "{verb} {shell}");
        }
    }
}

#[test]
fn every_verb_has_a_page_with_examples() {
    let home = Home::new();
    let run = home.alone(&["man", "--dir", "pages"]);
    assert_eq!(run.code, 0, "{run:?}");
    let mut pages = 0;
    for entry in std::fs::read_dir(home.path("pages")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(".TH omg"), "{}", path.display());
        assert!(path.ends_with("omg.1") || text.contains(".SH EXAMPLES"), "{}", path.display());
        assert!(!text.contains('\u{1b}'), "{}", path.display());
        pages += 1;
    }
    assert_eq!(pages, 42);
    assert!(home.alone(&["man", "search"]).stdout.contains("omg search json processor"));
}

#[test]
fn the_bash_hook_suggests_packages_for_missing_commands() {
    let home = Home::new();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_omg")).parent().unwrap();
    let mut command = home.command("bash");
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("OMG_NO_DAEMON", "1");
    command.args([
        "-c",
        "eval \"$(omg hook bash)\"; omg_prompt; command_not_found_handle nosuchcommand",
    ]);
    let run = crate::support::run(&mut command);
    assert_eq!((run.code, run.stdout.as_str()), (127, ""), "{run:?}");
    assert!(run.stderr.contains("nosuchcommand: command not found"), "{run:?}");
}
