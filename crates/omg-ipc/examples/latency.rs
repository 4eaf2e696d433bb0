//! Measures round trips of a cached search over one kept connection to a running daemon.
//!
//! `cargo run --release -p omg-ipc --example latency -- SOCKET COUNT WORDS…`
#![expect(clippy::print_stdout, reason = "a measurement is shown")]

use std::path::PathBuf;
use std::time::Instant;

use hdrhistogram::Histogram;
use omg_ipc::blocking::Client;
use omg_proto::{Query, Reply, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: latency SOCKET COUNT WORDS…";
    let socket = PathBuf::from(arguments.next().ok_or(usage)?);
    let count: usize =
        arguments.next().and_then(|text| text.to_str()?.parse().ok()).ok_or(usage)?;
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let words = words.join(" ");
    let query = if words.is_empty() {
        Query::Ping
    } else {
        Query::Search { query: &words, limit: Some(20) }
    };

    let connecting = Instant::now();
    let mut client = Client::connect(&socket)?;
    let request = Request::One(query);
    if let Reply::Fault(fault) = client.call(&request)?.reply()? {
        return Err(fault.into());
    }
    println!("connect and first answer: {:?}", connecting.elapsed());

    let mut micros = Histogram::<u64>::new(3)?;
    for _ in 0..count {
        let start = Instant::now();
        let answer = client.call(&request)?;
        micros.record(u64::try_from(start.elapsed().as_nanos())?)?;
        drop(answer);
    }
    let at = |quantile| micros.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "{count} round trips: p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    Ok(())
}
