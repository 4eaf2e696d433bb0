//! What each layer does to calls.

use omg_backend::fake::Operation;
use omg_core::Code;

use super::*;

const VIM: Query<'_> = Query::Search { query: "vim", limit: None };
const OWNS: Query<'_> = Query::Owns { path: "/usr/bin/vim" };

#[tokio::test]
async fn an_equal_question_is_answered_from_memory() {
    let world = in_memory(Fake::new(packages())).await;
    let first = world.ask(VIM).await.unwrap();
    let again = world.ask(VIM).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.as_ptr(), again.as_ptr(), "the very same bytes");
    world.ask(Query::Search { query: "nano", limit: None }).await.unwrap();
    let stats = world.stats().await;
    assert_eq!((stats.memory.hits, stats.memory.misses, stats.memory.entries), (1, 2, 2));
    assert_eq!(stats.requests, 4);
}

#[tokio::test]
async fn equal_questions_at_the_same_time_reach_the_backend_once() {
    let world = in_memory(Fake::new(packages())).await;
    world.fake.hold(Operation::Owns);
    let asked: Vec<_> =
        (0..50).map(|_| tokio::spawn(world.front.clone().call(call(OWNS)))).collect();
    until("the first to reach the backend", async || world.fake.under_way() == 1).await;
    until("the others to wait", async || world.stats().await.coalesced == 49).await;
    world.fake.release(Operation::Owns);
    for answer in asked {
        assert!(answer.await.unwrap().is_ok());
    }
    assert_eq!(world.fake.calls(Operation::Owns), 1);
}

#[tokio::test]
async fn a_fault_goes_to_all_and_is_not_kept() {
    let world = in_memory(Fake::new(packages())).await;
    world.fake.fail(Operation::Owns, Some(Fault::new(Code::Unreadable, "no lists")));
    assert_eq!(world.ask(OWNS).await.unwrap_err().code, Code::Unreadable);
    world.fake.fail(Operation::Owns, None);
    assert!(world.ask(OWNS).await.is_ok());
}

#[tokio::test]
async fn a_batch_answers_each_of_its_queries() {
    let world = in_memory(Fake::new(packages())).await;
    let queries: Vec<_> =
        (0..128).map(|at| if at == 7 { Query::Info { package: "nothing" } } else { VIM }).collect();
    let body = world.batch(queries).await.unwrap();
    let Ok(Reply::Batch(replies)) = Reply::decode(&body) else { panic!() };
    assert_eq!(replies.len(), 128);
    for (at, reply) in replies.iter().enumerate() {
        let reply = Reply::decode(reply).unwrap();
        assert_eq!(matches!(reply, Reply::Fault(_)), at == 7, "{at}: {reply:?}");
    }
    assert_eq!(replies[0], world.ask(VIM).await.unwrap(), "a batch's item is the same bytes");
    let too_many = world.batch(vec![VIM; 129]).await.unwrap_err();
    assert_eq!(too_many.code, Code::Limit);
    let nothing = world.batch(Vec::new()).await.unwrap();
    assert_eq!(Reply::decode(&nothing).unwrap(), Reply::Batch(Vec::new()));
}

#[tokio::test]
async fn a_batch_too_large_for_a_frame_says_which_parts_are() {
    let many = (0..20_000)
        .map(|at| FakePackage::new(&format!("package-with-a-long-name-{at}"), "1.0", "d"));
    let world = in_memory(Fake::new(many)).await;
    let all = Query::List { filter: omg_proto::ListFilter::Available };
    let body = world.batch(vec![all; 128]).await.unwrap();
    assert!(body.len() < omg_proto::frame::REPLY_LIMIT as usize);
    let Ok(Reply::Batch(replies)) = Reply::decode(&body) else { panic!() };
    assert!(matches!(Reply::decode(&replies[0]).unwrap(), Reply::List(_)));
    let last = Reply::decode(&replies[127]).unwrap();
    assert!(matches!(last, Reply::Fault(fault) if fault.code == Code::Limit));
}

#[tokio::test]
async fn a_user_over_the_limit_is_told_so_and_others_are_not() {
    let world = in_memory(Fake::new(packages())).await;
    world.handle.apply(Limits { rate: 0, burst: 3, ..Limits::default() });
    for _ in 0..3 {
        assert!(world.ask(VIM).await.is_ok());
    }
    assert_eq!(world.ask(VIM).await.unwrap_err().code, Code::Busy, "hits cost tokens, too");
    let other = Call::new(1001, None, Request::One(VIM).encode().into());
    assert!(world.front.clone().call(other).await.is_ok());
    world.handle.apply(Limits { rate: u32::MAX, burst: 10, ..Limits::default() });
    assert!(world.ask(VIM).await.is_ok(), "new limits hold at once");
}

#[tokio::test]
async fn times_to_keep_can_be_changed() {
    let world = in_memory(Fake::new(packages())).await;
    world.handle.apply(Limits { search_time: Duration::ZERO, ..Limits::default() });
    world.ask(VIM).await.unwrap();
    world.ask(VIM).await.unwrap();
    let stats = world.stats().await;
    assert_eq!((stats.memory.hits, stats.memory.entries), (0, 0));
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused() {
    let world = in_memory(Fake::new(packages())).await;
    for body in [&b""[..], b"\xff\xff\xff", b"GET / HTTP/1.1\r\n", &vec![0; 65536]] {
        let result =
            world.front.clone().call(Call::new(1, None, Bytes::copy_from_slice(body))).await;
        // Which of the two depends on what garbage happens to claim.
        assert!(matches!(result.unwrap_err().code, Code::Protocol | Code::Limit));
    }
    let long = "x".repeat(5000);
    assert_eq!(world.ask(Query::Info { package: &long }).await.unwrap_err().code, Code::Limit);
}

/// A shell's command-not-found hook asks for the same typing errors again and again.
#[tokio::test]
async fn what_is_not_found_is_looked_for_once_per_generation() {
    let world = in_memory(Fake::new(packages())).await;
    for _ in 0..3 {
        let fault = world.ask(Query::Provides { what: "nosuch" }).await.unwrap_err();
        assert_eq!(fault.code, Code::NotFound);
    }
    assert_eq!(world.fake.calls(Operation::Provides), 1);
    world.fake.change(|_| {});
    world.catalogue.refresh().await.unwrap();
    assert!(world.ask(Query::Provides { what: "nosuch" }).await.is_err());
    assert_eq!(world.fake.calls(Operation::Provides), 2);
}
