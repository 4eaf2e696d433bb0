//! What is heard of a request before its answer.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use omg_core::{Phase, Progress};
use omg_ipc::{Config, blocking};
use omg_proto::{Query, Reply, Request};

use crate::support::{Daemon, eventually, frame, frames, hello, ping, search, word};

fn tell(count: u32) -> Request<'static> {
    Request::One(Query::Search { query: "tell", limit: Some(count) })
}

fn under_way(daemon: &Daemon) -> usize {
    daemon.under_way.load(Ordering::SeqCst)
}

fn lines(events: &[Progress]) -> Vec<u64> {
    let numbers = events.iter().filter_map(|event| match event {
        Progress::Output { line, .. } => Some(line.parse().unwrap()),
        _ => None,
    });
    numbers.collect()
}

#[test]
fn all_that_is_said_comes_before_the_answer() {
    let daemon = Daemon::start(Config::default());
    let mut client = blocking::Client::connect(&daemon.socket).unwrap();
    let mut events = Vec::new();
    let answer = client.call_with(&tell(250), &mut |event| events.push(event)).unwrap();
    assert_eq!(word(answer.body()), "told");
    assert_eq!(events[0], Progress::Phase { phase: Phase::Download, items: 1 });
    assert_eq!(lines(&events), [100, 200]);
    let Some(Progress::File { done: 250, finished: true, .. }) = events.last() else {
        panic!("{events:?}")
    };
    // Whoever does not care about it is not disturbed by it, and the next call hears nothing of it.
    assert_eq!(word(client.call(&tell(250)).unwrap().body()), "told");
    client.call_with(&ping(), &mut |event| panic!("{event:?}")).unwrap();
    drop(client);
    daemon.end();
}

/// 200,000 events: what is overtaken is left out, every line comes, and frames are few.
#[test]
fn many_events_make_few_frames() {
    let daemon = Daemon::start(Config::default());
    let mut raw = daemon.raw();
    let start = Instant::now();
    raw.send(&[hello(), frame(7, &tell(200_000).encode())].concat());
    raw.0.shutdown(std::net::Shutdown::Write).unwrap();
    let bytes = raw.rest();
    let intervals = start.elapsed().as_millis() / 50 + 1;
    let frames = frames(&bytes);
    let (last, progress) = frames.split_last().unwrap();
    assert_eq!(word(&last.1), "told");
    let mut events = Vec::new();
    for (id, body) in progress {
        assert_eq!(*id, 7);
        let Reply::Progress(some) = Reply::decode(body).unwrap() else { panic!() };
        assert!(Reply::is_progress(body) && !some.is_empty());
        events.extend(some);
    }
    assert_eq!(lines(&events), (1..=2000).map(|number| number * 100).collect::<Vec<_>>());
    // Those that are written at the end, with the answer, are not held back.
    let at_the_end = bytes.len() as u128 / (256 * 1024) + 1;
    assert!(
        (progress.len() as u128) <= intervals + at_the_end,
        "{} frames in {intervals} intervals",
        progress.len()
    );
    daemon.end();
}

/// Nothing piles up for a client that never reads, and it does not keep its call alive.
#[test]
fn a_peer_that_does_not_read_is_cut() {
    let config = Config { write_deadline: Duration::from_millis(300), ..Config::default() };
    let daemon = Daemon::start(config);
    let mut raw = daemon.raw();
    raw.send(&[hello(), frame(1, &search("flood").encode())].concat());
    eventually("the call begins", || under_way(&daemon) == 1);
    eventually("the peer is cut", || daemon.counters.cuts() == 1);
    eventually("the call is dropped", || under_way(&daemon) == 0);
    let memory = daemon.end();
    assert!(memory < 24 << 20, "{memory} bytes");
}

#[test]
fn a_slow_reader_still_hears_the_newest() {
    let daemon = Daemon::start(Config::default());
    let mut client = blocking::Client::connect(&daemon.socket).unwrap();
    let mut newest = 0;
    let answer = client.call_with(&tell(20_000), &mut |event| {
        std::thread::sleep(Duration::from_millis(1));
        if let Progress::File { done, .. } = event {
            assert!(done > newest);
            newest = done;
        }
    });
    assert_eq!((word(answer.unwrap().body()).as_str(), newest), ("told", 20_000));
    drop(client);
    daemon.end();
}

#[test]
fn a_peer_that_goes_away_ends_its_call() {
    let daemon = Daemon::start(Config::default());
    let mut raw = daemon.raw();
    raw.send(&[hello(), frame(1, &search("tell and wait").encode())].concat());
    eventually("the call begins", || under_way(&daemon) == 1);
    drop(raw);
    eventually("the call is dropped", || under_way(&daemon) == 0);
    daemon.end();
}

/// A call that has said something is reported to be alive, so that its client need not give up.
#[test]
fn a_silent_call_keeps_its_client() {
    let config = Config { keepalive: Duration::from_millis(50), ..Config::default() };
    let daemon = Daemon::start(config);
    let deadline = Duration::from_secs(1);
    let mut client = blocking::Client::connect_within(&daemon.socket, deadline).unwrap();
    let gate = daemon.gate.clone();
    let later = std::thread::spawn(move || {
        std::thread::sleep(3 * deadline);
        gate.add_permits(1);
    });
    let answer = client.call(&search("tell and wait")).unwrap();
    assert_eq!(word(answer.body()), "waited");
    later.join().unwrap();
    drop(client);
    daemon.end();
}

#[test]
fn the_asynchronous_client_waits_for_the_answer() {
    let daemon = Daemon::start(Config::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = omg_ipc::Client::connect(&daemon.socket).await.unwrap();
        let (told, pong) = (tell(250), ping());
        let (told, pong) = tokio::join!(client.call(&told), client.call(&pong));
        assert_eq!(word(told.unwrap().body()), "told");
        assert!(matches!(pong.unwrap().reply().unwrap(), Reply::Pong { .. }));
    });
    daemon.end();
}
