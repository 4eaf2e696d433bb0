//! What one call does to others: nothing.

use omg_backend::fake::Operation;
use omg_core::Code;

use super::*;

const VIM: Query<'_> = Query::Search { query: "vim", limit: None };
const INFO: Query<'_> = Query::Info { package: "vim" };
const OWNS: Query<'_> = Query::Owns { path: "/usr/bin/vim" };

#[tokio::test]
async fn a_panic_ends_the_call_that_met_it() {
    let world = in_memory(Fake::new(packages())).await;
    for (operation, query) in [(Operation::Details, INFO), (Operation::Owns, OWNS)] {
        world.fake.panic_in(Some(operation));
        let fault = world.ask(query).await.unwrap_err();
        assert_eq!(fault.code, Code::Internal);
        assert!(fault.cause.iter().any(|cause| cause.contains("told to panic")), "{fault:?}");
        assert!(world.ask(VIM).await.is_ok());

        let body = world.batch(vec![VIM, query, VIM]).await.unwrap();
        let Ok(Reply::Batch(replies)) = Reply::decode(&body) else { panic!() };
        let faults: Vec<bool> = replies
            .iter()
            .map(|reply| matches!(Reply::decode(reply), Ok(Reply::Fault(_))))
            .collect();
        assert_eq!(faults, [false, true, false]);

        world.fake.panic_in(None);
        assert!(world.ask(query).await.is_ok(), "nothing of it was kept");
    }
}

#[tokio::test]
async fn a_panic_goes_to_all_who_wait_for_it() {
    let world = in_memory(Fake::new(packages())).await;
    world.fake.hold(Operation::Owns);
    world.fake.panic_in(Some(Operation::Owns));
    let asked: Vec<_> =
        (0..8).map(|_| tokio::spawn(world.front.clone().call(call(OWNS)))).collect();
    until("the others to wait", async || world.stats().await.coalesced == 7).await;
    world.fake.release(Operation::Owns);
    for answer in asked {
        assert_eq!(answer.await.unwrap().unwrap_err().code, Code::Internal);
    }
}

/// Row 53 of the fault catalogue: clients that hang up leave nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_dropped_calls_leave_nothing() {
    let world = in_memory(Fake::new(packages())).await;
    world.handle.apply(Limits { rate: u32::MAX, burst: u32::MAX, ..Limits::default() });
    world.fake.hold(Operation::Owns);
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for round in 0..100 {
        let asked: Vec<_> = (0..100)
            .map(|at| {
                // Some equal, some not; some dropped before, some while they wait.
                let path = format!("/{}", (round * 7 + at) % 13);
                let answer = world.front.clone().call(call(Query::Owns { path: &path }));
                (at % 3 != 0).then(|| tokio::spawn(answer))
            })
            .collect();
        tokio::task::yield_now().await;
        for task in asked.iter().flatten() {
            task.abort();
        }
        for task in asked.into_iter().flatten() {
            assert!(task.await.unwrap_err().is_cancelled());
        }
    }
    assert_eq!(world.fake.under_way(), 0, "the backend's work was dropped");
    until("the tasks to be gone", async || {
        tokio::runtime::Handle::current().metrics().num_alive_tasks() == tasks
    })
    .await;
    world.fake.release(Operation::Owns);
    assert!(world.ask(OWNS).await.is_ok());
}

#[tokio::test]
async fn the_others_get_an_answer_when_the_first_hangs_up() {
    let world = in_memory(Fake::new(packages())).await;
    world.fake.hold(Operation::Owns);
    let mut asked: Vec<_> =
        (0..5).map(|_| tokio::spawn(world.front.clone().call(call(OWNS)))).collect();
    until("the others to wait", async || world.stats().await.coalesced == 4).await;
    for _ in 0..3 {
        asked.remove(0).abort();
        tokio::task::yield_now().await;
    }
    world.fake.release(Operation::Owns);
    for answer in asked {
        assert!(answer.await.unwrap().is_ok());
    }
    assert_eq!(world.fake.calls(Operation::Owns), 1, "what was begun went on");
}
