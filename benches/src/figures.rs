//! Figures of single parts, each beside the limit it is held against.

use std::sync::Arc;
use std::time::{Duration, Instant};

use omg_backend::PackageManager as _;
use omg_backend_dpkg::Dpkg;
use omg_core::{Source, Summary};
use omg_index::{Builder, Index, Marks};
use omg_proto::{Found, Query, Reply, Request};

use crate::Outcome;
use crate::host::Daemon;
use crate::report::Report;
use crate::sample::{Sample, show};

/// Runs every part.
pub(crate) fn run(report: &mut Report) -> Outcome {
    report.table("Parts", &["what", "measured", "goal", "reached"]);
    start_up(report)?;
    memory(report)?;
    let index = build(report)?;
    search(&index, report);
    codec(&index, report)?;
    status(report)
}

/// Median time to the first answer, with and without a stored index.
fn start_up(report: &mut Report) -> Outcome {
    let mut cold = Vec::new();
    let mut stored = Vec::new();
    let mut killed = Vec::new();
    for _ in 0..5 {
        let folder = tempfile::Builder::new().prefix("omg-bench-").tempdir()?;
        let (daemon, time) = Daemon::start_in(folder)?;
        cold.push(time);
        settle(&daemon)?;
        let (daemon, time) = Daemon::start_in(daemon.stop()?)?;
        stored.push(time);
        let (_daemon, time) = Daemon::start_in(daemon.kill()?)?;
        killed.push(time);
    }
    for (what, times, goal) in [
        ("no stored index", cold, 400),
        ("a stored index", stored, 40),
        ("a stored index, after SIGKILL", killed, 100),
    ] {
        let median = Sample::new(times).median();
        let reached = median <= Duration::from_millis(goal);
        report.figure(
            &format!("omgd start to first answer, {what}"),
            &show(median),
            &format!("≤ {goal} ms"),
            reached,
        );
    }
    let cache = tempfile::tempdir()?;
    let gencaches = Sample::of(3, || {
        let _status = std::process::Command::new("apt-cache")
            .args([
                "-o",
                &format!("Dir::Cache={}", cache.path().display()),
                "-o",
                "Dir::Cache::pkgcache=p.bin",
                "gencaches",
            ])
            .status();
        let _gone = std::fs::remove_file(cache.path().join("p.bin"));
    });
    report.figure("beside it: apt-cache gencaches", &show(gencaches.median()), "–", true);
    Ok(())
}

/// Waits until the daemon has stored its index: `info` needs the stored records.
fn settle(daemon: &Daemon) -> Outcome {
    daemon.client()?.call(&Request::One(Query::Info { package: "dpkg" }))?;
    std::thread::sleep(Duration::from_secs(2));
    Ok(())
}

/// Resident set after a mix of queries.
fn memory(report: &mut Report) -> Outcome {
    let daemon = Daemon::start()?;
    settle(&daemon)?;
    let names = names()?;
    let mut client = daemon.client()?;
    for turn in 0..10_000_usize {
        let name = names.get(turn * 7919 % names.len()).map_or("vim", String::as_str);
        let query = match turn % 4 {
            0 => Query::Search { query: name, limit: Some(30) },
            1 => Query::Info { package: name },
            2 => Query::Suggest { query: name, limit: 5 },
            _ => Query::Rdeps { package: name, installed: false },
        };
        client.call(&Request::One(query))?;
    }
    let resident = daemon.resident().unwrap_or(0);
    let measured = format!("{:.1} MiB", resident as f64 / f64::from(1 << 20));
    report.figure(
        "omgd resident after 10,000 mixed queries",
        &measured,
        "≤ 64 MiB",
        resident <= 64 << 20,
    );
    Ok(())
}

fn names() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let output = std::process::Command::new("apt-cache").arg("pkgnames").output()?;
    let mut names: Vec<String> =
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    names.sort_unstable();
    Ok(names)
}

/// Reads the machine's lists into an index.
fn build(report: &mut Report) -> Result<Index, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let index = host_index()?;
    let what = format!("lists read and {} packages indexed, records compressed", index.len());
    report.figure(&what, &show(start.elapsed()), "–", true);
    Ok(index)
}

/// The index of this machine's lists.
pub(crate) fn host_index() -> Result<Index, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let manager = Arc::new(Dpkg::open(std::path::Path::new("/"))?);
    let built = runtime.block_on(manager.packages(Builder::new()))?.finish()?;
    Ok(Index::open(built.image)?)
}

