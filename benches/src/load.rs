//! Round trips on kept connections.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use omg_proto::{Query, Request};

use crate::Outcome;
use crate::host::Daemon;
use crate::report::Report;
use crate::sample::{Sample, show};

const CONNECTIONS: u32 = 8;
const RATE: u32 = 10_000;
const SECONDS: u32 = 30;

/// Queries of the mix; the first is the cached one.
const MIX: &[Request<'static>] = &[
    Request::One(Query::Search { query: "vim", limit: Some(20) }),
    Request::One(Query::Info { package: "vim" }),
    Request::One(Query::Status),
    Request::One(Query::Search { query: "python requests", limit: Some(20) }),
    Request::One(Query::Ping),
];

/// Measures one connection closed-loop, then eight open-loop.
pub(crate) fn run(report: &mut Report) -> Outcome {
    let daemon = Daemon::start()?;
    report.table("Round trips to a warm daemon", &["what", "measured", "goal", "reached"]);
    kept_connection(&daemon, report)?;
    slow_clients(&daemon, report)?;
    open_loop(&daemon.socket(), report)
}

/// A thousand clients that send a byte now and then, and one that asks properly.
fn slow_clients(daemon: &Daemon, report: &mut Report) -> Outcome {
    const SLOW: usize = 1000;
    const ASKED: usize = 2000;
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit {
            current: Some(4096),
            maximum: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
        },
    )?;
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        slow.push(UnixStream::connect(daemon.socket())?);
    }
    let mut client = daemon.client()?;
    let mut times = Vec::new();
    for turn in 0..ASKED {
        // The first three bytes of a length, one at a time: never a whole prefix.
        if let Some(dribbler) = slow.get_mut(turn * 7 % SLOW) {
            let _cut_at_its_deadline = dribbler.write_all(&[0]);
        }
        let start = Instant::now();
        let answer = client.call(&MIX[turn % MIX.len()])?;
        times.push(start.elapsed());
        if let omg_proto::Reply::Fault(fault) = answer.reply()? {
            return Err(fault.to_string().into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let p99 = Sample::new(times).quantile(0.99);
    report.figure(
        "an honest client among 1,000 dribblers, p99",
        &show(p99),
        "≤ 50 ms",
        p99 <= Duration::from_millis(50),
    );
    Ok(())
}

fn kept_connection(daemon: &Daemon, report: &mut Report) -> Outcome {
    let mut client = daemon.client()?;
    let mut failed = None;
    let sample = Sample::of(20_000, || {
        if let Err(error) = client.call(&MIX[0]) {
            failed.get_or_insert(error);
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let (p50, p99) = (sample.median(), sample.quantile(0.99));
    report.figure(
        "cached search, one kept connection, p50",
        &show(p50),
        "≤ 40 µs",
        p50 <= Duration::from_micros(40),
    );
    report.figure("the same, p99", &show(p99), "≤ 500 µs", p99 <= Duration::from_micros(500));
    Ok(())
}

/// Sends at fixed times whatever the answers do, so a slow answer can't hide the ones behind it.
fn open_loop(socket: &Path, report: &mut Report) -> Outcome {
    let barrier = Barrier::new(CONNECTIONS as usize);
    let outcomes = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|number| {
                scope.spawn({
                    let barrier = &barrier;
                    move || worker(socket, number, barrier).map_err(|error| error.to_string())
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".to_owned())))
            .collect::<Vec<_>>()
    });
    let mut all = Histogram::<u64>::new(3)?;
    for outcome in outcomes {
        all.add(outcome?)?;
    }
    let at = |share: f64| Duration::from_nanos(all.value_at_quantile(share));
    let what = format!("{CONNECTIONS} connections, {RATE} requests/s for {SECONDS} s, mixed, p99");
    report.figure(&what, &show(at(0.99)), "≤ 2 ms", at(0.99) <= Duration::from_millis(2));
    report.figure(
        "the same, p50 / p99.9",
        &format!("{} / {}", show(at(0.5)), show(at(0.999))),
        "p99.9 ≤ 15 ms",
        at(0.999) <= Duration::from_millis(15),
    );
    let expected = u64::from(RATE * SECONDS);
    report.figure(
        "the same, answers without error",
        &all.len().to_string(),
        &expected.to_string(),
        all.len() == expected,
    );
    Ok(())
}

fn worker(
    socket: &Path,
    number: u32,
    barrier: &Barrier,
) -> Result<Histogram<u64>, Box<dyn std::error::Error>> {
    let mut client = omg_ipc::blocking::Client::connect(socket)?;
    let mut times = Histogram::<u64>::new(3)?;
    let period = Duration::from_secs(1) * CONNECTIONS / RATE;
    barrier.wait();
    let start = Instant::now() + period * number / CONNECTIONS;
    for turn in 0..RATE * SECONDS / CONNECTIONS {
        let due = start + period * turn;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let answer = client.call(&MIX[turn as usize % MIX.len()])?;
        if let omg_proto::Reply::Fault(fault) = answer.reply()? {
            return Err(fault.to_string().into());
        }
        times.record(u64::try_from(due.elapsed().as_nanos())?)?;
    }
    Ok(times)
}
