//! Arch and the AUR, and plans on both distributions, each beside the native tool.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use omg_aur::dump;
use omg_backend::PackageManager as _;
use omg_backend_alpm::Alpm;
use omg_core::{Available, Change, Fault, Operation, Repository, RepositoryId, Sink};
use omg_index::{Builder, Index, Marks};
use omg_proto::{Query, Reply, Request, targets_text};

use crate::Outcome;
use crate::host::{self, Daemon, executable};
use crate::report::Report;
use crate::sample::{Sample, show};

/// The AUR's dump in a cache directory.
const DUMP: &str = "packages-meta-ext-v1.json.gz";

/// Packages that are made up on top of the real ones.
const SYNTHETIC: usize = 100_000;

/// Runs every part.
pub(crate) fn run(report: &mut Report) -> Outcome {
    let merged = Root::new("merged")?;
    report.table("Arch and the AUR", &["what", "measured", "goal", "reached"]);
    reading(&merged, report)?;
    building(&merged, report)?;
    let folder = tempfile::tempdir()?;
    let large = folder.path().join(DUMP);
    synthetic(&large)?;
    searching(&merged, &large, report)?;
    commands(&merged, report)?;
    memory(&merged, &large, report)?;
    report.table(
        "Plans: the engine is warm, the native tool is a process",
        &["question", "measured", "goal", "reached"],
    );
    plan_alpm(report)?;
    plan_apt(report)
}

/// Real data, as `OMG_TEST_DATA` or beside the checkout.
pub(crate) fn data() -> PathBuf {
    std::env::var_os("OMG_TEST_DATA")
        .map_or_else(|| host::workspace().join("../shared/data"), PathBuf::from)
}

/// An Arch root of nothing but sync databases.
struct Root(tempfile::TempDir);

impl Root {
    fn new(databases: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let root = tempfile::Builder::new().prefix("omg-bench-").tempdir()?;
        let sync = root.path().join("var/lib/pacman/sync");
        let local = root.path().join("var/lib/pacman/local");
        for folder in [&sync, &local, &root.path().join("etc")] {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(local.join("ALPM_DB_VERSION"), "9\n")?;
        let mut conf = String::from("[options]\nArchitecture = x86_64\nSigLevel = Never\n");
        let from = data().join("arch").join(databases);
        for name in ["core", "extra", "multilib", "chaotic-aur", "archlinuxcn"] {
            let file = from.join(format!("{name}.db"));
            if file.is_file() {
                std::fs::write(sync.join(format!("{name}.db")), std::fs::read(file)?)?;
                conf.extend(["[", name, "]\nServer = file:///nowhere\n"]);
            }
        }
        std::fs::write(root.path().join("etc/pacman.conf"), conf)?;
        Ok(Self(root))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn pacman(&self, words: &[&str]) -> Command {
        let mut command = Command::new("pacman");
        command.arg("--root").arg(self.path());
        command.arg("--dbpath").arg(self.path().join("var/lib/pacman"));
        command.arg("--config").arg(self.path().join("etc/pacman.conf"));
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn time(command: &mut Command, runs: usize) -> Result<Sample, Box<dyn std::error::Error>> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        let status = command.status()?;
        times.push(start.elapsed());
        if !status.success() {
            return Err(format!("{} ended with {status}", command.get_program().display()).into());
        }
    }
    Ok(Sample::new(times))
}

/// Counts what comes.
#[derive(Default)]
struct Count {
    repositories: u16,
    packages: usize,
}

impl Sink for Count {
    fn repository(&mut self, _: &Repository) -> Result<RepositoryId, Fault> {
        self.repositories += 1;
        Ok(RepositoryId(self.repositories - 1))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        self.packages += package.versions.len();
        Ok(())
    }

    fn warning(&mut self, _: String) {}
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()
}

/// Reading every entry, beside pacman listing them.
fn reading(root: &Root, report: &mut Report) -> Outcome {
    let runtime = runtime()?;
    let alpm = Alpm::open(root.path())?;
    let mut entries = 0;
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..7 {
        let start = Instant::now();
        entries = runtime.block_on(alpm.packages(Count::default()))?.packages;
        ours.push(start.elapsed());
        theirs.push(time(&mut root.pacman(&["-Sl"]), 1)?.median());
    }
    let (ours, theirs) = (Sample::new(ours), Sample::new(theirs));
    let ratio = theirs.median().as_secs_f64() / ours.median().as_secs_f64();
    report.figure(
        &format!(
            "reading {entries} entries of five databases; `pacman -Sl`: {}",
            show(theirs.median())
        ),
        &format!("{} ({ratio:.1}× faster)", show(ours.median())),
        "≥ 5×",
        ratio >= 5.0,
    );
    Ok(())
}

/// The index of the databases and the AUR's dump.
fn index(root: &Root, packed: &Path) -> Result<(Index, Duration), Box<dyn std::error::Error>> {
    let runtime = runtime()?;
    let alpm = Alpm::open(root.path())?;
    let start = Instant::now();
    let mut builder = runtime.block_on(alpm.packages(Builder::new()))?;
    let file = std::io::BufReader::new(std::fs::File::open(packed)?);
    dump::emit(file, "dump", "https://aur.invalid", &mut builder)?;
    let index = Index::open(builder.finish()?.image)?;
    Ok((index, start.elapsed()))
}

fn building(root: &Root, report: &mut Report) -> Outcome {
    let packed = data().join("aur/packages-meta-ext.json.gz");
    let mut times = Vec::new();
    let mut rows = 0;
    for _ in 0..5 {
        let (index, took) = index(root, &packed)?;
        rows = index.len();
        times.push(took);
    }
    let median = Sample::new(times).median();
    report.figure(
        &format!("index of {rows} rows built from five databases and the AUR's dump"),
        &show(median),
        "≤ 400 ms",
        median <= Duration::from_millis(400),
    );
    Ok(())
}

/// A dump of the real packages again and again under new names.
fn synthetic(path: &Path) -> Outcome {
    let packed = std::fs::File::open(data().join("aur/packages-meta-ext.json.gz"))?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed), &mut text)?;
    let real: Vec<serde_json::Value> = serde_json::from_str(&text)?;
    let mut out =
        flate2::write::GzEncoder::new(std::fs::File::create(path)?, flate2::Compression::fast());
    out.write_all(b"[\n")?;
    let words = ["git", "bin", "nightly", "qt6", "lite", "fork", "next", "gtk", "cli", "beta"];
    for at in 0..real.len() + SYNTHETIC {
        let mut package = real.get(at % real.len()).cloned().unwrap_or_default();
        if at >= real.len() {
            let round = at / real.len();
            let word = words.get(round % words.len()).unwrap_or(&"x");
            for field in ["Name", "PackageBase"] {
                let name = package.get(field).and_then(|name| name.as_str()).unwrap_or("x");
                package[field] = format!("{name}-{word}{round}").into();
            }
            package["NumVotes"] = (at % 997).into();
            package["LastModified"] = (1_600_000_000 + at).into();
        }
        if at > 0 {
            out.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut out, &package)?;
    }
    out.write_all(b"\n]\n")?;
    out.finish()?;
    Ok(())
}

