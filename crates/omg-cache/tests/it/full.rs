//! Row 58 of the fault catalogue: a disk that is full. The store then keeps less or nothing, says
//! nothing wrong, and works again once there is room.
//!
//! The limit on the size of a file (`RLIMIT_FSIZE`) stands for the disk's end: beyond it a write is
//! cut short, then fails. It holds for a whole process, so each size has a child of its own: this
//! test binary again, told by [`LIMIT`] to run one test.

use std::path::Path;
use std::process::Command;

use omg_cache::Store;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::store::put;
use super::*;

/// Bytes that a file may have in the child.
const LIMIT: &str = "OMG_TEST_FILE_LIMIT";
const DIRECTORY: &str = "OMG_TEST_DIRECTORY";

const SIZES: [u64; 9] =
    [0, 4 << 10, 64 << 10, 256 << 10, 1 << 20, (1 << 20) + 1234, 2 << 20, 4 << 20, 8 << 20];

#[test]
fn a_full_disk_stops_nobody() {
    let mut stored = Vec::new();
    for limit in SIZES {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        // A shell, since nothing that std offers ignores a signal in the child alone.
        let child = Command::new("/bin/sh")
            .args(["-c", "trap '' XFSZ && exec \"$@\"", "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "full::in_the_child", "--nocapture", "--include-ignored"])
            .env(LIMIT, limit.to_string())
            .env(DIRECTORY, directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(
            child.status.success() && said.contains("1 passed"),
            "limit {limit}: {}\n{said}\n{}",
            child.status,
            String::from_utf8_lossy(&child.stderr)
        );
        stored.push(said.contains("all of it was kept"));
    }
    println!("{stored:?} of {SIZES:?}");
    assert_eq!((stored[0], stored[SIZES.len() - 1]), (false, true), "{stored:?}");
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn in_the_child() {
    let Ok(limit) = std::env::var(LIMIT) else {
        println!("skipped: its limit would hold for all tests");
        return;
    };
    let limit: u64 = limit.parse().unwrap();
    let directory = std::env::var_os(DIRECTORY).unwrap();
    let path = Path::new(&directory).join("store.redb");
    let before = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(limit), ..before }).unwrap();

    let store = Store::open(&path);
    let mut kept = true;
    for generation in 1..=3 {
        kept &= used(&store, generation);
    }
    assert!(kept || store.problem().is_some(), "it says why");
    store.close();
    // A daemon that starts while the disk is full.
    let store = Store::open(&path);
    for generation in 1..=3 {
        right(&store, generation);
    }
    used(&store, 4);
    if kept {
        println!("all of it was kept");
    }

    setrlimit(Resource::Fsize, before).unwrap();
    // The next index is reason to try the file again.
    assert!(used(&store, 5), "{:?}", store.problem());
    store.close();
    let store = Store::open(&path);
    assert_eq!(store.problem(), None);
    for generation in 1..=4 {
        right(&store, generation);
    }
    assert!(right(&store, 5) && used(&store, 6), "{:?}", store.problem());
    store.close();
}

fn image(generation: u64) -> Vec<u8> {
    (0..1_000_000_u64).map(|at| (at.wrapping_mul(generation + 7) >> 5) as u8).collect()
}

fn answer(generation: u64, at: u64) -> (Key, Bytes) {
    let key = Key {
        generation: Generation(generation),
        request: Bytes::copy_from_slice(&at.to_le_bytes()),
    };
    (key, Bytes::from(vec![(generation * 16 + at) as u8; 30_000]))
}

/// Hands over an index and answers, and reads them. Was all of it kept?
fn used(store: &Store, generation: u64) -> bool {
    let blocks = (0..10).map(|at| vec![(generation * 16 + at) as u8; 5000]).collect();
    let stored = put(store, generation, &image(generation), &Arc::new(blocks));
    for at in 0..10 {
        let (key, answer) = answer(generation, at);
        store.keep_answer(&key, &answer);
    }
    store.flush();
    right(store, generation) && stored
}

/// What is found is right. Is all of it found?
fn right(store: &Store, generation: u64) -> bool {
    let mut all = true;
    match store.index(Generation(generation)) {
        Some(found) => assert!(found.image == image(generation) && found.blocks == 10),
        None => all = false,
    }
    for at in 0..10 {
        match store.block(Generation(generation), at) {
            Some(found) => {
                assert!(found == vec![(generation * 16 + u64::from(at)) as u8; 5000]);
            }
            None => all = false,
        }
        let (key, answer) = answer(generation, u64::from(at));
        match store.answer(&key) {
            Some(found) => assert!(found == answer),
            None => all = false,
        }
    }
    all
}
