//! Row 52 of the fault catalogue: a damaged file gives an error or the right answer, never a wrong
//! one and never a crash, and the store works again afterwards.

use std::path::Path;

use omg_cache::Store;

use super::store::put;
use super::*;

const IMAGE: &[u8] = &[0x5A; 9000];

fn blocks() -> Arc<Vec<Vec<u8>>> {
    Arc::new((0..12_u8).map(|at| vec![at; 700]).collect())
}

/// An image, twelve blocks, three answers.
const KEPT: usize = 16;

fn fill(path: &Path) {
    let store = Store::open(path);
    assert!(put(&store, 1, IMAGE, &blocks()));
    for text in ["vim", "nano", "emacs"] {
        store.keep_answer(&key(1, text), &Bytes::from(text.repeat(50)));
    }
    store.close();
}

/// Everything found is right. Image bytes are the index's own to check. How many of the
/// [`KEPT`] things are found?
fn right(store: &Store, what: &str) -> usize {
    let mut found = 0;
    if let Some(index) = store.index(Generation(1)) {
        assert_eq!((index.image.len(), index.blocks), (IMAGE.len(), 12), "{what}");
        found += usize::from(index.image == IMAGE);
    }
    for (number, block) in (0..).zip(blocks().iter()) {
        if let Some(stored) = store.block(Generation(1), number) {
            assert!(stored == *block, "{what}: block {number}");
            found += 1;
        }
    }
    for text in ["vim", "nano", "emacs"] {
        if let Some(answer) = store.answer(&key(1, text)) {
            assert!(answer == text.repeat(50), "{what}: answer {text}");
            found += 1;
        }
    }
    found
}

/// Opens a damaged copy, reads all of it; with `write`, uses it afterwards like a new one. How much
/// was found?
fn survives(path: &Path, bytes: &[u8], write: bool, what: &str) -> usize {
    std::fs::write(path, bytes).unwrap();
    let store = Store::open(path);
    let found = right(&store, what);
    if write {
        let stored = put(&store, 2, b"new", &Arc::new(vec![b"block".to_vec()]));
        // What is damaged may show only in writing; then the second time finds a new file.
        let stored = stored || put(&store, 2, b"new", &Arc::new(vec![b"block".to_vec()]));
        assert!(stored, "{what}: {:?}", store.problem());
        assert_eq!(
            store.index(Generation(2)).map(|found| found.image),
            Some(b"new".to_vec()),
            "{what}"
        );
        assert_eq!(store.block(Generation(2), 0), Some(b"block".to_vec()), "{what}");
    }
    store.close();
    found
}

/// In memory where that can be had: thousands of files are synced here.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn flipped_bytes() {
    let directory = directory();
    let (good, bad) = (directory.path().join("good.redb"), directory.path().join("bad.redb"));
    fill(&good);
    let bytes = std::fs::read(&good).unwrap();
    // All of the header, then every byte in use at some distance: pages repeat themselves.
    let places: Vec<usize> = (0..bytes.len())
        .filter(|&at| at < 320 || bytes[at] != 0)
        .enumerate()
        .filter(|(n, _)| *n < 320 || n % 23 == 0)
        .map(|(_, at)| at)
        .collect();
    assert!(places.len() > 500, "{} of {}", places.len(), bytes.len());
    // What never finds anything is never wrong either; so it must find.
    assert_eq!(survives(&bad, &bytes, false, "no damage"), KEPT);
    let (mut found, mut whole) = (0, 0);
    for (number, &at) in places.iter().enumerate() {
        let mut damaged = bytes.clone();
        damaged[at] ^= [0x01, 0x80, 0xFF][number % 3];
        let right = survives(&bad, &damaged, number % 16 == 0, &format!("byte {at} flipped"));
        found += right;
        whole += usize::from(right == KEPT);
    }
    let all = places.len() * KEPT;
    assert!(
        found * 5 > all * 4 && whole * 2 > places.len(),
        "{found} of {all} right, {whole} whole"
    );
}

#[test]
fn cut_and_foreign_files() {
    let directory = directory();
    let (good, bad) = (directory.path().join("good.redb"), directory.path().join("bad.redb"));
    fill(&good);
    let bytes = std::fs::read(&good).unwrap();
    for end in [0, 1, 9, 63, 64, 320, 4095, 4096, 5000, bytes.len() / 2, bytes.len() - 1] {
        survives(&bad, &bytes[..end], true, &format!("cut at {end}"));
    }
    let mut long = bytes.clone();
    long.extend_from_slice(&[0xFF; 5000]);
    survives(&bad, &long, true, "with a tail");
    survives(&bad, &vec![0; 100_000], true, "zeros");
    survives(&bad, &vec![0xFF; 100_000], true, "ones");
    survives(&bad, "text\n".repeat(30_000).as_bytes(), true, "text");
    let mut found = 0;
    let pages: Vec<usize> = (4096..bytes.len()).step_by(4096).take(40).collect();
    for &page in &pages {
        let mut damaged = bytes.clone();
        damaged[page..(page + 4096).min(bytes.len())].fill(0);
        found += survives(&bad, &damaged, true, &format!("page at {page} zeroed"));
    }
    assert!(found * 2 > pages.len() * KEPT, "{found} right in {} files", pages.len());
}

#[test]
fn a_damaged_file_is_moved_aside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    std::fs::write(&path, "not a store at all").unwrap();
    let store = Store::open(&path);
    assert!(store.persistent());
    assert!(store.problem().unwrap().contains("made anew"), "{:?}", store.problem());
    let aside = directory.path().join("store.redb.damaged");
    assert_eq!(std::fs::read(aside).unwrap(), b"not a store at all");
}

/// What a killed process leaves is opened again without loss of what was kept before.
#[test]
fn a_copy_taken_at_any_moment_opens() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("store.redb"), directory.path().join("copy.redb"));
    let store = Store::open(&path);
    assert!(put(&store, 1, IMAGE, &blocks()));
    for round in 0..20_u32 {
        let key = Key {
            generation: Generation(1),
            request: Bytes::copy_from_slice(&round.to_le_bytes()),
        };
        store.keep_answer(&key, &Bytes::from(vec![1; 2000]));
        store.flush();
        std::fs::copy(&path, &copy).unwrap();
        let found = Store::open(&copy);
        assert_eq!(found.problem(), None);
        assert_eq!(found.index(Generation(1)).unwrap().image, IMAGE);
        assert!(found.answer(&key).is_some());
        found.close();
    }
}
