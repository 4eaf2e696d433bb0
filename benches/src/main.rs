//! Measures OMG beside its peers, in one run on one machine.
//!
//! `cargo xtask bench` builds the release executables and runs this. Without an argument every
//! part runs and `docs/benchmarks/` is written; see `PARTS` for running one alone. With `--keep` the
//! tables of such a run take the place of those in `docs/benchmarks/`.

mod arch;
mod audit;
mod changes;
mod download;
mod figures;
mod host;
mod install;
mod instructions;
mod keys;
mod load;
mod peers;
mod picture;
mod relevance;
mod report;
mod sample;
mod sync;
mod systems;
mod verify;

use std::process::ExitCode;

use report::Report;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Name, what it measures, and how.
type Part = (&'static str, &'static str, fn(&mut Report) -> Outcome);

const PARTS: &[Part] = &[
    ("peers", "whole processes beside apt, apt-cache, aptitude and dpkg-query", peers::run),
    ("figures", "start-up, memory, search inside the index, codec, status scan", figures::run),
    ("arch", "Arch databases, the AUR, and plans beside pacman and apt-get", arch::run),
    (
        "download",
        "fifty packages from a mirror with and without latency, beside apt-get",
        download::run,
    ),
    (
        "install",
        "changes of real systems and plans with grades, beside apt-get and pacman",
        install::run,
    ),
    ("sync", "lists from loopback, beside apt-get update and pacman -Sy", sync::run),
    (
        "verify",
        "digest and signature of a package of 200 MB, beside hashing, gpgv and sqv",
        verify::run,
    ),
    ("audit", "records until they are durable, and a log that is verified", audit::run),
    ("load", "round trips on a kept connection, and 10,000 requests/s on eight", load::run),
    ("changes", "how soon a change behind the daemon's back is seen", changes::run),
    ("relevance", "the query table, beside apt-cache search", relevance::run),
    (
        "instructions",
        "instruction counts of the gated paths against the baseline",
        instructions::run,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, path] = arguments.as_slice()
        && mode == "gate"
    {
        return instructions::gate(path);
    }
    let names: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|name| !name.starts_with("--")).collect();
    if let Some(unknown) = names.iter().find(|name| PARTS.iter().all(|(part, ..)| part != *name)) {
        report::say(&format!("no part is called '{unknown}'. The parts:"));
        for (name, what, _) in PARTS {
            report::say(&format!("  {name:14}{what}"));
        }
        return ExitCode::from(2);
    }
    let mut report = Report::default();
    for (name, _, run) in PARTS {
        if !names.is_empty() && !names.contains(name) {
            continue;
        }
        report::say(&format!("== {name}"));
        if let Err(error) = run(&mut report) {
            report.fail(format!("{name}: {error}"));
        }
    }
    let keep = names.is_empty() || arguments.iter().any(|argument| argument == "--keep");
    let kept = if keep { report.keep() } else { Ok(()) };
    report.finish(kept.err().as_deref())
}
