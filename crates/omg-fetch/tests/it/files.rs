//! Good mirrors, and mirrors that merely fail.

use std::time::Duration;

use omg_core::{Code, Progress};
use omg_fetch::testing::{Fault, Latency};

use crate::support::{World, assert_code, assert_is, names, noise, options, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn many_files_come_in_order_and_are_kept() {
    let world = World::new();
    let sizes = [0, 1, 100, 65_536, 1_000_000, 3, 70_000, 12, 500_000, 9];
    let all: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| world.file(&format!("pool/f{at}.deb"), *size))
        .collect();
    let results = world.fetch(all.clone()).await;
    for (result, wanted) in results.iter().zip(&all) {
        assert_is(result.as_ref().unwrap(), wanted);
    }
    let finished: Vec<_> = world
        .events
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            Progress::File { item, done, total, finished: true, .. } => {
                assert_eq!(Some(*done), *total);
                Some(*item as usize)
            }
            _ => None,
        })
        .collect();
    assert_eq!(finished.len(), all.len());
    let last = world.events.lock().unwrap().last().cloned();
    let sum = sizes.iter().sum::<usize>() as u64;
    assert!(
        matches!(last, Some(Progress::Total { done, total, .. }) if done == sum && total == sum),
        "{last:?}"
    );
    assert_eq!(names(&world.dir().join("partial")), Vec::<String>::new());

    // All of it is known from now on.
    world.mirror.forget();
    for (result, wanted) in world.fetch(all.clone()).await.iter().zip(&all) {
        assert_is(result.as_ref().unwrap(), wanted);
    }
    assert_eq!(world.mirror.asked(), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_is_among_the_first() {
    let world = World::new();
    let mut all: Vec<_> = (0..40).map(|at| world.file(&format!("f{at}"), 1000)).collect();
    all.push(world.file("large", 1_000_000));
    assert!(world.fetch(all).await.iter().all(Result::is_ok));
    // As many as may be under way at once are looked for on this machine before.
    let asked = world.mirror.asked();
    let first = options().connections + options().per_host;
    assert!(asked.iter().take(first).any(|it| it.path == "/large"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_few_and_used_again() {
    let world = World::new();
    world.mirror.latency(Latency::Thought(Duration::from_millis(5)));
    let all: Vec<_> = (0..40).map(|at| world.file(&format!("f{at}"), 1000 + at)).collect();
    let options = omg_fetch::Options { connections: 5, per_host: 3, ..options() };
    let results = world.fetch_with(&world.fetcher_with(options), all).await;
    assert!(results.iter().all(Result::is_ok));
    assert!(world.mirror.most_busy() <= 3, "{}", world.mirror.most_busy());
    // One that is given back a moment too late is made anew.
    assert!(world.mirror.connections() < 10, "{}", world.mirror.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_twice_is_fetched_once() {
    let world = World::new();
    let file = world.file("a.deb", 200_000);
    let results = world.fetch(vec![file.clone(), file.clone(), file.clone()]).await;
    for result in results {
        assert_is(&result.unwrap(), &file);
    }
    assert_eq!(world.mirror.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_fails_is_asked_last_from_then_on() {
    let world = World::new();
    let good = world.another();
    world.mirror.fault("", Fault::Status(500));
    let all: Vec<_> = (0..20)
        .map(|at| {
            let mut file = world.file(&format!("f{at}"), 100);
            file.urls.push(good.url(&format!("f{at}")));
            file
        })
        .collect();
    let results = world.fetch(all).await;
    assert!(results.iter().all(Result::is_ok));
    // Those that were under way when it failed first, and no more.
    let asked = world.mirror.asked().len();
    assert!(asked <= options().per_host, "{asked}");
    assert!(world.notes().contains("HTTP status 500"), "{}", world.notes());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_there() {
    let world = World::new();
    let mut file = world.file("a", 100);
    let gone = {
        let mirror = world.another();
        mirror.url("a")
    };
    file.urls = vec![gone.clone()];
    assert_code(&world.one(file.clone()).await, Code::Network);
    file.urls.push(world.mirror.url("a"));
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_mirror_has_is_gone() {
    let world = World::new();
    let file = wanted("a", b"abc", &[world.mirror.url("a"), world.another().url("b")]);
    let result = world.one(wanted("a", b"abc", &[world.mirror.url("a")])).await;
    assert_code(&result, Code::Gone);
    assert_eq!(result.unwrap_err().hint.as_deref(), Some("omg sync"));
    // A mirror that can't be asked might have it.
    assert_code(&world.one(file).await, Code::Network);
    // A mirror that is down for a moment is asked again.
    let file = world.file("c", 10);
    world.mirror.fault_times("c", Fault::Status(503), 2);
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_without_a_digest() {
    let world = World::new();
    let mut file = world.file("a", 100);
    for digest in [None, Some(String::new()), Some("zz".repeat(32))] {
        file.sha256 = digest;
        assert_code(&world.one(file.clone()).await, Code::Refused);
    }
    assert_eq!(world.mirror.asked(), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_but_lawful_answers_are_taken() {
    let world = World::new();
    for (at, fault) in [Fault::Chunked, Fault::Encoded, Fault::NoRange].into_iter().enumerate() {
        let file = world.file(&format!("f{at}"), 50_000);
        world.mirror.fault(&file.name, fault.clone());
        assert_is(
            &world.one(file.clone()).await.unwrap_or_else(|it| panic!("{fault:?}: {it}")),
            &file,
        );
    }
    let asked = world.mirror.asked();
    assert!(asked.iter().all(|it| it.headers.get("accept-encoding").unwrap() == "identity"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_native_cache_is_used_where_its_bytes_are_right() {
    let world = World::new();
    let mut file = world.file("a.deb", 80_000);
    let cache = world.home.path().join("archives");
    std::fs::create_dir(&cache).unwrap();
    let (missing, bad, good) = (cache.join("m"), cache.join("bad.deb"), cache.join("a.deb"));
    std::fs::write(&bad, noise("other", 80_000)).unwrap();
    std::fs::write(&good, noise("a.deb", 80_000)).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    file.cached = vec![path(&missing), path(&bad), path(&good)];
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
    assert_eq!(world.mirror.asked(), vec![]);
    assert!(world.notes().contains("bad.deb"), "{}", world.notes());
    // A copy of our own: what happens to the cache later is nothing to us.
    std::fs::write(&good, b"gone").unwrap();
    assert_is(&world.one(file.clone()).await.unwrap(), &file);

    let mut other = world.file("b.deb", 90_000);
    std::fs::write(&bad, noise("other", 90_000)).unwrap();
    other.cached = vec![path(&bad), "/nonexistent".into(), "/dev/zero".into()];
    assert_is(&world.one(other.clone()).await.unwrap(), &other);
    assert_eq!(world.mirror.asked().len(), 1);
    assert_eq!(std::fs::read(&bad).unwrap(), noise("other", 90_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_this_machine_are_copied() {
    let world = World::new();
    let mut file = world.file("pool/a b.deb", 300_000);
    let root = world.root.path().to_str().unwrap().to_owned();
    file.urls = vec![format!("file://{root}/pool/none"), format!("file://{root}/pool/a%20b.deb")];
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
    for (url, code) in [
        (format!("file://{root}/none"), Code::Gone),
        (format!("file://{root}/pool"), Code::Refused),
        ("file:///dev/zero".into(), Code::Refused),
        (format!("file://{root}/short"), Code::Digest),
        (format!("file://{root}/long"), Code::Digest),
    ] {
        world.put("short", &noise("c", 10));
        world.put("long", &noise("c", 1000));
        let other = wanted("c", &noise("c", 100), std::slice::from_ref(&url));
        assert_eq!(world.one(other).await.unwrap_err().code, code, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn little_is_said_of_a_slow_file() {
    let world = World::new();
    let file = world.file("a", 60_000);
    world.mirror.fault("a", Fault::Drip(1000, Duration::from_millis(10)));
    let began = std::time::Instant::now();
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
    let ticks = began.elapsed().as_millis() as usize / 100 + 2;
    let events = world.events.lock().unwrap();
    let files = events.iter().filter(|event| matches!(event, Progress::File { .. })).count();
    assert!((2..=ticks).contains(&files), "{files} of {ticks}");
    let rates = events.iter().filter(|event| {
        matches!(event, Progress::Total { rate, remaining_s: Some(_), done, .. } if *rate > 0 && *done < 60_000)
    });
    assert!(rates.count() > 0, "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_asked_for_everything() {
    let world = World::new();
    let mut file = world.file("a", 1000);
    file.urls = vec!["http://mirror.invalid/a".into()];
    let mut options = options();
    options.proxy.http = Some(world.mirror.base());
    let fetcher = world.fetcher_with(options);
    assert_is(world.fetch_with(&fetcher, vec![file.clone()]).await[0].as_ref().unwrap(), &file);
    assert_eq!(world.mirror.asked()[0].headers.get("host").unwrap(), "mirror.invalid");
}
