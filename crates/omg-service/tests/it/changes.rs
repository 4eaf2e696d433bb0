//! The system moves: old answers go, the old view answers meanwhile, the snapshot follows.

use omg_backend::fake::Operation;
use omg_core::Code;
use omg_proto::snapshot::{FastStatus, SIZE};

use super::*;

async fn generation<S: Answers<Call>>(world: &World<S>) -> omg_core::Generation {
    let body = world.ask(Query::Ping).await.unwrap();
    let Ok(Reply::Pong { generation }) = Reply::decode(&body) else { panic!() };
    generation
}

#[tokio::test]
async fn no_answer_crosses_a_generation() {
    let world = in_memory(Fake::new(packages())).await;
    assert_eq!(world.search("nano").await, [("nano".to_string(), "7.2".to_string())]);
    let before = generation(&world).await;
    world.fake.change(|packages| {
        packages.get_mut("nano").unwrap().versions = vec![("8.0".into(), false)];
    });
    world.catalogue.refresh().await.unwrap();
    assert_ne!(generation(&world).await, before);
    assert_eq!(world.search("nano").await, [("nano".to_string(), "8.0".to_string())]);
    assert_eq!(world.stats().await.memory.hits, 0);
}

#[tokio::test]
async fn only_what_moved_is_read_again() {
    let world = in_memory(Fake::new(packages())).await;
    world.catalogue.refresh().await.unwrap();
    assert_eq!(
        (world.fake.calls(Operation::Packages), world.fake.calls(Operation::Installed)),
        (1, 1)
    );
    world.fake.change_installed(|packages| {
        packages.get_mut("nano").unwrap().installed = Some("7.2".into());
    });
    world.catalogue.refresh().await.unwrap();
    assert_eq!(
        (world.fake.calls(Operation::Packages), world.fake.calls(Operation::Installed)),
        (1, 2)
    );
    let body = world.ask(Query::Search { query: "nano", limit: None }).await.unwrap();
    let Ok(Reply::Search(found)) = Reply::decode(&body) else { panic!() };
    assert_eq!(found.packages().next().and_then(|package| package.installed_version), Some("7.2"));
}

#[tokio::test]
async fn a_change_behind_our_back_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new(packages());
    fake.watch(&directory.path().join("status"));
    let world = in_memory(fake).await;
    for version in ["8.0", "8.1", "8.2"] {
        world.fake.change(|packages| {
            packages.get_mut("nano").unwrap().versions = vec![(version.into(), false)];
        });
        until("the new version", async || world.search("nano").await[0].1 == version).await;
    }
}

/// Time is the runtime's: what comes before the first slow look was told by an event.
#[tokio::test(start_paused = true)]
async fn a_change_during_the_first_load_is_seen_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new(packages());
    fake.watch(&directory.path().join("status"));
    let change = |version: &str| {
        fake.change(|packages| {
            packages.get_mut("nano").unwrap().versions = vec![(version.into(), false)];
        });
    };
    fake.hold(Operation::Packages);
    let starting = tokio::spawn(in_memory(fake.clone()));
    // The load tries again while the system moves, but not for ever.
    for round in 1..=2 {
        until("the load", async || fake.calls(Operation::Packages) == round).await;
        change("7.9");
        fake.hold(Operation::Generations);
        fake.release(Operation::Packages);
        until("the check", async || fake.calls(Operation::Generations) == 2 * round).await;
        fake.hold(Operation::Packages);
        fake.release(Operation::Generations);
    }
    until("the last try", async || fake.calls(Operation::Packages) == 3).await;
    change("8.0");
    fake.release(Operation::Packages);
    let world = starting.await.unwrap();
    let start = tokio::time::Instant::now();
    let before = generation(&world).await;
    until("the new generation", async || generation(&world).await != before).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_old_view_answers_until_the_new_one_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new(packages());
    fake.watch(&directory.path().join("status"));
    let world = in_memory(fake).await;
    world.fake.hold(Operation::Packages);
    world.fake.change(|packages| {
        packages.get_mut("nano").unwrap().versions = vec![("8.0".into(), false)];
    });
    until("the rebuild to begin", async || world.fake.calls(Operation::Packages) == 2).await;
    assert_eq!(world.search("nano").await[0].1, "7.2");
    assert_eq!(world.search("ripgrep").await[0].1, "13.0");
    world.fake.release(Operation::Packages);
    until("the new version", async || world.search("nano").await[0].1 == "8.0").await;
}

#[tokio::test]
async fn a_system_that_can_not_be_read_leaves_the_old_view() {
    let world = in_memory(Fake::new(packages())).await;
    world.fake.fail(Operation::Packages, Some(Fault::new(Code::Unreadable, "no lists")));
    world.fake.change(std::collections::BTreeMap::clear);
    assert_eq!(world.catalogue.refresh().await.unwrap_err().code, Code::Unreadable);
    assert_eq!(world.search("nano").await[0].1, "7.2");
    world.fake.fail(Operation::Packages, None);
    world.catalogue.refresh().await.unwrap();
    assert!(world.search("nano").await.is_empty());
}

/// Time is the runtime's: what comes before the first slow look was told by an event.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_is_read_again_when_something_moves() {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new(packages());
    fake.watch(&directory.path().join("status"));
    let world = in_memory(fake).await;
    world.fake.fail(Operation::Packages, Some(Fault::new(Code::Unreadable, "no lists")));
    world.fake.change(std::collections::BTreeMap::clear);
    until("the try", async || world.fake.calls(Operation::Packages) == 2).await;
    world.fake.fail(Operation::Packages, None);
    let start = tokio::time::Instant::now();
    world.fake.change(|_| {});
    until("the new view", async || world.search("nano").await.is_empty()).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// Counts of a state that is gone must grow old.
