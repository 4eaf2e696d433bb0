//! What a terminal shows: widths, colours, limits, the pager. A pseudo terminal stands in for it.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::Home;

/// Runs `omg` with standard output, and perhaps input, on a terminal of this size.
pub(crate) fn show(
    home: &Home,
    size: (u16, u16),
    environment: &[(&str, &str)],
    arguments: &[&str],
) -> String {
    on_a_terminal(home, size, environment, arguments, None).0
}

/// The same with somebody who types this, and who sees standard error too; and the exit code.
pub(crate) fn answer(home: &Home, typed: &str, arguments: &[&str]) -> (String, i32) {
    on_a_terminal(home, (80, 100), PLAIN, arguments, Some(typed))
}

fn on_a_terminal(
    home: &Home,
    (columns, rows): (u16, u16),
    environment: &[(&str, &str)],
    arguments: &[&str],
    typed: Option<&str>,
) -> (String, i32) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let open = || -> OwnedFd {
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap()
            .into()
    };
    let theirs = open();
    tcsetwinsize(&theirs, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })
        .unwrap();
    let mut command = home.command(env!("CARGO_BIN_EXE_omg"));
    command
        .env("OMG_NO_DAEMON", "1")
        .env("TERM", "xterm")
        .envs(environment.iter().copied())
        .args(arguments);
    let errors = if typed.is_some() { open().into() } else { Stdio::inherit() };
    command.stdin(open()).stdout(theirs).stderr(errors);
    let mut child = command.spawn().unwrap();
    // Only when no copy of the other end is left here does reading end.
    drop(command);
    let mut shown = Vec::new();
    let mut ours = std::fs::File::from(ours);
    ours.write_all(typed.unwrap_or_default().as_bytes()).unwrap();
    let mut chunk = [0; 4096];
    // Linux answers EIO when the last process has closed its end.
    while let Ok(count @ 1..) = ours.read(&mut chunk) {
        shown.extend_from_slice(&chunk[..count]);
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    (String::from_utf8(shown).unwrap().replace("\r\n", "\n"), code)
}

pub(crate) const PLAIN: &[(&str, &str)] = &[("NO_COLOR", "1")];

#[test]
fn results_fit_the_terminal() {
    let home = Home::new();
    for (name, columns) in [("wide", 140), ("usual", 80), ("narrow", 40)] {
        let shown = show(&home, (columns, 100), PLAIN, &["search", "json"]);
        assert!(shown.lines().all(|line| line.chars().count() <= columns.into()), "{shown}");
        insta::assert_snapshot!(format!("terminal_search_{name}"), shown);
        let shown = show(&home, (columns, 100), PLAIN, &["list"]);
        assert!(shown.lines().all(|line| line.chars().count() <= columns.into()), "{shown}");
        insta::assert_snapshot!(format!("terminal_list_{name}"), shown);
    }
    insta::assert_snapshot!("terminal_info", show(&home, (72, 100), PLAIN, &["info", "vim"]));
    insta::assert_snapshot!("terminal_outdated", show(&home, (80, 100), PLAIN, &["outdated"]));
    insta::assert_snapshot!("terminal_size", show(&home, (80, 100), PLAIN, &["size"]));
}

#[test]
fn no_table_is_wider_than_a_narrow_terminal() {
    let home = Home::new();
    let runs: &[&[&str]] = &[
        &["list", "--available"],
        &["explicit"],
        &["outdated"],
        &["provides", "mail-transport-agent"],
        &["rdeps", "libonig5"],
        &["size"],
        &["groups"],
        &["groups", "libs"],
        &["update", "--check"],
    ];
    for arguments in runs {
        let shown = show(&home, (40, 200), PLAIN, arguments);
        assert!(!shown.is_empty(), "{arguments:?}");
        for line in shown.lines() {
            assert!(line.chars().count() <= 40, "{arguments:?}: {line}\n{shown}");
        }
    }
}

#[test]
fn columns_in_the_environment_win() {
    let home = Home::new();
    let shown =
        show(&home, (140, 100), &[("NO_COLOR", "1"), ("COLUMNS", "40")], &["search", "json"]);
    assert!(shown.lines().all(|line| line.chars().count() <= 40), "{shown}");
}

#[test]
fn colours_mark_what_matched() {
    let home = Home::new();
    let shown = show(&home, (120, 100), &[], &["search", "--limit", "2", "jq"]);
    insta::assert_snapshot!("terminal_colour", shown.replace('\u{1b}', "ESC"));
    assert!(
        !show(&home, (120, 100), &[], &["search", "jq", "--color", "never"]).contains('\u{1b}')
    );
}

#[test]
fn without_utf8_drawings_are_ascii() {
    let home = Home::new();
    let ascii = [("NO_COLOR", "1"), ("LC_ALL", "C")];
    for arguments in [&["tree", "jq"][..], &["search", "jq"], &["outdated"], &["why", "libonig5"]] {
        let shown = show(&home, (100, 100), &ascii, arguments);
        assert!(shown.is_ascii(), "{shown}");
    }
    insta::assert_snapshot!(
        "terminal_ascii_tree",
        show(&home, (100, 100), &ascii, &["tree", "jq"])
    );
}

#[test]
fn a_search_is_cut_to_a_screen_and_says_so() {
    let home = Home::new();
    let all = home.alone(&["search", "json"]).stdout.lines().count();
    std::fs::create_dir_all(home.path(".config/omg")).unwrap();
    std::fs::write(home.path(".config/omg/settings.toml"), "[ui]\nlimit = 2\n").unwrap();
    assert_eq!(home.alone(&["search", "json"]).stdout.lines().count(), all);
    let shown = show(&home, (120, 100), PLAIN, &["search", "json"]);
    assert!(shown.ends_with(&format!("\n… and {} more (--limit 0 for all)\n", all - 2)), "{shown}");
    let shown = show(&home, (160, 100), PLAIN, &["search", "--limit", "0", "json"]);
    assert_eq!(shown.lines().count(), all);
}

#[test]
fn long_output_goes_through_the_pager() {
    let home = Home::new();
    let pager = [("NO_COLOR", "1"), ("OMG_PAGER", "sed 's/^/paged: /'"), ("PAGER", "false")];
    let shown = show(&home, (120, 5), &pager, &["list"]);
    assert!(
        shown.lines().count() > 5 && shown.lines().all(|line| line.starts_with("paged: ")),
        "{shown}"
    );
    assert!(!show(&home, (120, 100), &pager, &["list"]).contains("paged"));
    assert!(!show(&home, (120, 5), &pager, &["list", "--no-pager"]).contains("paged"));
    assert!(!show(&home, (120, 5), &pager, &["list", "--json"]).contains("paged"));
    let missing = [("NO_COLOR", "1"), ("OMG_PAGER", "/nosuch/pager 2>/dev/null")];
    assert!(show(&home, (120, 5), &missing, &["list"]).contains("libonig5"));
}
