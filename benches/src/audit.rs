//! The audit log: how long a record takes to be durable, alone and in company, and how fast a log is
//! verified.

use std::path::Path;
use std::time::{Duration, Instant};

use omg_audit::verify::{Against, verify};
use omg_audit::{Actor, Done, Entry, Hash, Log, Options, Subject};

use crate::Outcome;
use crate::report::Report;
use crate::sample::{Sample, show};

/// Writers at a time, and records that they write together.
const THREADS: usize = 64;
const RECORDS: usize = 100_000;

/// Changes that one writer alone makes: two records each.
const CHANGES: usize = 1000;

/// Runs every part.
pub(crate) fn run(report: &mut Report) -> Outcome {
    // On a disk: in memory nothing has to be waited for.
    let home = tempfile::tempdir_in(crate::host::workspace().join("target"))
        .or_else(|_| tempfile::tempdir())?;
    report.table("The audit log", &["what", "measured", "goal", "reached"]);
    let (alone, together) = (home.path().join("alone"), home.path().join("together"));
    let times = Sample::new(write(&alone, 1, 2 * CHANGES)?.0);
    appended(report, "one writer", &times);
    let (times, took) = write(&together, THREADS, RECORDS)?;
    let rate = times.len() as f64 / took.as_secs_f64();
    appended(report, &format!("{THREADS} writers"), &Sample::new(times));
    report.figure(
        "records a second that they write together",
        &format!("{rate:.0}"),
        "≥ 2,000",
        rate >= 2000.0,
    );
    verified(report, &together)
}

fn appended(report: &mut Report, who: &str, times: &Sample) {
    let (p50, p99) = (times.median(), times.quantile(0.99));
    report.figure(&format!("a record until it is durable, {who}, p50"), &show(p50), "–", true);
    report.figure("the same, p99", &show(p99), "≤ 25 ms", p99 <= Duration::from_millis(25));
}

fn entry() -> Entry {
    let subject = Subject {
        action: "upgrade".into(),
        purl: "pkg:deb/debian/libexample0@1.2.3-1?arch=amd64".into(),
        name: "libexample0".into(),
        architecture: "amd64".into(),
        source: "apt".into(),
        repository: "bookworm/main".into(),
        from: Some("1.2.2-1".into()),
        to: Some("1.2.3-1".into()),
        sha256: Some(Hash::default()),
        size: Some(123_456),
        ..Subject::default()
    };
    Entry {
        words: vec!["upgrade".into(), "libexample0".into()],
        plan_digest: Some(Hash::default()),
        subjects: vec![subject],
        ..Entry::new("upgrade", "0123456789abcdef0123456789abcdef", Actor::of_process(None))
    }
}

/// Times of so many records written by so many threads, and of all together.
fn write(
    dir: &Path,
    threads: usize,
    records: usize,
) -> Result<(Vec<Duration>, Duration), Box<dyn std::error::Error>> {
    let log = Log::open(dir, &Options::default())?;
    let sample = entry();
    let one = || -> omg_audit::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..records / 2 / threads {
            let start = Instant::now();
            let pending = log.begin(sample.clone())?;
            times.push(start.elapsed());
            let start = Instant::now();
            pending.commit(&Done::default())?;
            times.push(start.elapsed());
        }
        Ok(times)
    };
    let start = Instant::now();
    let all: Vec<_> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let took = start.elapsed();
    let mut times = Vec::new();
    for written in all {
        times.extend(written.map_err(|_| "a writer panicked")??);
    }
    Ok((times, took))
}

fn verified(report: &mut Report, dir: &Path) -> Outcome {
    let (mut rates, mut records) = (Vec::new(), 0);
    for _ in 0..5 {
        let start = Instant::now();
        let found = verify(dir, &Against::default())?;
        rates.push(found.records as f64 / start.elapsed().as_secs_f64());
        if found.exit() != 0 {
            return Err(format!("the log is not what was written: {:?}", found.findings).into());
        }
        records = found.records;
    }
    rates.sort_by(f64::total_cmp);
    let rate = rates.get(rates.len() / 2).copied().unwrap_or_default();
    report.figure(
        &format!("records a second that are verified, of {records}"),
        &format!("{rate:.0}"),
        "≥ 200,000",
        rate >= 200_000.0,
    );
    Ok(())
}