#[tokio::test(start_paused = true)]
async fn the_snapshot_is_renewed_only_while_the_system_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("omg-status.bin");
    let options = Options { snapshot: Some(path.clone()), ..Options::default() };
    let world = world(Fake::new(packages()), Store::in_memory(), options).await;
    std::fs::remove_file(&path).unwrap();
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert!(path.exists(), "renewed every minute");

    world.fake.fail(Operation::Installed, Some(Fault::new(Code::Unreadable, "no status")));
    world.fake.change_installed(|_| {});
    assert!(world.catalogue.refresh().await.is_err());
    std::fs::remove_file(&path).unwrap();
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert!(!path.exists(), "not what nobody knows to be so");

    world.fake.fail(Operation::Installed, None);
    world.catalogue.refresh().await.unwrap();
    assert!(path.exists(), "at once when it is known again");
}

#[tokio::test]
async fn a_start_that_can_not_read_says_so() {
    let fake = Fake::new(packages());
    fake.fail(Operation::Installed, Some(Fault::new(Code::Unreadable, "no status")));
    let started = Catalogue::start(Arc::new(fake), Store::in_memory(), Options::default()).await;
    assert_eq!(started.unwrap_err().code, Code::Unreadable);
}

#[tokio::test]
async fn the_snapshot_follows_and_is_whole_at_any_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("omg-status.bin");
    let options = Options { snapshot: Some(path.clone()), ..Options::default() };
    let world = world(Fake::new(packages()), Store::in_memory(), options).await;
    let read = || -> [u8; SIZE] { std::fs::read(&path).unwrap().try_into().expect("a whole file") };
    let total = || FastStatus::read(&read()).expect("a good checksum").total.get();
    assert_eq!(total(), 5);

    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (path, stop) = (path.clone(), stop.clone());
        move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let bytes: [u8; SIZE] =
                    std::fs::read(&path).unwrap().try_into().expect("a whole file");
                assert!(FastStatus::read(&bytes).is_some());
            }
        }
    });
    for round in 0..50 {
        let version = (round % 2 == 0).then(|| "7.2".to_string());
        world
            .fake
            .change_installed(|packages| packages.get_mut("nano").unwrap().installed = version);
        world.catalogue.refresh().await.unwrap();
        assert_eq!(total(), if round % 2 == 0 { 6 } else { 5 });
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    reader.join().unwrap();
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file stays: {left:?}");
}

/// Whoever ended can't keep the counts right; another daemon's stay.
#[tokio::test]
async fn a_shutdown_takes_its_own_snapshot_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("omg-status.bin");
    let pid = std::process::id();
    let others = FastStatus::counted([1; 5], pid + 1, 7);
    let ours = FastStatus::counted([1; 5], pid, 7);
    let mut torn = ours.bytes().to_vec();
    torn[20] ^= 1;
    let mut long = ours.bytes().to_vec();
    long.push(0);
    let left: [Option<&[u8]>; 6] =
        [None, Some(ours.bytes()), Some(others.bytes()), Some(&torn), Some(&long), Some(b"")];
    for (number, left) in left.into_iter().enumerate() {
        let options = Options { snapshot: Some(path.clone()), ..Options::default() };
        let world = world(Fake::new(packages()), Store::in_memory(), options).await;
        if let Some(bytes) = left {
            std::fs::write(&path, bytes).unwrap();
        }
        world.catalogue.shutdown().await;
        assert_eq!(path.exists(), number > 1, "case {number}");
    }
    let options = Options { snapshot: Some(path.clone()), ..Options::default() };
    let world = world(Fake::new(packages()), Store::in_memory(), options).await;
    let elsewhere = directory.path().join("elsewhere");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    world.catalogue.shutdown().await;
    assert!(path.is_symlink() && elsewhere.exists(), "what a link leads to is not ours");
}

/// Row 51, the writer's side: a link in the snapshot's place is replaced, never written through.
#[tokio::test]
async fn a_link_in_the_snapshots_place_is_not_followed() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    let directory = tempfile::tempdir().unwrap();
    let (path, canary) = (directory.path().join("omg-status.bin"), directory.path().join("canary"));
    std::fs::write(&canary, "untouched").unwrap();
    symlink(&canary, &path).unwrap();
    // Also where the temporary file would be.
    let temporary = directory.path().join(format!(".omg-status.bin.{}", std::process::id()));
    symlink(&canary, &temporary).unwrap();
    let options = Options { snapshot: Some(path.clone()), ..Options::default() };
    let _world = world(Fake::new(packages()), Store::in_memory(), options).await;
    assert_eq!(std::fs::read_to_string(&canary).unwrap(), "untouched");
    let meta = std::fs::symlink_metadata(&path).unwrap();
    assert!(meta.is_file());
    assert_eq!((meta.permissions().mode() & 0o777, meta.size()), (0o600, SIZE as u64));
}

#[tokio::test]
async fn a_snapshot_that_can_not_be_written_stops_nothing() {
    let options =
        Options { snapshot: Some("/proc/nowhere/omg-status.bin".into()), ..Options::default() };
    let world = world(Fake::new(packages()), Store::in_memory(), options).await;
    assert_eq!(world.search("nano").await[0].1, "7.2");
}
