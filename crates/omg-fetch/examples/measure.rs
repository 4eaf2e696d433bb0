//! Measures a download of 50 packages from a mirror on loopback with latency, beside `apt-get
//! download` of the same packages from the same mirror.
//!
//! `cargo run --release -p omg-fetch --features testing --example measure [ROUNDS]`, with `PER_HOST` and
//! `CONNECTIONS` in the environment for other limits than the usual ones.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program to measure with")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use omg_core::{Grade, Wanted};
use omg_fetch::testing::{Latency, Mirror};
use omg_fetch::{Fetcher, Options, Store};

const PACKAGES: usize = 50;

fn main() {
    let rounds = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(7);
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("mirror");
    std::fs::create_dir(&root).unwrap();
    let wanted = packages(&root);
    let bytes: u64 = wanted.iter().filter_map(|it| it.size).sum();
    println!("{PACKAGES} packages, {} KiB", bytes / 1024);
    println!("{:<34}{:>9}{:>10}{:>10}{:>8}", "ms, median", "omg", "+process", "apt-get", "ratio");
    let span = Duration::from_millis(20);
    for (name, latency) in [
        ("no latency", Latency::None),
        ("20 ms for each answer", Latency::Thought(span)),
        ("20 ms there and back (pipelined)", Latency::Way(span)),
    ] {
        let mirror = Mirror::start(&root).unwrap();
        let apt = Apt::new(home.path(), &mirror);
        mirror.latency(latency);
        let (mut ours, mut whole, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let dir = home.path().join(format!("store-{name}-{round}"));
            let (call, all) = fetch(&dir, &mirror, &wanted);
            ours.push(call);
            whole.push(all);
            theirs.push(apt.download(home.path()));
        }
        let (ours, whole, theirs) = (median(ours), median(whole), median(theirs));
        println!("{name:<34}{ours:>9.1}{whole:>10.1}{theirs:>10.1}{:>8.2}", theirs / whole);
    }
    big(home.path());
}

/// One large file, for what digests and writing cost.
fn big(home: &Path) {
    let root = home.join("big");
    std::fs::create_dir(&root).unwrap();
    let mut bytes = vec![0_u8; 400 << 20];
    for (at, chunk) in bytes.chunks_mut(8).enumerate() {
        let noise = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        chunk.copy_from_slice(&noise);
    }
    std::fs::write(root.join("a"), &bytes).unwrap();
    let begin = Instant::now();
    let sha256 = omg_fetch::Sha256::of(&bytes);
    let hashing = begin.elapsed();
    let mirror = Mirror::start(&root).unwrap();
    let mut file = wanted("a", bytes.len() as u64, &sha256.to_string());
    file.urls = vec![mirror.url("a")];
    let (call, _) = fetch(&home.join("store-big"), &mirror, &[file]);
    println!("400 MiB: {call:.0} ms, of that hashing {:.0} ms", hashing.as_secs_f64() * 1e3);
}

fn wanted(name: &str, size: u64, sha256: &str) -> Wanted {
    Wanted {
        name: name.into(),
        architecture: "all".into(),
        version: "1".into(),
        repository: "main".into(),
        file_name: name.into(),
        urls: vec![name.into()],
        size: Some(size),
        sha256: Some(sha256.into()),
        signature: None,
        cached: Vec::new(),
        grade: Grade::Verified,
    }
}

/// Builds packages of 4 KiB to 400 KiB and an index of them.
fn packages(root: &Path) -> Vec<Wanted> {
    let mut all = Vec::new();
    let mut index = String::new();
    for at in 0..PACKAGES {
        let name = format!("measure-{at}");
        let dir = root.join(&name);
        std::fs::create_dir_all(dir.join("DEBIAN")).unwrap();
        let control = format!(
            "Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: x\n"
        );
        std::fs::write(dir.join("DEBIAN/control"), &control).unwrap();
        let mut state = at as u64 + 1;
        let data: Vec<u8> = (0..(4 << 10) + at * (8 << 10))
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) as u8
            })
            .collect();
        std::fs::write(dir.join("data"), data).unwrap();
        let deb = format!("{name}_1_all.deb");
        let status = Command::new("dpkg-deb")
            .args(["--root-owner-group", "-Znone", "-b"])
            .args([&dir, &root.join(&deb)])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        std::fs::remove_dir_all(&dir).unwrap();
        let bytes = std::fs::read(root.join(&deb)).unwrap();
        let sha256 = omg_fetch::Sha256::of(&bytes).to_string();
        let size = bytes.len();
        write!(index, "{control}Filename: ./{deb}\nSize: {size}\nSHA256: {sha256}\n\n").unwrap();
        all.push(wanted(&deb, size as u64, &sha256));
    }
    std::fs::write(root.join("Packages"), index).unwrap();
    all
}

