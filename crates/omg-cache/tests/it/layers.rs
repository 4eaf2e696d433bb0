//! The tiers, one above the other.

use omg_cache::{Coalesce, Disk, Memory, Store};
use omg_core::Code;
use tower::{Layer as _, Service as _};

use super::*;

#[tokio::test]
async fn memory_answers_equal_questions_of_one_generation() {
    let (service, count) = counting();
    let memory = Memory::new(1 << 20);
    let mut service = memory.layer(service);
    for _ in 0..3 {
        assert_eq!(service.call(ask(1, "a")).await.unwrap(), "1:a");
    }
    assert_eq!(service.call(ask(2, "a")).await.unwrap(), "2:a");
    assert_eq!(count.load(SeqCst), 2);
    let counts = memory.counts();
    assert_eq!((counts.hits, counts.misses, counts.entries), (2, 2, 2));
    memory.clear();
    assert_eq!(service.call(ask(2, "a")).await.unwrap(), "2:a");
    assert_eq!((count.load(SeqCst), memory.counts().entries), (3, 1));
}

#[tokio::test]
async fn memory_keeps_to_its_size_and_leaves_out_what_is_too_large() {
    let memory = Memory::new(64 * 1024);
    let mut service = memory.layer(answering(|ask: Ask| async move {
        let size = if ask.text == "large" { 40_000 } else { 4000 };
        Ok::<_, Fault>(Bytes::from(vec![0; size]))
    }));
    service.call(ask(1, "large")).await.unwrap();
    assert_eq!(memory.counts().entries, 0);
    for generation in 0..100 {
        service.call(ask(generation, "small")).await.unwrap();
    }
    let counts = memory.counts();
    assert!(counts.bytes <= 64 * 1024 && counts.entries > 4, "{counts:?}");
    assert!(counts.evictions > 50, "{counts:?}");
}

#[tokio::test]
async fn memory_keeps_that_nothing_was_found_but_no_other_fault() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let memory = Memory::new(64 * 1024);
    let mut service = memory.layer(answering(move |ask: Ask| {
        counted.fetch_add(1, SeqCst);
        async move {
            let code = if ask.text == "broken" { Code::Unreadable } else { Code::NotFound };
            let name = if ask.text == "long" { "x".repeat(5000) } else { ask.text.to_string() };
            Err::<Bytes, _>(Fault::new(code, "no such package").suggest([name]))
        }
    }));
    for (text, generation, executions) in [
        ("nosuch", 1, 1),
        ("nosuch", 1, 1),
        ("nosuch", 2, 2),
        ("broken", 2, 3),
        ("broken", 2, 4),
        ("long", 2, 5),
        ("long", 2, 6),
    ] {
        let fault = service.call(ask(generation, text)).await.unwrap_err();
        assert_eq!(fault.message, "no such package");
        assert_eq!(fault.suggestions.len(), 1);
        assert_eq!(count.load(SeqCst), executions, "{text} in {generation}");
    }
    assert_eq!((memory.counts().hits, memory.counts().entries), (1, 2));
    for generation in 0..300 {
        service.call(ask(generation, "nosuch")).await.unwrap_err();
    }
    assert!(memory.counts().bytes <= 64 * 1024, "they are weighed, too");
}

#[tokio::test]
async fn each_answer_has_its_own_time() {
    let (service, count) = counting();
    let memory = Memory::new(1 << 20);
    let mut service = memory.layer(service);
    let short =
        Ask { keep: Keep { memory: Duration::from_millis(1), disk: false }, ..ask(1, "short") };
    service.call(short.clone()).await.unwrap();
    service.call(ask(1, "long")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    service.call(short).await.unwrap();
    service.call(ask(1, "long")).await.unwrap();
    assert_eq!(count.load(SeqCst), 3);
    let never = Ask { keep: Keep { memory: Duration::ZERO, disk: false }, ..ask(1, "never") };
    service.call(never.clone()).await.unwrap();
    service.call(never).await.unwrap();
    service.call(ask(1, "")).await.unwrap();
    service.call(ask(1, "")).await.unwrap();
    assert_eq!(count.load(SeqCst), 7);
}

#[tokio::test]
async fn equal_questions_at_once_are_computed_once() {
    let (service, count) = counting();
    let coalesce = Coalesce::new();
    let mut service = coalesce.layer(service);
    let answers: Vec<_> = (0..20).map(|at| service.call(ask(at % 2, "a"))).collect();
    assert_eq!(coalesce.under_way(), 2);
    for (at, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.await.unwrap(), format!("{}:a", at % 2));
    }
    assert_eq!((count.load(SeqCst), coalesce.joined(), coalesce.under_way()), (2, 18, 0));
    service.call(ask(0, "a")).await.unwrap();
    assert_eq!(count.load(SeqCst), 3, "what has ended is not shared any more");
}

