//! `cargo xtask ci`: every gate but the tests. All of them run, so that one round shows everything.

use crate::shell::{self, Outcome};
use crate::{fuzz, native, packages, tidy};
use std::process::Command;
use std::time::Instant;

/// A name and what must succeed.
type Gate = (&'static str, fn() -> Outcome);

const GATES: &[Gate] = &[
    ("format", || shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))),
    ("tidy", tidy::run),
    ("lints", || {
        let rest = ["--all-targets", "--keep-going", "--", "--deny", "warnings"];
        for mut command in native::everywhere(&["clippy"], &rest)? {
            shell::run(&mut command)?;
        }
        // The freestanding code is compiled in this profile alone.
        shell::run(&mut shell::cargo(&[
            "clippy",
            "--profile",
            "fast",
            "--package",
            "omg-fast",
            "--",
            "--deny",
            "warnings",
        ]))
    }),
    ("documentation", || {
        let mut command =
            shell::cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
        shell::run(command.env("RUSTDOCFLAGS", "--deny warnings"))
    }),
    ("dependencies", dependencies),
    ("instructions", instructions),
    ("fuzz", fuzz::run),
];

/// Runs every gate; fails with the names of those that failed.
pub(crate) fn run() -> Outcome {
    native::require_everything()?;
    packages::want(packages::COUNT);
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for (name, gate) in GATES {
        eprintln!("== {name}");
        let start = Instant::now();
        let outcome = gate();
        let seconds = start.elapsed().as_secs_f32();
        let word = if outcome.is_ok() { "passed" } else { "FAILED" };
        lines.push(format!("  {name:16}{word} in {seconds:.1} s"));
        if let Err(failure) = outcome {
            eprintln!("{failure}");
            failed.push(*name);
        }
    }
    eprintln!("== gates\n{}", lines.join("\n"));
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// Licences, sources and banned crates as `deny.toml` says; advisories where they can be fetched.
fn dependencies() -> Outcome {
    if !shell::succeeds(Command::new("cargo-deny").arg("--version")) {
        eprintln!("skipped: cargo-deny is not installed (`cargo install cargo-deny --locked`)");
        return Ok(());
    }
    shell::run(&mut shell::cargo(&["deny", "check", "bans", "licenses", "sources"]))?;
    if !shell::succeeds(&mut shell::cargo(&["deny", "fetch", "db"])) {
        eprintln!("skipped: advisories, because their database cannot be fetched from here");
        return Ok(());
    }
    shell::run(&mut shell::cargo(&["deny", "check", "advisories"]))
}

/// The gated paths against the committed baseline.
fn instructions() -> Outcome {
    shell::run(&mut shell::cargo(&["build", "--profile", "fast", "--package", "omg-fast"]))?;
    shell::run(&mut shell::cargo(&[
        "run",
        "--release",
        "--package",
        "omg-benches",
        "--",
        "instructions",
    ]))
}
