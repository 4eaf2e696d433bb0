//! Text of hostile packages (row 56 of the catalogue of attacks): nothing but letters comes out.

use std::path::Path;

use crate::support::Home;

/// OSC 52 writes the clipboard; C1 CSI colours; U+202E turns the line around; BEL rings.
const HOSTILE: &str =
    "good\u{1b}]52;c;cm0gLXJmIH4=\u{7}\u{9b}31mred\u{202e}gpj.exe\u{200b}\u{7f}\rgone";

fn root(directory: &Path) {
    let write = |path: &str, text: &str| {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let record = |name: &str, version: &str| {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: {HOSTILE}\nSection: {HOSTILE}\n\
             Homepage: {HOSTILE}\nDepends: evil-library (>= {HOSTILE})\nProvides: {HOSTILE}\n\
             Description: {HOSTILE}\n {HOSTILE}\n"
        )
    };
    let installed =
        record("evil", "1.0").replace("Version", "Status: install ok installed\nVersion");
    let library =
        record("evil-library", "1.0").replace("Version", "Status: install ok installed\nVersion");
    write("var/lib/dpkg/status", &format!("{installed}\n{library}\n"));
    write(
        "var/lib/dpkg/info/evil.list",
        &format!("/.\n/usr/bin/evil\n/opt/{}\n", HOSTILE.replace('\r', "")),
    );
    write("etc/apt/sources.list", "deb http://example.org/debian bookworm main\n");
    let lists = "var/lib/apt/lists/example.org_debian_dists_bookworm";
    write(
        &format!("{lists}_main_binary-amd64_Packages"),
        &format!("{}Filename: {HOSTILE}\n", record("evil", "2.0")),
    );
    write(
        &format!("{lists}_Release"),
        &format!("Origin: {HOSTILE}\nSuite: stable\nCodename: bookworm\n"),
    );
}

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn nothing_that_controls_a_terminal_comes_out() {
    let system = tempfile::tempdir().unwrap();
    root(system.path());
    let home = Home::over(system.path());
    let runs: &[&[&str]] = &[
        &["search", "evil"],
        &["search", "good"],
        &["info", "evil"],
        &["list"],
        &["list", "--available"],
        &["outdated"],
        &["files", "evil"],
        &["owns", "/opt/*"],
        &["provides", "evil"],
        &["tree", "evil"],
        &["rdeps", "evil-library"],
        &["why", "evil-library"],
        &["size", "evil"],
        &["suggest", "evli"],
        &["groups"],
        &["groups", HOSTILE],
        &["install", "-n", "evil"],
        &["install", "-n", HOSTILE],
        &["remove", "evil-library"],
        &["update"],
        &["why-not", "evil"],
        &["why-not", HOSTILE],
        &["aur", "review", HOSTILE],
        &["update", "--min-age", HOSTILE],
        &["status", "-v"],
        &["doctor"],
        &["info", HOSTILE],
        &["search", HOSTILE],
        &["owns", HOSTILE],
        &["list", HOSTILE],
        &["config", "get", HOSTILE],
        &["explain", HOSTILE],
        &["help", HOSTILE],
        &["search", "--limit", HOSTILE, "vim"],
        &["--color", HOSTILE],
        &["-C", HOSTILE, "list"],
        &["man", HOSTILE],
    ];
    let mut seen = false;
    for arguments in runs {
        for json in [false, true] {
            let flag: &[&str] = if json { &["--json"] } else { &[] };
            let run = home.alone(&[flag, arguments].concat());
            let harmful = run.stdout.chars().chain(run.stderr.chars()).find(|c| is_harmful(*c));
            assert_eq!(harmful, None, "{arguments:?} --json {json}: {run:?}");
            seen |= run.stdout.contains("\\x1b]52;c;");
        }
    }
    assert!(seen, "no hostile text was shown at all, so nothing was tested");
}

#[test]
fn on_a_terminal_the_only_sequences_are_colours() {
    let system = tempfile::tempdir().unwrap();
    root(system.path());
    let home = Home::over(system.path());
    for arguments in
        [&["search", "evil"][..], &["info", "evil"], &["files", "evil"], &["info", "evli"]]
    {
        let run = home.alone(&[arguments, &["--color", "always"]].concat());
        let text = run.stdout + &run.stderr;
        let mut rest = text.as_str();
        while let Some(at) = rest.find('\u{1b}') {
            let sequence = &rest[at + 1..];
            let end = sequence.find('m').expect("a colour ends with m");
            let inside = &sequence[..end];
            assert!(
                inside.starts_with('[')
                    && inside[1..].chars().all(|c| c.is_ascii_digit() || c == ';'),
                "{inside:?}"
            );
            rest = &sequence[end..];
        }
        assert_eq!(text.chars().filter(|c| *c != '\u{1b}').find(|c| is_harmful(*c)), None);
    }
}