/// Milliseconds of the call, and with what comes before and after it in a process: threads, trust
/// store, connections.
fn fetch(dir: &Path, mirror: &Mirror, wanted: &[Wanted]) -> (f64, f64) {
    let begin = Instant::now();
    let mut wanted = wanted.to_vec();
    for file in &mut wanted {
        file.urls = vec![mirror.url(&file.file_name)];
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Store::open(dir).unwrap();
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let mut options = Options::default();
    options.per_host = number("PER_HOST").unwrap_or(options.per_host);
    options.connections = number("CONNECTIONS").unwrap_or(options.connections);
    let fetcher = Fetcher::new(options, store).unwrap();
    let call = Instant::now();
    let results = runtime.block_on(fetcher.fetch(wanted, |_| ()));
    let call = call.elapsed();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    drop((fetcher, runtime));
    (call.as_secs_f64() * 1e3, begin.elapsed().as_secs_f64() * 1e3)
}

/// An apt with everything in a directory of its own.
struct Apt(std::path::PathBuf);

impl Apt {
    fn new(home: &Path, mirror: &Mirror) -> Self {
        let dir = home.join("apt");
        let _ = std::fs::remove_dir_all(&dir);
        for path in [
            "etc/apt.conf.d",
            "etc/preferences.d",
            "state/lists/partial",
            "cache/archives/partial",
            "log",
        ] {
            std::fs::create_dir_all(dir.join(path)).unwrap();
        }
        std::fs::write(dir.join("state/status"), "").unwrap();
        let line = format!("deb [trusted=yes] {} ./\n", mirror.base());
        std::fs::write(dir.join("etc/sources.list"), line).unwrap();
        let dir = dir.to_str().unwrap();
        let options = [
            ("Dir", dir),
            ("Dir::Etc", &format!("{dir}/etc")),
            ("Dir::Etc::sourceparts", "-"),
            ("Dir::State", &format!("{dir}/state")),
            ("Dir::State::status", &format!("{dir}/state/status")),
            ("Dir::Cache", &format!("{dir}/cache")),
            ("Dir::Log", &format!("{dir}/log")),
            ("Dir::Bin::methods", "/usr/lib/apt/methods"),
            ("APT::Sandbox::User", ""),
            ("Acquire::Languages", "none"),
        ];
        let mut conf = String::new();
        for (name, value) in options {
            writeln!(conf, "{name} \"{value}\";").unwrap();
        }
        let path = Path::new(dir).join("apt.conf");
        std::fs::write(&path, conf).unwrap();
        let apt = Self(path);
        apt.run(&["update".into()], home);
        apt
    }

    fn run(&self, arguments: &[String], cwd: &Path) {
        let output = Command::new("apt-get")
            .args(arguments)
            .current_dir(cwd)
            .env("APT_CONFIG", &self.0)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Milliseconds of the download of all packages.
    fn download(&self, home: &Path) -> f64 {
        let dir = home.join("downloaded");
        std::fs::create_dir(&dir).unwrap();
        let mut arguments = vec!["download".to_owned()];
        arguments.extend((0..PACKAGES).map(|at| format!("measure-{at}")));
        let begin = Instant::now();
        self.run(&arguments, &dir);
        let took = begin.elapsed().as_secs_f64() * 1e3;
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), PACKAGES);
        std::fs::remove_dir_all(&dir).unwrap();
        took
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
