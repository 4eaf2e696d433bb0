//! Slow peers, many peers, vanishing peers.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use omg_core::Code;
use omg_ipc::{Config, Error};

use crate::support::{Daemon, Raw, eventually, frame, hello, ping, search, word};

/// Sockets of a test that opens many; both ends are in this process.
fn many(wanted: usize) -> usize {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let room = limit.maximum.map_or(wanted, |maximum| usize::try_from(maximum).unwrap_or(wanted));
    let fits = wanted.min(room.saturating_sub(600) / 2);
    if fits < wanted {
        println!("only {fits} of {wanted} sockets: the limit of descriptors is {room}");
    }
    fits
}

/// A byte every now and then, never a whole frame, and never the time to be cut for silence.
#[test]
fn dribblers_are_cut_while_honest_requests_are_answered() {
    let count = many(1000);
    let config = Config { frame_deadline: Duration::from_secs(1), ..Config::default() };
    let daemon = Daemon::start(config);
    let mut dribblers: Vec<Raw> = (0..count).map(|_| daemon.raw()).collect();
    for dribbler in &mut dribblers {
        dribbler.send(&60_000_u32.to_be_bytes());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let dribbling = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                for dribbler in &mut dribblers {
                    // Those that are cut already can't be written to.
                    drop(dribbler.0.write(&[0]));
                }
                std::thread::sleep(Duration::from_millis(150));
            }
            dribblers
        })
    };
    let mut client = daemon.client();
    let mut answered = 0;
    eventually("all dribblers are cut", || {
        assert_eq!(word(client.call(&search("honest")).unwrap().body()), "honest");
        assert_eq!(word(daemon.client().call(&search("new")).unwrap().body()), "new");
        answered += 1;
        daemon.counters.cuts() == count as u64
    });
    assert!(answered > 10);
    stop.store(true, Ordering::SeqCst);
    for mut dribbler in dribbling.join().unwrap() {
        assert!(dribbler.rest().is_empty(), "no dribbler was answered");
    }
    drop(client);
    // A promise of 60,000 bytes gets no room in advance.
    let peak = daemon.end();
    assert!(peak < 32 << 20, "{count} dribblers took {peak} bytes");
}

#[test]
fn idle_connections_stay() {
    let config = Config { frame_deadline: Duration::from_millis(50), ..Config::default() };
    let daemon = Daemon::start(config);
    let mut silent = daemon.raw();
    let mut client = daemon.client();
    client.call(&ping()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(word(client.call(&search("still")).unwrap().body()), "still");
    silent.send(&hello()).send(&frame(1, &ping().encode()));
    silent.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(!silent.rest().is_empty());
    assert_eq!(daemon.counters.cuts(), 0);
    drop(client);
    daemon.end();
}

#[test]
fn one_connection_too_many_is_told_that_the_daemon_is_busy() {
    let count = many(Config::default().connections);
    let daemon = Daemon::start(Config { connections: count, ..Config::default() });
    let mut open: Vec<Raw> = (0..count).map(|_| daemon.raw()).collect();
    eventually("all are let in", || daemon.counters.connections() == count);

    assert_eq!(daemon.raw().fault().code, Code::Busy);
    match daemon.client().call(&ping()) {
        Err(Error::Refused(fault)) => assert_eq!(fault.code, Code::Busy),
        other => panic!("{other:?}"),
    }
    assert_eq!(daemon.counters.refusals(), 2);

    // Whoever is in is served, and a place that becomes free is given away.
    let bytes = [hello(), frame(1, &ping().encode())].concat();
    open[count / 2].send(&bytes).0.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(!open[count / 2].rest().is_empty());
    open.pop();
    eventually("places are free", || daemon.counters.connections() < count);
    assert!(daemon.client().call(&ping()).is_ok());
    drop(open);
    let peak = daemon.end();
    assert!(peak < 32 << 20, "{count} connections took {peak} bytes");
}

/// Peers that leave at any point: before, within and after a request, while it is answered, and
/// without taking the answer.
#[test]
fn a_storm_of_disconnects_leaves_nothing_behind() {
    let daemon = Daemon::start(Config::default());
    let before = open_files();
    let wait = search("wait").encode();
    let large = omg_proto::Query::Search { query: "large", limit: Some(300_000) };
    let large = omg_proto::Request::One(large).encode();
    let all = [hello(), frame(1, &ping().encode()), frame(2, &large), frame(3, &wait)].concat();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..10_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let cut = (state % (all.len() as u64 + 1)) as usize;
        daemon.raw().send(&all[..cut]);
    }
    eventually("every connection is closed", || daemon.counters.connections() == 0);
    assert_eq!(daemon.under_way.load(Ordering::SeqCst), 0, "calls outlive their peers");
    eventually("no descriptor is left", || open_files() <= before + 8);
    assert_eq!(word(daemon.client().call(&search("calm")).unwrap().body()), "calm");
    daemon.end();
}

/// Descriptors of this process that are sockets of ours. Other tests run beside this one, so only a
/// rise by many means anything.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn a_call_is_dropped_when_its_peer_hangs_up() {
    let daemon = Daemon::start(Config::default());
    let mut raw = daemon.raw();
    raw.send(&hello()).send(&frame(1, &search("wait").encode()));
    eventually("the call has begun", || daemon.under_way.load(Ordering::SeqCst) == 1);
    drop(raw);
    eventually("the call is dropped", || daemon.under_way.load(Ordering::SeqCst) == 0);
    daemon.end();
}

#[test]
fn a_peer_that_only_finished_sending_gets_its_answer() {
    let daemon = Daemon::start(Config::default());
    let mut raw = daemon.raw();
    raw.send(&hello()).send(&frame(7, &search("wait").encode()));
    raw.0.shutdown(std::net::Shutdown::Write).unwrap();
    eventually("the call has begun", || daemon.under_way.load(Ordering::SeqCst) == 1);
    std::thread::sleep(Duration::from_millis(50));
    daemon.gate.add_permits(1);
    let answers = crate::support::frames(&raw.rest());
    assert_eq!((answers[0].0, word(&answers[0].1).as_str()), (7, "waited"));
    daemon.end();
}
