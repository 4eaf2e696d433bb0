//! Fifty packages from a mirror on loopback, beside `apt-get download` of the same packages from the
//! same mirror.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use omg_core::{Grade, Wanted};
use omg_fetch::testing::{Latency, Mirror};
use omg_fetch::{Fetcher, Options, Sha256, Store};

use crate::Outcome;
use crate::report::Report;
use crate::sample::{Sample, show};

const PACKAGES: usize = 50;
const ROUNDS: usize = 9;
const SPAN: Duration = Duration::from_millis(20);

/// How many files of one host are fetched at once: what is tried beside the usual number.
const PER_HOST: [usize; 4] = [2, 4, 6, 8];

/// What the mirror does, what is asked for, and how it is called.
const WAYS: [(&str, Latency, Option<f64>); 3] = [
    ("20 ms for each answer", Latency::Thought(SPAN), Some(3.0)),
    ("20 ms there and back, pipelined answers come together", Latency::Way(SPAN), None),
    ("no latency", Latency::None, None),
];

type Failed = Box<dyn std::error::Error>;

/// Runs every part.
pub(crate) fn run(report: &mut Report) -> Outcome {
    let home = tempfile::tempdir()?;
    let root = home.path().join("mirror");
    fs::create_dir(&root)?;
    let wanted = packages(&root)?;
    let bytes: u64 = wanted.iter().filter_map(|it| it.size).sum();
    report.table(
        &format!("Downloads: {PACKAGES} packages of {} KiB from loopback", bytes / 1024),
        &["what", "measured", "goal", "reached"],
    );
    let mirror = Mirror::start(&root)?;
    let apt = Apt::new(home.path(), &mirror)?;
    for (name, latency, goal) in WAYS {
        mirror.latency(latency);
        let (mut ours, mut theirs) = (vec![Vec::new(); PER_HOST.len()], Vec::new());
        for round in 0..ROUNDS {
            for (times, per_host) in ours.iter_mut().zip(PER_HOST) {
                let dir = home.path().join(format!("store-{round}-{per_host}"));
                let options = Options { per_host, ..Options::default() };
                times.push(fetch(&dir, options, &mirror, &wanted)?);
                fs::remove_dir_all(&dir)?;
            }
            theirs.push(apt.download(home.path())?);
        }
        let theirs = Sample::new(theirs).median();
        for (times, per_host) in ours.into_iter().zip(PER_HOST) {
            let ours = Sample::new(times).median();
            let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
            let usual = per_host == Options::default().per_host;
            let note = if usual { ", the usual number" } else { "" };
            let goal = goal.filter(|_| usual);
            report.figure(
                &format!("{name}; {per_host} at once{note}; `apt-get download`: {}", show(theirs)),
                &format!("{} ({ratio:.1}× faster)", show(ours)),
                &goal.map_or_else(|| "–".to_owned(), |goal| format!("≥ {goal}×")),
                goal.is_none_or(|goal| ratio >= goal),
            );
        }
    }
    report.line("\nOMG's time holds what its process does around a download (threads, trust store, connections) and the writing to the disk of each file (`fsync`), which apt-get leaves to the kernel.");
    Ok(())
}

fn wanted(name: &str, size: u64, sha256: &Sha256) -> Wanted {
    Wanted {
        name: name.into(),
        architecture: "all".into(),
        version: "1".into(),
        repository: "main".into(),
        file_name: name.into(),
        urls: vec![name.into()],
        size: Some(size),
        sha256: Some(sha256.to_string()),
        signature: None,
        cached: Vec::new(),
        grade: Grade::Verified,
    }
}

