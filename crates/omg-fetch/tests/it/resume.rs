//! Downloads that were cut off, and how they go on.

use std::time::{Duration, Instant};

use omg_core::{Code, Wanted};
use omg_fetch::testing::{Asked, Fault};

use crate::child::Job;
use crate::support::{World, assert_code, assert_is, names, noise};

fn range(asked: &Asked) -> Option<u64> {
    asked.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_mirror_goes_on() {
    let world = World::new();
    let file = world.file("a", 500_000);
    world.mirror.fault_times("a", Fault::Cut(300_000), 1);
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
    let asked = world.mirror.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(range(&asked[0]), None);
    assert_eq!(range(&asked[1]), Some(300_000));
    assert!(asked[1].headers["if-range"].starts_with('"'), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_mirror_goes_on() {
    let world = World::new();
    let second = world.another();
    let mut file = world.file("a", 500_000);
    file.urls.push(second.url("a"));
    world.mirror.fault("a", Fault::Stall(300_000));
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
    let asked = second.asked();
    assert_eq!(range(&asked[0]), Some(300_000));
    assert_eq!(asked[0].headers.get("if-range"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_meanwhile_is_fetched_whole() {
    let world = World::new();
    let file = world.file("a", 500_000);
    world.put("a", &noise("old", 500_000));
    world.mirror.fault("a", Fault::Cut(300_000));
    assert_code(&world.one(file.clone()).await, Code::Network);
    assert_eq!(names(&world.dir().join("partial")).len(), 2);
    world.mirror.mend();
    world.mirror.forget();
    world.put("a", &noise("a", 500_000));
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
    let asked = world.mirror.asked();
    assert_eq!((asked.len(), range(&asked[0])), (1, Some(300_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_beginning_is_nobodys_fault_but_its_own() {
    let world = World::new();
    let file = world.file("a", 500_000);
    let partial = world.dir().join("partial").join(file.sha256.as_ref().unwrap());
    for bad in [
        noise("bad", 300_000),
        noise("bad", 500_000),
        noise("bad", 600_000),
        noise("bad", 1),
        vec![0; 499_999],
    ] {
        world.store.clear().unwrap();
        world.mirror.forget();
        std::fs::write(&partial, &bad).unwrap();
        assert_is(&world.one(file.clone()).await.unwrap(), &file);
        assert!(world.mirror.asked().len() <= 2);
        assert_eq!(world.notes(), "");
    }
    // All that was missing was the name.
    world.store.clear().unwrap();
    world.mirror.forget();
    std::fs::write(&partial, noise("a", 500_000)).unwrap();
    assert_is(&world.one(file.clone()).await.unwrap(), &file);
    assert_eq!(world.mirror.asked(), vec![]);
    // Without a size it has to be asked whether there is more.
    world.store.clear().unwrap();
    std::fs::write(&partial, noise("a", 500_000)).unwrap();
    let unsized_file = Wanted { size: None, ..file.clone() };
    assert_is(&world.one(unsized_file).await.unwrap(), &file);
    assert_eq!(world.mirror.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_way_is_not_followed() {
    let world = World::new();
    let file = world.file("a", 1000);
    let canary = world.home.path().join("canary");
    std::fs::write(&canary, b"alive").unwrap();
    let partial = world.dir().join("partial").join(file.sha256.as_ref().unwrap());
    std::os::unix::fs::symlink(&canary, &partial).unwrap();
    assert!(world.one(file.clone()).await.is_err());
    assert_eq!(std::fs::read(&canary).unwrap(), b"alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_call_ends_it_and_loses_nothing() {
    let world = World::new();
    let fetcher = world.fetcher();
    let files: Vec<_> = (0..6).map(|at| world.file(&format!("f{at}"), 200_000)).collect();
    world.mirror.fault("", Fault::Drip(500, Duration::from_millis(5)));
    for _ in 0..5 {
        let call = world.fetch_with(&fetcher, files.clone());
        assert!(tokio::time::timeout(Duration::from_millis(150), call).await.is_err());
    }
    until("connections are closed", || world.mirror.open() == 0).await;
    world.mirror.mend();
    world.mirror.forget();
    for (result, file) in world.fetch_with(&fetcher, files.clone()).await.iter().zip(&files) {
        assert_is(result.as_ref().unwrap(), file);
    }
    // Four were under way, and went on from where they were.
    let resumed = world.mirror.asked().iter().filter(|it| range(it).is_some()).count();
    assert!(resumed >= 4, "{resumed}");
    assert_eq!(names(&world.dir().join("partial")), Vec::<String>::new());
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(10), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_gone_on_with() {
    let world = World::new();
    let file = world.file("a", 400_000);
    let dir = world.home.path().join("of-child");
    world.mirror.fault("a", Fault::Drip(4000, Duration::from_millis(5)));
    let job = Job::file(&dir, &file);
    let mut child = job.command().spawn().unwrap();
    let partial = dir.join("partial").join(file.sha256.as_ref().unwrap());
    let length = || std::fs::metadata(&partial).map_or(0, |meta| meta.len());
    until("some of it is there", || length() > 100_000).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let here = length();
    world.mirror.mend();
    world.mirror.forget();
    assert!(job.run().starts_with("ok "));
    assert_eq!(range(&world.mirror.asked()[0]), Some(here));
}

#[test]
fn killed_at_every_point() {
    let world = World::new();
    let file = world.file("a", 400_000);
    for (at, point) in [
        "fetch.partial.written=kill",
        "fetch.partial.written=kill:2",
        "fetch.blob.synced=kill",
        "fetch.blob.renamed=kill",
    ]
    .into_iter()
    .enumerate()
    {
        let dir = world.home.path().join(format!("of-child-{at}"));
        let died = Job { failpoint: point, ..Job::file(&dir, &file) }.run();
        assert!(died.starts_with("died signal: 9"), "{point}: {died}");
        // What has a name is whole.
        for name in names(&dir.join("sha256")) {
            let bytes = std::fs::read(dir.join("sha256").join(&name[..2]).join(&name)).unwrap();
            assert_eq!(omg_fetch::Sha256::of(&bytes).to_string(), name);
        }
        let said = Job::file(&dir, &file).run();
        assert!(said.starts_with("ok "), "{point}: {said}");
        assert_eq!(names(&dir).len(), 1, "{point}: {:?}", names(&dir));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_fetch_one_file_once() {
    let world = World::new();
    let file = world.file("a", 200_000);
    world.mirror.fault_times("a", Fault::Drip(10_000, Duration::from_millis(10)), 1);
    let dir = world.home.path().join("of-child");
    let job = Job::file(&dir, &file);
    let mut children: Vec<_> = (0..3).map(|_| job.command().spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(world.mirror.asked().len(), 1);
    // And when the one that fetches dies, another goes on.
    let file = world.file("b", 200_000);
    world.mirror.fault("b", Fault::Drip(2000, Duration::from_millis(10)));
    let job = Job::file(&dir, &file);
    let mut first = job.command().spawn().unwrap();
    let partial = dir.join("partial").join(file.sha256.as_ref().unwrap());
    until("some is there", || std::fs::metadata(&partial).is_ok_and(|it| it.len() > 10_000)).await;
    let second = job.command().spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.mirror.mend();
    first.kill().unwrap();
    first.wait().unwrap();
    let output = second.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("RESULT ok"), "{output:?}");
}
