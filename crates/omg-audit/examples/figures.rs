//! Measures the log: `cargo run --release -p omg-audit --example figures [RECORDS]`.
//!
//! What is printed is time per record alone and in company, and how fast a log is verified.
#![expect(clippy::print_stdout, reason = "it is what it is for")]

use std::path::Path;
use std::time::{Duration, Instant};

use omg_audit::verify::{Against, verify};
use omg_audit::{Actor, Done, Entry, Hash, Log, Options, Reader, Subject};

const THREADS: u32 = 64;

fn entry(number: u32) -> Entry {
    let subject = |at: u32| Subject {
        action: "upgrade".into(),
        purl: format!("pkg:deb/debian/libexample{at}@1.2.{number}-1?arch=amd64"),
        name: format!("libexample{at}"),
        architecture: "amd64".into(),
        source: "apt".into(),
        repository: "bookworm/main".into(),
        from: Some("1.2.2-1".into()),
        to: Some(format!("1.2.{number}-1")),
        sha256: Some(Hash::default()),
        size: Some(123_456),
        ..Subject::default()
    };
    Entry {
        words: vec!["upgrade".into(), "libexample0".into()],
        plan_digest: Some(Hash::default()),
        subjects: (0..1).map(subject).collect(),
        ..Entry::new("upgrade", "0123456789abcdef0123456789abcdef", Actor::of_process(None))
    }
}

fn change(log: &Log, entry: Entry) -> (Duration, Duration) {
    let begun = Instant::now();
    let pending = log.begin(entry).expect("the log can be written");
    let to_intent = begun.elapsed();
    let begun = Instant::now();
    pending.commit(&Done::default()).expect("the log can be written");
    (to_intent, begun.elapsed())
}

fn percentile(times: &mut [Duration], per_cent: usize) -> Duration {
    times.sort();
    times[(times.len() * per_cent / 100).min(times.len() - 1)]
}

fn alone(dir: &Path) {
    let log = Log::open(dir, &Options::default()).expect("the log can be opened");
    let sample = entry(0);
    let mut times = Vec::new();
    for _ in 0..500 {
        let (intent, end) = change(&log, sample.clone());
        times.extend([intent, end]);
    }
    println!(
        "alone: {} records, p50 {:?}, p99 {:?}",
        times.len(),
        percentile(&mut times, 50),
        percentile(&mut times, 99)
    );
}

fn in_company(dir: &Path, records: u32) {
    let log = Log::open(dir, &Options::default()).expect("the log can be opened");
    let sample = entry(0);
    let begun = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let changes = records / 2 / THREADS;
                    let times = (0..changes).map(|_| change(&log, sample.clone()));
                    times.flat_map(|(intent, end)| [intent, end]).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let elapsed = begun.elapsed();
    println!(
        "{THREADS} threads: {} records in {elapsed:?}, {:.0} records/s, p50 {:?}, p99 {:?}",
        times.len(),
        times.len() as f64 / elapsed.as_secs_f64(),
        percentile(&mut times, 50),
        percentile(&mut times, 99)
    );
}

fn verified(dir: &Path) {
    let size = std::fs::metadata(dir.join("log.redb")).expect("the log is there").len();
    let begun = Instant::now();
    let reader = Reader::open(dir).expect("the log can be read");
    let read = begun.elapsed();
    drop(reader);
    let begun = Instant::now();
    let report = verify(dir, &Against::default()).expect("the log can be verified");
    let elapsed = begun.elapsed();
    println!(
        "verify: {} records ({size} bytes, {} checkpoints) in {elapsed:?}, {:.0} records/s; opening it took {read:?}",
        report.records,
        report.checkpoints,
        report.records as f64 / elapsed.as_secs_f64(),
    );
    assert_eq!(report.exit(), 0, "{:?}", report.findings);
}

fn main() {
    let records = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let dir = tempfile::tempdir_in(".").expect("a directory");
    alone(&dir.path().join("alone"));
    in_company(&dir.path().join("company"), records);
    verified(&dir.path().join("alone"));
    verified(&dir.path().join("company"));
}
