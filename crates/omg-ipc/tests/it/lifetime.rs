//! How a server ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use omg_ipc::Config;

use crate::support::{Daemon, eventually, frame, hello, search, word};

#[test]
fn calls_under_way_are_answered_before_the_end() {
    let mut daemon = Daemon::start(Config::default());
    let mut idle = daemon.client();
    idle.call(&search("idle")).unwrap();
    let mut client = daemon.client();
    client.send(&search("wait")).unwrap();
    eventually("the call has begun", || daemon.under_way.load(Ordering::SeqCst) == 1);
    daemon.stop();
    eventually("the idle connection is closed", || daemon.counters.connections() == 1);
    assert!(idle.call(&search("late")).is_err());
    daemon.gate.add_permits(1);
    assert_eq!(word(client.receive().unwrap().1.body()), "waited");
    daemon.end();
}

/// The server's only thread is kept busy, so that the second peer still waits in the socket's queue
/// when the end comes.
#[test]
fn who_came_before_the_end_is_answered() {
    let mut daemon = Daemon::start(Config::default());
    let mut first = daemon.raw();
    first.send(&hello()).send(&frame(1, &search("block").encode()));
    eventually("the thread is busy", || daemon.under_way.load(Ordering::SeqCst) == 1);
    let mut client = daemon.client();
    client.send(&search("queued")).unwrap();
    daemon.stop();
    assert_eq!(word(client.receive().unwrap().1.body()), "queued");
    daemon.end();
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let config = Config { drain_deadline: Duration::from_millis(100), ..Config::default() };
    let daemon = Daemon::start(config);
    let mut client = daemon.client();
    client.send(&search("wait")).unwrap();
    eventually("the call has begun", || daemon.under_way.load(Ordering::SeqCst) == 1);
    let under_way = std::sync::Arc::clone(&daemon.under_way);
    daemon.end();
    assert_eq!(under_way.load(Ordering::SeqCst), 0);
    assert!(client.receive().is_err());
}
