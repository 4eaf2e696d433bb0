//! Bytes that lie, and peers that only take.

use std::time::Duration;

use omg_core::Code;
use omg_ipc::Config;
use omg_proto::frame::{Hello, REQUEST_LIMIT};
use omg_proto::{Query, Request};
use proptest::prelude::*;

use crate::support::{Daemon, frame, frames, hello, ping, search, word};

/// Memory that a server of these tests may take, whatever is sent to it.
const MODEST: usize = 512 * 1024;

#[test]
fn a_frame_that_claims_four_gigabytes_is_refused_without_room_for_it() {
    let daemon = Daemon::start(Config::default());
    let fault = daemon.raw().send(&[0xFF; 4]).fault();
    assert_eq!(fault.code, Code::Limit);
    // Also after a proper beginning, and by one byte.
    let mut bytes = [hello(), frame(1, &ping().encode())].concat();
    bytes.extend((REQUEST_LIMIT + 1).to_be_bytes());
    let received = daemon.raw().send(&bytes).rest();
    let ids: Vec<u64> = frames(&received).iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 0], "what came before the lie is answered");
    assert!(daemon.end() < MODEST);
}

#[test]
fn a_full_frame_that_decodes_to_far_more_is_refused_cheaply() {
    let daemon = Daemon::start(Config::default());
    let body = Request::Batch(vec![Query::Ping; 65_400]).encode();
    assert!(body.len() > 65_000 && body.len() < REQUEST_LIMIT as usize - 8);
    let mut raw = daemon.raw();
    raw.send(&hello());
    for id in 1..=20 {
        raw.send(&frame(id, &body));
    }
    raw.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(frames(&raw.rest()).len(), 20);
    let peak = daemon.end();
    assert!(peak < MODEST, "took {peak} bytes");
}

#[test]
fn a_nest_of_batches_is_an_error_and_no_more() {
    let daemon = Daemon::start(Config::default());
    let nested: Vec<u8> = std::iter::repeat_n([1, 1], 32_000).flatten().collect();
    let mut client = daemon.raw();
    client.send(&hello()).send(&frame(1, &nested)).send(&frame(2, &search("still here").encode()));
    client.0.shutdown(std::net::Shutdown::Write).unwrap();
    let answers = frames(&client.rest());
    assert_eq!(answers[0].0, 1);
    assert!(matches!(omg_proto::Reply::decode(&answers[0].1), Ok(omg_proto::Reply::Fault(_))));
    assert_eq!(word(&answers[1].1), "still here");
    daemon.end();
}

#[test]
fn strangers_other_versions_and_missing_ids_are_told_so() {
    let daemon = Daemon::start(Config::default());
    let greeting = |hello: Hello<'_>| {
        let mut out = Vec::new();
        hello.write(&mut out);
        out
    };
    let ours = Hello::ours("x", 1);
    for bytes in [
        b"\0\0\0\x05GET /".to_vec(),
        greeting(Hello { magic: 1, ..ours }),
        greeting(Hello { protocol: 999, ..ours }),
        [hello(), vec![0, 0, 0, 3, 1, 2, 3]].concat(),
        [hello(), frame(0, &ping().encode())].concat(),
    ] {
        assert_eq!(daemon.raw().send(&bytes).fault().code, Code::Protocol, "{bytes:x?}");
    }
    assert_eq!(daemon.counters.cuts(), 5);
    daemon.end();
}

#[test]
fn a_panic_ends_its_request_only() {
    let daemon = Daemon::start(Config::default());
    let mut bytes = hello();
    bytes.extend(frame(1, &search("panic").encode()));
    bytes.extend(frame(2, &search("after").encode()));
    let mut raw = daemon.raw();
    raw.send(&bytes).0.shutdown(std::net::Shutdown::Write).unwrap();
    let answers = frames(&raw.rest());
    match omg_proto::Reply::decode(&answers[0].1).unwrap() {
        omg_proto::Reply::Fault(fault) => assert_eq!(fault.code, Code::Internal),
        other => panic!("{other:?}"),
    }
    assert_eq!(word(&answers[1].1), "after");
    assert_eq!(daemon.counters.panics(), 1);
    daemon.end();
}

#[test]
fn who_does_not_read_is_cut_at_the_deadline() {
    let config = Config { write_deadline: Duration::from_millis(100), ..Config::default() };
    let daemon = Daemon::start(config);
    let mut raw = daemon.raw();
    let large = Request::One(Query::Search { query: "large", limit: Some(8 << 20) }).encode();
    raw.send(&hello()).send(&frame(1, &large)).send(&frame(2, &large));
    crate::support::eventually("the connection is cut", || daemon.counters.cuts() == 1);
    crate::support::eventually("it is gone", || daemon.counters.connections() == 0);
    let peak = daemon.end();
    assert!(peak < 40 << 20, "took {peak} bytes");
}

#[test]
fn an_answer_over_the_limit_becomes_a_fault() {
    let daemon = Daemon::start(Config::default());
    let mut client = daemon.client();
    let request = Request::One(Query::Search { query: "large", limit: Some(17 << 20) });
    let answer = client.call(&request).unwrap();
    assert!(
        matches!(answer.reply().unwrap(), omg_proto::Reply::Fault(fault) if fault.code == Code::Limit)
    );
    assert_eq!(word(client.call(&search("next")).unwrap().body()), "next");
    drop(client);
    daemon.end();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_hurt(bytes in prop::collection::vec(any::<u8>(), 0..600), greet: bool) {
        let config = Config { frame_deadline: Duration::from_millis(50), ..Config::default() };
        let daemon = Daemon::start(config);
        let mut raw = daemon.raw();
        if greet {
            raw.send(&hello());
        }
        raw.send(&bytes);
        drop(raw.0.shutdown(std::net::Shutdown::Write));
        raw.rest();
        let mut client = daemon.client();
        prop_assert_eq!(word(client.call(&search("fine")).unwrap().body()), "fine");
        drop(client);
        prop_assert!(daemon.end() < MODEST);
    }
}