#[tokio::test]
async fn whoever_leaves_leaves_nothing_and_stops_nobody() {
    let (service, count) = counting();
    let coalesce = Coalesce::new();
    let mut service = coalesce.layer(service);
    drop(service.call(ask(1, "a")));
    assert_eq!(
        (coalesce.under_way(), count.load(SeqCst)),
        (0, 0),
        "nobody waited, so nothing was done"
    );

    let mut first = Box::pin(service.call(ask(1, "a")));
    let second = service.call(ask(1, "a"));
    let third = service.call(ask(1, "a"));
    // The first one begins the work, then goes.
    assert!(futures_pending(&mut first));
    drop(first);
    drop(third);
    assert_eq!(second.await.unwrap(), "1:a");
    assert_eq!((count.load(SeqCst), coalesce.under_way()), (1, 0));
}

fn futures_pending(future: &mut (impl Future + Unpin)) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut context).is_pending()
}

#[tokio::test]
async fn a_panic_is_a_fault_for_all_who_waited() {
    let coalesce = Coalesce::new();
    let mut service = coalesce.layer(answering(|_: Ask| async {
        tokio::task::yield_now().await;
        panic!("told to")
    }));
    let answers: Vec<_> = (0..3).map(|_| service.call(ask(1, "a"))).collect();
    for answer in answers {
        assert_eq!(answer.await.unwrap_err().code, Code::Internal);
    }
    assert_eq!(coalesce.under_way(), 0);
}

#[tokio::test]
async fn disk_answers_after_a_restart_and_only_of_its_generation() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let (service, count) = counting();
    let store = Store::open(&path);
    let mut on_disk = Disk::new(store.clone()).layer(service.clone());
    assert_eq!(on_disk.call(ask(1, "a")).await.unwrap(), "1:a");
    store.flush();
    assert_eq!(on_disk.call(ask(1, "a")).await.unwrap(), "1:a");
    assert_eq!(count.load(SeqCst), 1);
    store.close();
    assert_eq!(on_disk.call(ask(1, "a")).await.unwrap(), "1:a", "a closed store stops nobody");
    assert_eq!(count.load(SeqCst), 2);

    let store = Store::open(&path);
    let mut on_disk = Disk::new(store.clone()).layer(service);
    assert_eq!(on_disk.call(ask(1, "a")).await.unwrap(), "1:a");
    assert_eq!((count.load(SeqCst), store.counts().hits), (2, 1));
    assert_eq!(on_disk.call(ask(2, "a")).await.unwrap(), "2:a");
    store.flush();
    assert_eq!(store.counts().entries, 1, "answers of another generation are gone");
    assert_eq!(on_disk.call(ask(1, "a")).await.unwrap(), "1:a");
    assert_eq!(count.load(SeqCst), 4);
}

/// A memory tier over a coalescing one must not compute twice what ended in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tiers_together_compute_each_question_once() {
    let (service, count) = counting();
    let (coalesce, memory) = (Coalesce::new(), Memory::new(1 << 20));
    let stack = coalesce.layer(memory.layer(service));
    for generation in 0..200 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let mut stack = stack.clone();
                tokio::spawn(async move { stack.call(ask(generation, "a")).await })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap().is_ok());
        }
    }
    assert_eq!(count.load(SeqCst), 200);
    assert_eq!(coalesce.under_way(), 0);
}
