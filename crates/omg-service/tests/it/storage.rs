//! Starts from what an earlier run stored, and does without.

use std::path::Path;

use omg_backend::fake::Operation;
use omg_core::Generation;

use super::*;

const INFO: Query<'_> = Query::Info { package: "ripgrep" };

async fn stored(fake: &Fake, path: &Path) -> World<impl Answers<Call>> {
    world(fake.clone(), Store::open(path), Options::default()).await
}

#[tokio::test]
async fn a_second_start_builds_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let fake = Fake::new(packages());
    let first = stored(&fake, &path).await;
    let (found, details) = (first.search("vim").await, first.ask(INFO).await.unwrap());
    first.catalogue.shutdown().await;
    drop(first);

    let second = stored(&fake, &path).await;
    assert_eq!(second.search("vim").await, found);
    assert_eq!(second.ask(INFO).await.unwrap(), details, "records come from the store");
    assert_eq!(fake.calls(Operation::Packages), 1);
    let stats = second.stats().await;
    assert_eq!(stats.disk.hits, 1, "the search's answer was kept, too: {:?}", stats.disk);
    second.catalogue.shutdown().await;
}

#[tokio::test]
async fn another_catalogue_is_not_mistaken_for_the_stored_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let fake = Fake::new(packages());
    let first = stored(&fake, &path).await;
    first.catalogue.shutdown().await;
    drop(first);
    fake.change(|packages| {
        packages.get_mut("nano").unwrap().versions = vec![("8.0".into(), false)];
    });
    let second = stored(&fake, &path).await;
    assert_eq!(second.search("nano").await[0].1, "8.0");
    assert_eq!(fake.calls(Operation::Packages), 2);
    second.catalogue.shutdown().await;
}

#[tokio::test]
async fn info_reads_the_store_after_the_records_left_memory() {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new(packages());
    let world = stored(&fake, &directory.path().join("store.redb")).await;
    let flushed = world.catalogue.clone();
    let before = world.ask(INFO).await.unwrap();
    tokio::task::spawn_blocking(move || flushed.flush()).await.unwrap();
    world.fake.change_installed(|_| {});
    world.catalogue.refresh().await.unwrap();
    assert_eq!(world.ask(INFO).await.unwrap(), before);
    world.catalogue.shutdown().await;
}

#[tokio::test]
async fn a_second_daemon_over_the_same_store_works_without_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let fake = Fake::new(packages());
    let first = stored(&fake, &path).await;
    let second = stored(&fake, &path).await;
    assert_eq!(second.search("nano").await, first.search("nano").await);
    assert_eq!(second.ask(INFO).await.unwrap(), first.ask(INFO).await.unwrap());
    assert!(second.stats().await.warnings[0].contains("in use by another process"));
    first.catalogue.shutdown().await;
    second.catalogue.shutdown().await;
}

#[tokio::test]
async fn records_that_vanish_are_built_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let fake = Fake::new(packages());
    let first = stored(&fake, &path).await;
    first.catalogue.shutdown().await;
    drop(first);

    let store = Store::open(&path);
    let world = world(fake.clone(), store.clone(), Options::default()).await;
    assert_eq!(fake.calls(Operation::Packages), 1);
    store.close();
    // Some faults until the catalogue was read anew, then the right answer; never a wrong one.
    until("the answer", async || world.ask(INFO).await.is_ok()).await;
    assert_eq!(fake.calls(Operation::Packages), 2);
    world.catalogue.shutdown().await;
}

/// A call that holds the first view lets the first refresh's index wait, until after the second's is
/// stored and its records have left memory.
#[tokio::test]
async fn an_outdated_index_does_not_take_the_live_ones_place() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store.redb"));
    let world = world(Fake::new(packages()), store.clone(), Options::default()).await;
    world.fake.hold(Operation::Provides);
    let mut front = world.front.clone();
    let slow = tokio::spawn(front.call(call(Query::Provides { what: "vim" })));
    until("the slow call", async || world.fake.calls(Operation::Provides) == 1).await;
    for version in ["8.0", "8.1"] {
        world.fake.change(|packages| {
            packages.get_mut("nano").unwrap().versions = vec![(version.into(), false)];
        });
        world.catalogue.refresh().await.unwrap();
    }
    until("the live index in the store", async || store.index(Generation(3)).is_some()).await;
    flush(&store).await;

    world.fake.release(Operation::Provides);
    slow.await.unwrap().unwrap();
    // Time enough for whoever waited for the slow call.
    tokio::time::sleep(Duration::from_millis(100)).await;
    flush(&store).await;
    assert!(store.index(Generation(3)).is_some());
    assert!(world.ask(INFO).await.is_ok());
    world.catalogue.shutdown().await;
}

async fn flush(store: &Store) {
    let store = store.clone();
    tokio::task::spawn_blocking(move || store.flush()).await.unwrap();
}
