//! Judges search over the machine's own apt lists by the table of `fixtures/relevance.tsv`, and
//! times it beside nucleo.
//!
//! `cargo run --release -p omg-index --example relevance [-- [--misses] [--apt-cache] [--nucleo] [QUERY…]]`
#![expect(clippy::print_stdout, reason = "it is a program")]

mod dump;

use std::error::Error;
use std::time::{Duration, Instant};

use omg_index::relevance::{Outcome, Table};
use omg_index::{Builder, Index, Marks, RowId};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/relevance.tsv");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let index = build()?;
    let queries: Vec<&String> =
        arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    if !queries.is_empty() {
        for query in queries {
            show(&index, query);
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(TABLE)?;
    let table = Table::parse(&text);
    let none = Marks::new(index.len());
    let outcome = table.judge(|query| names(&index, query, 10));
    report("omg", &outcome);
    if flag("--misses") {
        misses(&outcome);
    }
    if flag("--apt-cache") {
        report("apt-cache search", &table.judge(apt_cache));
    }
    let asked: Vec<&str> = table.questions.iter().map(|question| question.query).collect();
    let ours = times("omg", &asked, 20, |query| index.search(query, Some(20), &none).total);
    if flag("--nucleo") {
        let haystack = haystack(&index);
        let mut matcher = nucleo_matcher::Matcher::new(nucleo_matcher::Config::DEFAULT);
        let theirs = times("nucleo over every entry", &asked, 3, |query| {
            nucleo(&mut matcher, &haystack, query)
        });
        println!("median ratio {:.1}, mean ratio {:.1}", theirs.0 / ours.0, theirs.1 / ours.1);
    }
    Ok(())
}

fn build() -> Result<Index, Box<dyn Error>> {
    let text = dump::read()?;
    let packages = dump::parse(&text);
    let mut built = None;
    for _ in 0..3 {
        let (start, cpu) = (Instant::now(), busy());
        let mut builder = Builder::new();
        dump::feed(&packages, &mut builder)?;
        let (fed, cpu_fed) = (start.elapsed(), busy());
        let done = builder.finish()?;
        let (cpu_fed, cpu_finish) = (cpu_fed.saturating_sub(cpu), busy().saturating_sub(cpu_fed));
        println!(
            "build: rows {fed:.1?}, in all {:.1?}; time on a CPU of this thread: rows {cpu_fed:.1?}, finish {cpu_finish:.1?}",
            start.elapsed()
        );
        built = Some(done);
    }
    let built = built.ok_or("nothing built")?;
    let packed: usize = built.records.iter().map(Vec::len).sum();
    println!(
        "image {:.2} MB; {} record blocks, {:.2} MB; {} warnings",
        built.image.len() as f64 / 1e6,
        built.records.len(),
        packed as f64 / 1e6,
        built.warnings.len()
    );
    let (mut best, mut index) = (Duration::MAX, None);
    for _ in 0..5 {
        let image = built.image.clone();
        let start = Instant::now();
        let opened = Index::open(image)?;
        best = best.min(start.elapsed());
        index = Some(opened);
    }
    let index = index.ok_or("nothing opened")?;
    println!(
        "open {best:.2?}; {} rows, {:.2} MB in memory",
        index.len(),
        index.bytes() as f64 / 1e6
    );
    Ok(index)
}

/// What this thread has had of a CPU so far: on a busy machine a better measure than the clock.
fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

fn names(index: &Index, query: &str, limit: usize) -> Vec<String> {
    let hits = index.search(query, Some(limit), &Marks::new(index.len())).hits;
    hits.iter().filter_map(|hit| index.row(hit.row)).map(|row| row.name.to_owned()).collect()
}

fn show(index: &Index, query: &str) {
    let start = Instant::now();
    let found = index.search(query, Some(20), &Marks::new(index.len()));
    println!(
        "{query}: {} in {:.1?}; suggestions {:?}",
        found.total,
        start.elapsed(),
        index.suggest(query, 5)
    );
    for hit in found.hits {
        if let Some(row) = index.row(hit.row) {
            println!("  {:6} {} [{}] {}", hit.score, row.name, row.section, row.description);
        }
    }
}

fn report(what: &str, outcome: &Outcome<'_>) {
    println!(
        "{what}: {} queries, MRR@10 {:.4}, top-1 {:.4}",
        outcome.judged.len(),
        outcome.mrr(),
        outcome.first()
    );
    for kind in ["exact", "prefix", "typo", "words", "common", "concept"] {
        let part = outcome.of_kind(kind);
        println!(
            "  {kind:8} {:4} MRR@10 {:.4}, top-1 {:.4}",
            part.judged.len(),
            part.mrr(),
            part.first()
        );
    }
}

fn misses(outcome: &Outcome<'_>) {
    for it in outcome.judged.iter().filter(|it| it.rank != Some(1)) {
        let rank = it.rank.map_or("-".to_owned(), |rank| rank.to_string());
        println!(
            "{rank:>3} {:24} want {:40} got {}",
            it.question.query,
            it.question.wanted.join(","),
            it.answers.join(" ")
        );
    }
}

/// The first ten names that apt-cache prints; it takes regular expressions, and sorts by name.
fn apt_cache(query: &str) -> Vec<String> {
    let words = query.split(' ').map(|word| word.replace('+', "[+]").replace('.', "[.]"));
    let output = std::process::Command::new("apt-cache").arg("search").args(words).output();
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    text.lines().take(10).filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// Prints percentiles over the queries, each timed by its best of `rounds`, for the machine may be
/// busy with other things; gives median and mean in microseconds.
fn times(
    what: &str,
    queries: &[&str],
    rounds: usize,
    mut search: impl FnMut(&str) -> usize,
) -> (f64, f64) {
    let mut all: Vec<(f64, &str)> = Vec::new();
    for query in queries {
        let mut best = f64::MAX;
        for _ in 0..rounds {
            let start = Instant::now();
            std::hint::black_box(search(query));
            best = best.min(start.elapsed().as_secs_f64() * 1e6);
        }
        all.push((best, query));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let at = |share: f64| all.get((all.len() as f64 * share) as usize).map_or(0.0, |it| it.0);
    let mean = all.iter().map(|it| it.0).sum::<f64>() / all.len().max(1) as f64;
    println!(
        "{what}: p50 {:.0} µs, p90 {:.0}, p99 {:.0}, mean {mean:.0}",
        at(0.5),
        at(0.9),
        at(0.99)
    );
    for (time, query) in all.iter().rev().take(12) {
        print!("{query} {time:.0}, ");
    }
    println!();
    (at(0.5), mean)
}

/// Name and description of every row, as nucleo wants them.
fn haystack(index: &Index) -> Vec<nucleo_matcher::Utf32String> {
    let rows = (0..index.len() as u32).filter_map(|row| index.row(RowId(row)));
    rows.map(|row| format!("{} {}", row.name, row.description).into()).collect()
}

fn nucleo(
    matcher: &mut nucleo_matcher::Matcher,
    haystack: &[nucleo_matcher::Utf32String],
    query: &str,
) -> usize {
    let pattern = nucleo_matcher::pattern::Pattern::parse(
        query,
        nucleo_matcher::pattern::CaseMatching::Ignore,
        nucleo_matcher::pattern::Normalization::Smart,
    );
    let mut found: Vec<(u32, usize)> = haystack
        .iter()
        .enumerate()
        .filter_map(|(at, text)| pattern.score(text.slice(..), matcher).map(|score| (score, at)))
        .collect();
    let total = found.len();
    if total > 20 {
        found.select_nth_unstable_by(19, |a, b| b.cmp(a));
        found.truncate(20);
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    total
}