fn searching(root: &Root, packed: &Path, report: &mut Report) -> Outcome {
    let (index, _) = index(root, packed)?;
    let none = Marks::new(index.len());
    let queries = crate::relevance::queries();
    let mut times = Vec::new();
    for round in 0..5 {
        for query in &queries {
            let start = Instant::now();
            std::hint::black_box(index.search(query, Some(30), &none));
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    let sample = Sample::new(times);
    report.figure(
        &format!(
            "uncached search among {} rows, p50 (p99 {})",
            index.len(),
            show(sample.quantile(0.99))
        ),
        &show(sample.median()),
        "≤ 1.5 ms",
        sample.median() <= Duration::from_micros(1500),
    );
    Ok(())
}

/// A daemon of this root with a dump of the AUR in its cache.
fn start(root: &Root, packed: &Path) -> Result<Daemon, Box<dyn std::error::Error>> {
    Daemon::start_on_with(root.path(), |cache| {
        std::fs::create_dir_all(cache.join("aur"))?;
        std::fs::copy(packed, cache.join("aur").join(DUMP)).map(drop)
    })
}

/// A whole `omg search` over the databases and the AUR's real dump, beside `pacman -Ss`.
fn commands(root: &Root, report: &mut Report) -> Outcome {
    let daemon = start(root, &data().join("aur/packages-meta-ext.json.gz"))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let omg = executable("omg")?;
    for _ in 0..15 {
        let mut command = daemon.command(&omg);
        command.arg("--root").arg(root.path()).args(["search", "vim"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        ours.push(time(&mut command, 1)?.median());
        theirs.push(time(&mut root.pacman(&["-Ss", "vim"]), 1)?.median());
    }
    let (ours, theirs) = (Sample::new(ours), Sample::new(theirs));
    let ratio = theirs.median().as_secs_f64() / ours.median().as_secs_f64();
    report.figure(
        &format!(
            "whole `omg search vim`, 4,037 packages of the AUR included; `pacman -Ss vim`: {}",
            show(theirs.median())
        ),
        &format!("{} ({ratio:.0}× faster)", show(ours.median())),
        "≥ 100×",
        ratio >= 100.0,
    );
    Ok(())
}

/// What a daemon of 117,000 packages takes.
fn memory(root: &Root, packed: &Path, report: &mut Report) -> Outcome {
    let daemon = start(root, packed)?;
    let mut client = daemon.client()?;
    // Until the records are stored, they take memory.
    client.call(&Request::One(Query::Info { package: "vim" }))?;
    std::thread::sleep(Duration::from_secs(3));
    for query in crate::relevance::queries() {
        client.call(&Request::One(Query::Search { query: &query, limit: Some(30) }))?;
        client.call(&Request::One(Query::Info { package: &query }))?;
    }
    let resident = daemon.resident().unwrap_or(0);
    report.figure(
        "omgd resident with all of them, after some hundred queries",
        &format!("{:.1} MiB", resident as f64 / f64::from(1 << 20)),
        "≤ 96 MiB",
        resident <= 96 << 20,
    );
    Ok(())
}

/// Asks for a plan as `omg` does, so that the daemon, the pipe and the engine are in the time.
fn plan(
    client: &mut omg_ipc::blocking::Client,
    name: &str,
) -> Result<(usize, Duration), Box<dyn std::error::Error>> {
    let change = Change::new(Operation::Install, [name]);
    let targets = targets_text(&change);
    let start = Instant::now();
    let answer = client.call(&Request::One(Query::plan(&change, &targets, "")))?;
    let took = start.elapsed();
    match answer.reply()? {
        Reply::Plan(plan) => Ok((plan.changes.len(), took)),
        Reply::Fault(fault) => Err(fault.into()),
        _ => Err("no plan came".into()),
    }
}

/// Times of one plan.
struct Warm {
    name: &'static str,
    changes: usize,
    /// Some time after the plan before.
    rested: Sample,
    /// Right behind another.
    at_once: Sample,
}

/// Times the plan of the first of these packages that brings about thirty others along.
fn warm(daemon: &Daemon, names: &[&'static str]) -> Result<Warm, Box<dyn std::error::Error>> {
    let mut client = daemon.client()?;
    for &name in names {
        let Ok((changes, _)) = plan(&mut client, name) else { continue };
        if !(25..=45).contains(&changes) {
            continue;
        }
        let (mut rested, mut at_once) = (Vec::new(), Vec::new());
        for _ in 0..11 {
            // Between two requests of a person the engine makes ready for the next.
            std::thread::sleep(Duration::from_millis(500));
            rested.push(plan(&mut client, name)?.1);
            at_once.push(plan(&mut client, name)?.1);
        }
        let (rested, at_once) = (Sample::new(rested), Sample::new(at_once));
        return Ok(Warm { name, changes, rested, at_once });
    }
    Err("none of the packages brings about thirty others along".into())
}

fn compared(report: &mut Report, warm: &Warm, tool: &str, theirs: &Sample) {
    let Warm { name, changes, rested: ours, at_once } = warm;
    let ratio = theirs.median().as_secs_f64() / ours.median().as_secs_f64();
    report.figure(
        &format!("plan of `{name}`, {changes} changes; `{tool}`: {}", show(theirs.median())),
        &format!("{} ({ratio:.0}× faster)", show(ours.median())),
        "≤ 30 ms",
        ours.median() <= Duration::from_millis(30),
    );
    report.figure("the same right behind another plan", &show(at_once.median()), "–", true);
}

fn plan_alpm(report: &mut Report) -> Outcome {
    let root = Root::new("era-2022-09")?;
    let daemon = Daemon::start_on(root.path())?;
    let warm =
        warm(&daemon, &["curl", "git", "openssh", "wget", "vim", "gnupg", "python", "ruby"])?;
    let words = ["-Sp", "--noconfirm", "--print-format", "%n", warm.name];
    let theirs = time(&mut root.pacman(&words), 5)?;
    compared(report, &warm, "pacman -Sp", &theirs);
    Ok(())
}

fn plan_apt(report: &mut Report) -> Outcome {
    let daemon = Daemon::start()?;
    let names = [
        "emacs-nox",
        "imagemagick",
        "vlc-bin",
        "mpv",
        "default-jdk-headless",
        "inkscape",
        "gnuplot-nox",
        "postgresql",
        "ruby-full",
        "nginx-full",
        "evince",
        "mutt",
        "octave-dev",
    ];
    let warm = warm(&daemon, &names)?;
    let cache = tempfile::tempdir()?;
    std::fs::create_dir_all(cache.path().join("archives/partial"))?;
    let mut command = Command::new("apt-get");
    command.arg("-o").arg(format!("Dir::Cache={}", cache.path().display()));
    command.args(["-o", "Dir::Cache::pkgcache=pkgcache.bin", "-s", "install", warm.name]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // The first run fills its cache.
    time(&mut command, 1)?;
    let theirs = time(&mut command, 5)?;
    compared(report, &warm, "apt-get -s install", &theirs);
    Ok(())
}
