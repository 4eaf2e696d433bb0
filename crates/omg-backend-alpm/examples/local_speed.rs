//! How long the local database takes: to read, to look for changes in, to find an owner in.
//!
//! `local_speed ROOT [PACKAGES]` with PACKAGES copies the entries below ROOT to that many first.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for developers")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use omg_backend::PackageManager as _;
use omg_backend_alpm::Alpm;

const TIMES: u32 = 50;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().unwrap();
    let most: Option<usize> = arguments.next().map(|number| number.parse().unwrap());
    let copies = most.map(|most| copy(Path::new(&root), most));
    let root = copies.as_ref().map_or(Path::new(&root), |dir| dir.path());
    let alpm = Alpm::open(root).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let installed = runtime.block_on(alpm.installed()).unwrap();
    println!(
        "{} packages, {} edges, {} bytes, {} warnings",
        installed.packages.len(),
        installed.edges.len(),
        installed.text.len(),
        installed.warnings.len()
    );
    let path = "/usr/bin/less";
    show("generations", || {
        runtime.block_on(alpm.generations()).unwrap();
    });
    show("installed", || drop(runtime.block_on(alpm.installed()).unwrap()));
    show("owns", || drop(runtime.block_on(alpm.owns(path)).unwrap()));
    show("installed_at", || {
        alpm.installed_at(&installed.packages[0].name, "any").unwrap();
    });
}

fn show(what: &str, mut work: impl FnMut()) {
    work();
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("{what}: p50 {:?}, p95 {:?}", times[times.len() / 2], times[times.len() * 95 / 100]);
}

fn copy(root: &Path, most: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (root.join("var/lib/pacman/local"), dir.path().join("var/lib/pacman/local"));
    fs::create_dir_all(&to).unwrap();
    fs::write(to.join("ALPM_DB_VERSION"), "9\n").unwrap();
    let entries: Vec<_> =
        fs::read_dir(&from).unwrap().flatten().filter(|entry| entry.path().is_dir()).collect();
    for number in 0..most {
        let entry = &entries[number % entries.len()];
        let text = fs::read_to_string(entry.path().join("desc")).unwrap();
        let name = text.lines().nth(1).unwrap();
        let text = text.replacen(name, &format!("x{number}-{name}"), 1);
        let copy = to.join(format!("x{number}-{}", entry.file_name().to_str().unwrap()));
        fs::create_dir(&copy).unwrap();
        fs::write(copy.join("desc"), text).unwrap();
        fs::copy(entry.path().join("files"), copy.join("files")).unwrap();
    }
    dir
}
