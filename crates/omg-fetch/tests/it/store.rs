//! The store on its own, and under others' hands (row 19).

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use omg_core::Wanted;
use omg_fetch::{Sha256, Store};

use crate::child::Job;
use crate::support::{World, assert_is, names, noise};

fn digest(wanted: &Wanted) -> Sha256 {
    wanted.sha256.as_ref().unwrap().parse().unwrap()
}

fn overwrite(path: &Path, bytes: &[u8]) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Makes a file as old as it says.
fn age(path: &Path, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 3600);
    std::fs::File::open(path).unwrap().set_modified(then).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_user_can_look_in() {
    let world = World::new();
    let file = world.file("a", 1000);
    let artifact = world.one(file.clone()).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.dir()), 0o700);
    assert_eq!(mode(Path::new(&artifact.path)), 0o400);
    assert_eq!(Path::new(&artifact.path), world.store.path(&digest(&file)));
    std::fs::set_permissions(world.dir(), PermissionsExt::from_mode(0o755)).unwrap();
    Store::open(&world.dir()).unwrap();
    assert_eq!(mode(&world.dir()), 0o700);
}

#[test]
fn what_is_no_directory_of_ours_is_no_store() {
    let home = tempfile::tempdir().unwrap();
    let (real, link, file) =
        (home.path().join("real"), home.path().join("link"), home.path().join("file"));
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    std::fs::write(&file, b"").unwrap();
    assert!(Store::open(&link).is_err());
    assert!(Store::open(&file).is_err());
    std::os::unix::fs::symlink("/tmp", real.join("sha256")).unwrap();
    assert!(Store::open(&real).is_err());
    if rustix::process::geteuid().is_root() {
        let other = home.path().join("other");
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::chown(&other, Some(65534), None).unwrap();
        let error = Store::open(&other).unwrap_err();
        assert!(error.to_string().contains("somebody else"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_19_poisoned_files_are_put_aside_and_fetched_anew() {
    let world = World::new();
    let file = world.file("a", 100_000);
    let path = world.store.path(&digest(&file));
    for bad in [noise("bad", 100_000), noise("a", 99_999), Vec::new()] {
        assert_is(&world.one(file.clone()).await.unwrap(), &file);
        overwrite(&path, &bad);
        assert!(world.store.get(&digest(&file)).unwrap().is_none());
        let aside = world.dir().join("quarantine").join(digest(&file).to_string());
        assert_eq!(std::fs::read(aside).unwrap(), bad);
        assert_is(&world.one(file.clone()).await.unwrap(), &file);
    }
    // Also when its times are set back.
    let times = std::fs::metadata(&path).unwrap().modified().unwrap();
    overwrite(&path, &noise("bad", 100_000));
    std::fs::File::open(&path).unwrap().set_modified(times).unwrap();
    assert!(world.store.get(&digest(&file)).unwrap().is_none());
}

#[test]
fn row_19_the_check_is_what_finds_it() {
    let world = World::new();
    let file = world.file("a", 100_000);
    let dir = world.home.path().join("of-child");
    assert!(Job::file(&dir, &file).run().starts_with("ok "));
    let path = Store::open(&dir).unwrap().path(&digest(&file));
    overwrite(&path, &noise("bad", 100_000));
    let said = Job::file(&dir, &file).weaken("19").run();
    assert!(said.starts_with("ok "), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), noise("bad", 100_000));
    assert!(Job::file(&dir, &file).run().starts_with("ok "));
    assert_eq!(std::fs::read(&path).unwrap(), noise("a", 100_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_open_at_its_start() {
    let world = World::new();
    let file = world.file("a", 100_000);
    world.one(file.clone()).await.unwrap();
    for _ in 0..2 {
        let mut blob = world.store.get(&digest(&file)).unwrap().unwrap();
        let mut bytes = Vec::new();
        blob.file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, noise("a", 100_000));
        assert_eq!((blob.size, blob.sha256), (100_000, digest(&file)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_go_first_and_what_is_used_stays() {
    let world = World::new();
    let files: Vec<_> = (0..6).map(|at| world.file(&format!("f{at}"), 100_000)).collect();
    assert!(world.fetch(files.clone()).await.iter().all(Result::is_ok));
    let small = Store::with_limit(&world.dir(), 350_000).unwrap();
    // All are fresh.
    assert_eq!(small.evict().unwrap().files, 0);
    let paths: Vec<_> = files.iter().map(|file| world.store.path(&digest(file))).collect();
    for (at, path) in paths.iter().enumerate() {
        age(path, 24 - at as u64);
    }
    let held = small.hold([&digest(&files[0])]).unwrap();
    let blob = world.store.get(&digest(&files[1])).unwrap().unwrap();
    let freed = small.evict().unwrap();
    assert_eq!(freed.files, 3, "{freed:?}");
    let there: Vec<_> = paths.iter().map(|path| path.exists()).collect();
    assert_eq!(there, [true, true, false, false, false, true]);
    drop((held, blob));
    age(&paths[0], 24);
    assert_eq!(Store::with_limit(&world.dir(), 250_000).unwrap().evict().unwrap().files, 1);
    assert!(!paths[0].exists());
    assert_eq!(small.clear().unwrap().files, 2);
    assert_eq!(names(&world.dir()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_by_another_process_is_not_cleared() {
    let world = World::new();
    let file = world.file("a", 1000);
    world.one(file.clone()).await.unwrap();
    // Another open file is as good as another process.
    let lease = Store::open(&world.dir()).unwrap().hold([&digest(&file)]).unwrap();
    assert_eq!(world.store.clear().unwrap().files, 0);
    drop(lease);
    assert_eq!(world.store.clear().unwrap().files, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_beginnings_go() {
    let world = World::new();
    let partial = world.dir().join("partial");
    std::fs::write(partial.join("old"), b"x").unwrap();
    std::fs::write(partial.join("new"), b"x").unwrap();
    age(&partial.join("old"), 24 * 8);
    world.store.evict().unwrap();
    assert_eq!(names(&partial), ["new"]);
}