/// Builds packages of 4 KiB to 400 KiB and an index of them.
fn packages(root: &Path) -> Result<Vec<Wanted>, Failed> {
    let mut all = Vec::new();
    let mut index = String::new();
    for at in 0..PACKAGES {
        let name = format!("measure-{at}");
        let dir = root.join(&name);
        fs::create_dir_all(dir.join("DEBIAN"))?;
        let control = format!(
            "Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: x\n"
        );
        fs::write(dir.join("DEBIAN/control"), &control)?;
        fs::write(dir.join("data"), noise(at as u64, (4 << 10) + at * (8 << 10)))?;
        let deb = format!("{name}_1_all.deb");
        let status = Command::new("dpkg-deb")
            .args(["--root-owner-group", "-Znone", "-b"])
            .args([&dir, &root.join(&deb)])
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("dpkg-deb ended with {status}").into());
        }
        fs::remove_dir_all(&dir)?;
        let bytes = fs::read(root.join(&deb))?;
        let (sha256, size) = (Sha256::of(&bytes), bytes.len());
        write!(index, "{control}Filename: ./{deb}\nSize: {size}\nSHA256: {sha256}\n\n")?;
        all.push(wanted(&deb, size as u64, &sha256));
    }
    fs::write(root.join("Packages"), index)?;
    Ok(all)
}

/// Bytes that can't be packed, the same in every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The download, with what comes before and after it in a process.
fn fetch(
    dir: &Path,
    options: Options,
    mirror: &Mirror,
    wanted: &[Wanted],
) -> Result<Duration, Failed> {
    let begin = Instant::now();
    let mut wanted = wanted.to_vec();
    for file in &mut wanted {
        file.urls = vec![mirror.url(&file.file_name)];
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let fetcher = Fetcher::new(options, Store::open(dir)?)?;
    for result in runtime.block_on(fetcher.fetch(wanted, |_| ())) {
        result?;
    }
    drop((fetcher, runtime));
    Ok(begin.elapsed())
}

/// An apt with everything in a directory of its own.
struct Apt(PathBuf);

impl Apt {
    fn new(home: &Path, mirror: &Mirror) -> Result<Self, Failed> {
        let dir = home.join("apt");
        for path in [
            "etc/apt.conf.d",
            "etc/preferences.d",
            "state/lists/partial",
            "cache/archives/partial",
            "log",
        ] {
            fs::create_dir_all(dir.join(path))?;
        }
        fs::write(dir.join("state/status"), "")?;
        let line = format!("deb [trusted=yes] {} ./\n", mirror.base());
        fs::write(dir.join("etc/sources.list"), line)?;
        let at = dir.display();
        let conf = format!(
            "Dir \"{at}\";\nDir::Etc \"{at}/etc\";\nDir::Etc::sourceparts \"-\";\n\
             Dir::State \"{at}/state\";\nDir::State::status \"{at}/state/status\";\n\
             Dir::Cache \"{at}/cache\";\nDir::Log \"{at}/log\";\n\
             Dir::Bin::methods \"/usr/lib/apt/methods\";\nAPT::Sandbox::User \"\";\n\
             Acquire::Languages \"none\";\n"
        );
        let path = dir.join("apt.conf");
        fs::write(&path, conf)?;
        let apt = Self(path);
        apt.run(&["update".into()], home)?;
        Ok(apt)
    }

    fn run(&self, arguments: &[String], cwd: &Path) -> Outcome {
        let output = Command::new("apt-get")
            .args(arguments)
            .current_dir(cwd)
            .env("APT_CONFIG", &self.0)
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("apt-get: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// The download of all packages.
    fn download(&self, home: &Path) -> Result<Duration, Failed> {
        let dir = home.join("downloaded");
        fs::create_dir(&dir)?;
        let mut arguments = vec!["download".to_owned()];
        arguments.extend((0..PACKAGES).map(|at| format!("measure-{at}")));
        let begin = Instant::now();
        self.run(&arguments, &dir)?;
        let took = begin.elapsed();
        let came = fs::read_dir(&dir)?.count();
        fs::remove_dir_all(&dir)?;
        if came == PACKAGES {
            Ok(took)
        } else {
            Err(format!("apt-get fetched {came} files").into())
        }
    }
}
