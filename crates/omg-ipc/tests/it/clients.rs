//! Both clients against the server.

use std::time::Duration;

use omg_ipc::{Client, Config, Error, Server};
use omg_proto::{Query, Reply, Request};

use crate::support::{Daemon, Raw, frames, hello, ping, search, word};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn many_calls_on_one_connection() {
    let daemon = Daemon::start(Config::default());
    let mut client = daemon.client();
    for round in 0..100 {
        let text = format!("word {round}");
        assert_eq!(word(client.call(&search(&text)).unwrap().body()), text);
    }
    assert_eq!((daemon.counters.accepted(), daemon.counters.requests()), (1, 100));
    drop(client);
    daemon.end();
}

#[test]
fn answers_of_every_size_are_whole() {
    let daemon = Daemon::start(Config::default());
    let mut client = daemon.client();
    for size in [0, 1, 4000, 16_000, 16_384, 17_000, 65_536, 300_000, 5_000_000, 16_777_000] {
        let answer = client
            .call(&Request::One(Query::Search { query: "large", limit: Some(size) }))
            .unwrap();
        match answer.reply().unwrap() {
            Reply::Batch(bodies) => assert_eq!(bodies, [crate::support::filler(size)]),
            other => panic!("{other:?}"),
        }
    }
    drop(client);
    daemon.end();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let daemon = Daemon::start(Config::default());
    let mut client = daemon.client();
    let words: Vec<String> = (0..500).map(|number| format!("n{number}")).collect();
    let ids: Vec<u64> = words.iter().map(|word| client.send(&search(word)).unwrap()).collect();
    for (id, wanted) in ids.into_iter().zip(&words) {
        let (answered, answer) = client.receive().unwrap();
        assert_eq!((answered, word(answer.body()).as_str()), (id, wanted.as_str()));
    }
    drop(client);
    daemon.end();
}

#[test]
fn what_is_ready_does_not_wait_for_a_slower_request_behind_it() {
    let daemon = Daemon::start(Config::default());
    let mut client = daemon.client();
    client.send(&search("quick")).unwrap();
    client.send(&search("wait")).unwrap();
    assert_eq!(word(client.receive().unwrap().1.body()), "quick");
    daemon.gate.add_permits(1);
    assert_eq!(word(client.receive().unwrap().1.body()), "waited");
    drop(client);
    daemon.end();
}

#[test]
fn a_greeting_alone_is_greeted_back() {
    let daemon = Daemon::start(Config::default());
    let mut raw = daemon.raw();
    raw.send(&hello()).0.shutdown(std::net::Shutdown::Write).unwrap();
    let received = raw.rest();
    assert!(!received.is_empty() && frames(&received).is_empty());
    daemon.end();
}

#[test]
fn concurrent_calls_share_an_async_connection() {
    let daemon = Daemon::start(Config::default());
    block_on(async {
        let client = Client::connect(&daemon.socket).await.unwrap();
        let calls: Vec<_> = (0..200)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(async move {
                    let text = format!("n{number}");
                    assert_eq!(word(client.call(&search(&text)).await.unwrap().body()), text);
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    });
    assert_eq!(daemon.counters.accepted(), 1);
    daemon.end();
}

#[test]
fn a_forgotten_async_call_does_not_disturb_the_next() {
    let daemon = Daemon::start(Config::default());
    block_on(async {
        let client = Client::connect(&daemon.socket).await.unwrap();
        let forgotten =
            tokio::time::timeout(Duration::from_millis(50), client.call(&search("wait"))).await;
        assert!(forgotten.is_err());
        daemon.gate.add_permits(1);
        assert_eq!(word(client.call(&search("next")).await.unwrap().body()), "next");
    });
    daemon.end();
}

#[test]
fn a_daemon_that_ends_is_noticed() {
    let mut daemon = Daemon::start(Config::default());
    let mut client = daemon.client();
    client.call(&ping()).unwrap();
    let asynchronous = block_on(async {
        let client = Client::connect(&daemon.socket).await.unwrap();
        client.call(&ping()).await.unwrap();
        daemon.stop();
        loop {
            match client.call(&ping()).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(error) => break error,
            }
        }
    });
    assert!(matches!(asynchronous, Error::Closed | Error::Connection { .. }), "{asynchronous:?}");
    let blocking = loop {
        match client.call(&ping()) {
            Ok(_) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => break error,
        }
    };
    assert!(matches!(blocking, Error::Closed), "{blocking:?}");
    let socket = daemon.socket.clone();
    daemon.end();
    assert!(omg_ipc::blocking::Client::connect(&socket).unwrap_err().is_absent());
}

#[test]
fn a_deadline_ends_the_wait() {
    let daemon = Daemon::start(Config::default());
    let mut client =
        omg_ipc::blocking::Client::connect_within(&daemon.socket, Duration::from_millis(50))
            .unwrap();
    assert!(matches!(client.call(&search("wait")), Err(Error::Timeout { .. })));
    drop(client);
    daemon.end();
}

#[test]
fn a_client_believes_no_lengths_either() {
    let directory = crate::support::private();
    let path = directory.path().join("liar.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let liar = std::thread::spawn(move || {
        let mut raw = Raw(listener.accept().unwrap().0);
        raw.send(&hello()).send(&u32::MAX.to_be_bytes());
        raw.rest();
    });
    let mut client = omg_ipc::blocking::Client::connect(&path).unwrap();
    let (result, memory) = crate::heap::peak(|| client.call(&ping()).map(|_| ()));
    assert!(matches!(result, Err(Error::Protocol(omg_proto::Error::FrameTooLarge { .. }))));
    assert!(memory < 1 << 20, "took {memory} bytes");
    drop(client);
    liar.join().unwrap();
}

#[test]
fn both_clients_speak_over_pipes() {
    let serve = |service| async move {
        let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
        let (input, output) = theirs.into_split();
        let counters = std::sync::Arc::default();
        let peer = omg_ipc::Peer::this_process();
        let serving =
            Server::serve_stream(input, output, peer, Config::default(), counters, service);
        (ours, tokio::spawn(serving))
    };
    block_on(async {
        let (stream, serving) = serve(crate::support::Service::default()).await;
        let (reader, writer) = stream.into_split();
        let client = Client::over(reader, writer);
        assert_eq!(word(client.call(&search("piped")).await.unwrap().body()), "piped");
        drop(client);
        serving.await.unwrap();

        let (stream, serving) = serve(crate::support::Service::default()).await;
        let stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let asking = tokio::task::spawn_blocking(move || {
            let mut client = omg_ipc::blocking::Client::over(stream.try_clone().unwrap(), stream);
            word(client.call(&search("blocking")).unwrap().body())
        });
        assert_eq!(asking.await.unwrap(), "blocking");
        serving.await.unwrap();
    });
}
