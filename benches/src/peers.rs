//! Whole processes, OMG and its peers in turn, from spawn to exit.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::host::{Daemon, executable};
use crate::report::Report;
use crate::sample::{Sample, show};

/// A contest: what is asked, our command, the peers' commands, the ratio to reach over the first
/// peer, and the most milliseconds ours may take.
struct Contest {
    what: &'static str,
    ours: Vec<&'static str>,
    peers: Vec<Vec<&'static str>>,
    ratio: f64,
    most_ms: f64,
    runs: usize,
}

fn contests() -> Vec<Contest> {
    let contest =
        |what, ours: &[&'static str], peers: &[&[&'static str]], ratio, most_ms, runs| Contest {
            what,
            ours: ours.to_vec(),
            peers: peers.iter().map(|peer| peer.to_vec()).collect(),
            ratio,
            most_ms,
            runs,
        };
    vec![
        contest(
            "search",
            &["omg", "search", "vim"],
            &[
                &["apt-cache", "search", "vim"],
                &["apt", "search", "vim"],
                &["aptitude", "search", "vim"],
                &["apt-cache", "search", "--names-only", "vim"],
            ],
            300.0,
            3.0,
            7,
        ),
        contest(
            "info",
            &["omg", "info", "vim"],
            &[
                &["apt-cache", "show", "vim"],
                &["apt-cache", "policy", "vim"],
                &["apt", "show", "vim"],
            ],
            10.0,
            2.0,
            25,
        ),
        contest(
            "count",
            &["omg", "explicit", "--count"],
            &[&["apt-mark", "showmanual"], &["dpkg-query", "-l"]],
            1.0,
            2.0,
            25,
        ),
        contest("status", &["omg", "status"], &[&["apt", "list", "--upgradable"]], 1.0, 2.0, 9),
        contest(
            "list",
            &["omg", "list"],
            &[&["dpkg-query", "-l"], &["apt", "list", "--installed"]],
            0.0,
            f64::MAX,
            15,
        ),
        contest(
            "rdeps",
            &["omg", "rdeps", "libssl3"],
            &[&["apt-cache", "rdepends", "libssl3"]],
            1.0,
            f64::MAX,
            15,
        ),
        contest(
            "owns",
            &["omg", "owns", "/usr/bin/env"],
            &[&["dpkg", "-S", "/usr/bin/env"]],
            1.0,
            f64::MAX,
            15,
        ),
        contest(
            "prompt count",
            &["omg-fast", "tc"],
            &[&["dpkg-query", "-f", ".", "-W"]],
            1.0,
            0.5,
            200,
        ),
        contest("floor: an empty process", &["true"], &[], 0.0, f64::MAX, 200),
    ]
}

/// Runs every contest and fills the table.
pub(crate) fn run(report: &mut Report) -> Outcome {
    let daemon = Daemon::start()?;
    let cache = tempfile::tempdir()?;
    std::fs::create_dir_all(cache.path().join("archives/partial"))?;
    report.table(
        "Whole commands, warm daemon, medians",
        &["question", "command", "median", "minimum", "ours is faster by", "goal", "reached"],
    );
    for contest in contests() {
        if let Err(error) = contest.run(&daemon, cache.path(), report) {
            report.fail(format!("{}: {error}", contest.what));
        }
    }
    report.line("\napt and apt-cache run with their package cache on (`Dir::Cache::pkgcache=pkgcache.bin`), which some container images switch off. Times include starting the process.");
    Ok(())
}

impl Contest {
    fn run(&self, daemon: &Daemon, cache: &Path, report: &mut Report) -> Outcome {
        let mut lines: Vec<Line> = Vec::new();
        for words in std::iter::once(&self.ours).chain(&self.peers) {
            match command(words, daemon, cache) {
                Some(command) => {
                    lines.push(Line { label: words.join(" "), command, times: Vec::new() });
                }
                None => report.line(&format!(
                    "({} is not installed: left out)",
                    words.first().unwrap_or(&"")
                )),
            }
        }
        for round in 0..=self.runs {
            for line in &mut lines {
                let time = line.once()?;
                if round > 0 {
                    line.times.push(time);
                }
            }
        }
        let samples: Vec<Sample> =
            lines.iter().map(|line| Sample::new(line.times.clone())).collect();
        let Some(ours) = samples.first().map(Sample::median) else { return Ok(()) };
        for (at, (line, sample)) in lines.iter().zip(&samples).enumerate() {
            self.row(report, at, line, sample, ours);
        }
        Ok(())
    }

    fn row(&self, report: &mut Report, at: usize, line: &Line, sample: &Sample, ours: Duration) {
        let ratio = sample.median().as_secs_f64() / ours.as_secs_f64();
        let ms = sample.median().as_secs_f64() * 1e3;
        let (by, goal, reached) = match at {
            0 if self.most_ms < f64::MAX => {
                (String::new(), format!("≤ {} ms", self.most_ms), (ms <= self.most_ms).to_string())
            }
            1 if self.ratio > 0.0 => (
                format!("{ratio:.1}×"),
                format!("≥ {}×", self.ratio),
                (ratio >= self.ratio).to_string(),
            ),
            0 => Default::default(),
            _ => (format!("{ratio:.1}×"), String::new(), String::new()),
        };
        report.row(&[
            self.what,
            &line.label,
            &show(sample.median()),
            &show(sample.min()),
            &by,
            &goal,
            &reached,
        ]);
        if at <= 1 || self.what == "search" {
            report.bar(&line.label, ms);
        }
    }
}

struct Line {
    label: String,
    command: Command,
    times: Vec<Duration>,
}

impl Line {
    fn once(&mut self) -> Result<Duration, Box<dyn std::error::Error>> {
        let start = Instant::now();
        let status = self.command.status()?;
        let time = start.elapsed();
        if status.success() {
            Ok(time)
        } else {
            Err(format!("`{}` ended with {status}", self.label).into())
        }
    }
}

/// Arguments that switch apt's package cache on, in a directory of our own.
pub(crate) fn package_cache(directory: &Path) -> [String; 6] {
    let option = || "-o".to_owned();
    let directory = format!("Dir::Cache={}", directory.display());
    let (binary, source) =
        ("Dir::Cache::pkgcache=pkgcache.bin", "Dir::Cache::srcpkgcache=srcpkgcache.bin");
    [option(), directory, option(), binary.to_owned(), option(), source.to_owned()]
}

/// The command for these words; `None` if there is no such program.
fn command(words: &[&str], daemon: &Daemon, cache: &Path) -> Option<Command> {
    let (program, rest) = words.split_first()?;
    let mut command = match *program {
        "omg" | "omg-fast" => daemon.command(&executable(program).ok()?),
        other => {
            let found = std::env::split_paths(&std::env::var_os("PATH")?)
                .any(|folder| folder.join(other).is_file());
            found.then(|| Command::new(other))?
        }
    };
    if program.starts_with("apt") && *program != "apt-mark" {
        command.args(package_cache(cache));
    }
    command.args(rest).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Some(command)
}