/// Uncached searches over the query table, beside nucleo over every entry.
fn search(index: &Index, report: &mut Report) {
    let queries = crate::relevance::queries();
    let none = Marks::new(index.len());
    let mut times = Vec::new();
    for round in 0..20 {
        for query in &queries {
            let start = Instant::now();
            std::hint::black_box(index.search(query, Some(30), &none));
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    let ours = Sample::new(times);
    let nucleo = nucleo(index, &queries);
    let (p50, p99) = (ours.median(), ours.quantile(0.99));
    report.figure(
        "uncached search in the index, one thread, p50",
        &show(p50),
        "≤ 0.5 ms",
        p50 <= Duration::from_micros(500),
    );
    report.figure("the same, p99", &show(p99), "≤ 2 ms", p99 <= Duration::from_millis(2));
    let ratio = nucleo.median().as_secs_f64() / p50.as_secs_f64();
    let what = format!("nucleo over every entry, p50 ({ratio:.0}× slower)");
    report.figure(&what, &show(nucleo.median()), "≥ 10×", ratio >= 10.0);
}

fn nucleo(index: &Index, queries: &[String]) -> Sample {
    use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
    let entries: Vec<nucleo_matcher::Utf32String> = (0..index.len())
        .filter_map(|at| index.row(omg_index::RowId(at as u32)))
        .map(|row| format!("{} {}", row.name, row.description).into())
        .collect();
    let mut matcher = nucleo_matcher::Matcher::default();
    let times = queries.iter().map(|query| {
        let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
        let start = Instant::now();
        let mut best: Vec<u32> = entries
            .iter()
            .filter_map(|entry| pattern.score(entry.slice(..), &mut matcher))
            .collect();
        best.sort_unstable_by(|a, b| b.cmp(a));
        std::hint::black_box(best.len());
        start.elapsed()
    });
    Sample::new(times.collect())
}

/// A reply of 1,000 results.
pub(crate) fn thousand() -> Reply<'static> {
    let package = |at: usize| Summary {
        name: ["vim", "python3-requests", "libreoffice-l10n-en-gb", "ripgrep"][at % 4],
        version: ["2:9.0.1378-2+deb12u2", "2.28.1+dfsg-1", "4:7.4.7-1+deb12u8", "13.0.0-4+b2"]
            [at % 4],
        source: Source::Apt,
        repository: ["bookworm/main", "bookworm-security/main"][at % 2],
        architecture: ["amd64", "all"][at % 2],
        description: [
            "Vi IMproved - enhanced vi editor",
            "elegant and simple HTTP library for Python3, built for human beings",
            "office productivity suite -- English_british language package",
            "Recursively searches directories for a regex pattern",
        ][at % 4],
        installed_version: at.is_multiple_of(5).then_some("2.28.1+dfsg-1"),
        score: 100_000 - at as u32,
        aur: None,
    };
    Reply::Search(Found::new(1000, (0..1000).map(package)))
}

/// bitcode beside JSON and postcard, on the first 1,000 results of a real search.
fn codec(index: &Index, report: &mut Report) -> Outcome {
    let hits = index.search("python", Some(1000), &Marks::new(index.len())).hits;
    let found = hits.iter().filter_map(|hit| Some((hit.score, index.row(hit.row)?)));
    let packages = &found.map(|(score, row)| summary(score, &row)).collect::<Vec<_>>();
    let reply = Reply::Search(Found::new(1000, packages.iter().copied()));
    let bytes = reply.encode();
    let encode = Sample::of(2000, || drop(std::hint::black_box(reply.encode()))).median();
    let decode = Sample::of(2000, || drop(std::hint::black_box(Reply::decode(&bytes)))).median();
    let both = encode + decode;
    let what = format!("1,000 results with bitcode: {} + {}", show(encode), show(decode));
    report.figure(&what, &show(both), "≤ 30 µs", both <= Duration::from_micros(30));
    report.figure(
        "their size",
        &format!("{} bytes", bytes.len()),
        "≤ 100,000",
        bytes.len() <= 100_000,
    );
    let json = serde_json::to_vec(packages)?;
    let json_encode =
        Sample::of(300, || drop(std::hint::black_box(serde_json::to_vec(packages)))).median();
    let json_decode = Sample::of(300, || {
        drop(std::hint::black_box(serde_json::from_slice::<serde_json::Value>(&json)));
    })
    .median();
    report.figure(
        "beside it: JSON",
        &format!("{}, {} bytes", show(json_encode + json_decode), json.len()),
        "–",
        true,
    );
    let packed = postcard::to_stdvec(packages)?;
    let pack =
        Sample::of(300, || drop(std::hint::black_box(postcard::to_stdvec(packages)))).median();
    report.figure(
        "beside it: postcard, encoding alone",
        &format!("{}, {} bytes", show(pack), packed.len()),
        "–",
        true,
    );
    Ok(())
}

fn summary<'a>(score: u32, row: &omg_index::Row<'a>) -> Summary<'a> {
    Summary {
        name: row.name,
        version: row.version,
        source: row.source,
        repository: row.repository,
        architecture: row.architecture,
        description: row.description,
        installed_version: None,
        score,
        aur: None,
    }
}

/// Scanning and indexing a dpkg status file of 5 MB, made of this machine's stanzas under new names.
fn status(report: &mut Report) -> Outcome {
    let text = large_status()?;
    let newlines = Sample::of(200, || {
        std::hint::black_box(memchr::memchr_iter(b'\n', text.as_bytes()).count());
    });
    let scan = Sample::of(200, || {
        std::hint::black_box(omg_backend_dpkg::deb822::scan(&text).count());
    });
    let index = Sample::of(100, || {
        std::hint::black_box(omg_backend_dpkg::status::rows(&text));
    });
    let size = format!("{:.1} MB", text.len() as f64 / 1e6);
    report.figure(
        &format!("dpkg status of {size}, scanned"),
        &show(scan.median()),
        "≤ 500 µs",
        scan.median() <= Duration::from_micros(500),
    );
    report.figure(
        "the same, indexed",
        &show(index.median()),
        "≤ 2 ms",
        index.median() <= Duration::from_millis(2),
    );
    report.figure("beside it: memchr's newline count", &show(newlines.median()), "the limit", true);
    Ok(())
}

/// At least 5 MB of real stanzas with new names.
pub(crate) fn large_status() -> Result<String, Box<dyn std::error::Error>> {
    use std::fmt::Write as _;
    let real = std::fs::read_to_string("/var/lib/dpkg/status")?;
    let mut text = String::new();
    let mut copy = 0;
    while text.len() < 5_000_000 {
        for stanza in real.split_terminator("\n\n") {
            let Some(rest) = stanza.strip_prefix("Package: ") else { continue };
            let (name, fields) = rest.split_once('\n').unwrap_or((rest, ""));
            writeln!(text, "Package: {name}-{copy}\n{}\n", fields.trim_end())?;
        }
        copy += 1;
    }
    Ok(text)
}
