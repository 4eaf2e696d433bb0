//! The store over good and damaged files.

use std::path::Path;
use std::sync::mpsc::channel;

use omg_cache::Store;

use super::*;

/// An image of more than one row, and blocks.
pub(crate) fn index() -> (Vec<u8>, Arc<Vec<Vec<u8>>>) {
    let image = (0..2_500_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let blocks = (0..40_u8).map(|at| vec![at; 3000 + usize::from(at) * 100]).collect();
    (image, Arc::new(blocks))
}

pub(crate) fn put(
    store: &Store,
    generation: u64,
    image: &[u8],
    blocks: &Arc<Vec<Vec<u8>>>,
) -> bool {
    let (sender, receiver) = channel();
    store.keep_index(Generation(generation), image.to_vec(), blocks.clone(), move |stored| {
        sender.send(stored).unwrap();
    });
    receiver.recv().unwrap()
}

fn holds(store: &Store, generation: u64, image: &[u8], blocks: &[Vec<u8>]) {
    let found = store.index(Generation(generation)).expect("the index");
    assert!(found.image == image, "another image");
    assert_eq!(found.blocks as usize, blocks.len());
    for (number, block) in (0..).zip(blocks) {
        assert_eq!(store.block(Generation(generation), number).as_ref(), Some(block));
    }
    assert_eq!(store.block(Generation(generation), found.blocks), None);
}

#[test]
fn an_index_is_read_back_until_another_takes_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/er/store.redb");
    let (image, blocks) = index();
    let store = Store::open(&path);
    assert!(store.persistent() && store.problem().is_none());
    assert_eq!(store.index(Generation(1)), None);
    assert!(put(&store, 1, &image, &blocks));
    holds(&store, 1, &image, &blocks);
    assert_eq!((store.index(Generation(2)), store.block(Generation(2), 0)), (None, None));
    drop(store);

    let store = Store::open(&path);
    holds(&store, 1, &image, &blocks);
    let (small, few) = (b"small".to_vec(), Arc::new(vec![b"few".to_vec()]));
    assert!(put(&store, 2, &small, &few));
    holds(&store, 2, &small, &few);
    assert_eq!(store.index(Generation(1)), None);
    store.distrust_index("a test says so");
    store.flush();
    assert_eq!(store.index(Generation(2)), None);
    assert!(store.problem().unwrap().contains("a test says so"));
}

#[test]
fn the_file_does_not_grow_with_each_index() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let (image, blocks) = index();
    let store = Store::open(&path);
    let size = || std::fs::metadata(&path).unwrap().len();
    assert!(put(&store, 0, &image, &blocks));
    let first = size();
    for generation in 1..6 {
        assert!(put(&store, generation, &image, &blocks));
    }
    assert!(size() <= first * 2, "{first} became {}", size());
}

#[test]
fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("omg/store.redb");
    let _store = Store::open(&path);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn where_no_file_can_be_the_store_works_without() {
    let directory = tempfile::tempdir().unwrap();
    let blocker = directory.path().join("file");
    std::fs::write(&blocker, "").unwrap();
    for path in
        [blocker.join("store.redb"), "/proc/omg/store.redb".into(), directory.path().to_path_buf()]
    {
        let store = Store::open(&path);
        assert!(!store.persistent());
        assert!(store.problem().unwrap().contains("while"), "{:?}", store.problem());
        store.keep_answer(&key(1, "a"), &Bytes::from_static(b"b"));
        assert_eq!(store.answer(&key(1, "a")), None);
        assert!(!put(&store, 1, b"image", &Arc::default()));
        store.flush();
    }
    let none = Store::in_memory();
    assert!(!none.persistent() && none.problem().is_none() && !none.can_keep());
    assert!(!put(&none, 1, b"image", &Arc::default()));
}

#[test]
fn a_store_open_elsewhere_is_left_alone_and_taken_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    let first = Store::open(&path);
    assert!(put(&first, 1, b"image", &Arc::default()));
    let second = Store::open(&path);
    assert!(!second.persistent() && second.problem().unwrap().contains("in use"));
    assert_eq!(first.index(Generation(1)).unwrap().image, b"image");
    assert!(!put(&second, 2, b"other", &Arc::default()));
    first.close();
    assert!(put(&second, 2, b"other", &Arc::default()), "a new index is reason to try again");
    assert_eq!(second.index(Generation(2)).unwrap().image, b"other");
    assert_eq!(second.problem(), None);
}

#[test]
fn answers_over_their_room_are_collected_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store.redb"));
    let large = Bytes::from(vec![7; 200_000]);
    for at in 0..120_u32 {
        let key =
            Key { generation: Generation(1), request: Bytes::copy_from_slice(&at.to_le_bytes()) };
        store.keep_answer(&key, &large);
        if at % 5 == 0 {
            store.flush();
        }
    }
    store.flush();
    let counts = store.counts();
    assert!(counts.evictions > 0 && counts.bytes < 20 << 20, "{counts:?}");
    let too_large = Bytes::from(vec![7; 300_000]);
    store.keep_answer(&key(1, "too large"), &too_large);
    store.flush();
    assert_eq!(store.answer(&key(1, "too large")), None);
}

/// A writer that can't go on, as over a disk that hangs.
struct Stuck(std::sync::mpsc::SyncSender<()>);

fn stuck(store: &Store) -> Stuck {
    let (go_on, wait) = std::sync::mpsc::sync_channel(1);
    let (reached, arrived) = channel();
    store.keep_index(Generation(1), b"image".to_vec(), Arc::default(), move |_| {
        reached.send(()).unwrap();
        wait.recv().unwrap();
    });
    arrived.recv().unwrap();
    Stuck(go_on)
}

#[test]
fn what_waits_for_the_writer_is_bounded_in_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store.redb"));
    let keep = |at: u32, bytes: usize| {
        let key =
            Key { generation: Generation(1), request: Bytes::copy_from_slice(&at.to_le_bytes()) };
        store.keep_answer(&key, &Bytes::from(vec![7; bytes]));
    };
    let stuck = stuck(&store);
    (0..500).for_each(|at| keep(at, 200_000));
    stuck.0.send(()).unwrap();
    store.flush();
    let counts = store.counts();
    assert_eq!((counts.entries, counts.evictions), (20, 0), "4 MiB of them, and no more");
    // What was written makes room again.
    keep(1000, 200_000);
    store.flush();
    assert_eq!(store.counts().entries, 21);

    // Small ones weigh more than their bytes.
    let stuck = self::stuck(&store);
    (2000..30_000).for_each(|at| keep(at, 1));
    stuck.0.send(()).unwrap();
    store.flush();
    assert!((1000..10_000).contains(&store.counts().entries), "{:?}", store.counts());
}

/// Async threads hand over indexes; a writer that hangs must not hang them.
#[test]
fn handing_over_an_index_does_not_wait_for_the_writer() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store.redb"));
    let stuck = stuck(&store);
    for at in 0..3000_u32 {
        let key =
            Key { generation: Generation(1), request: Bytes::copy_from_slice(&at.to_le_bytes()) };
        store.keep_answer(&key, &Bytes::from_static(b"answer"));
    }
    let (sender, receiver) = channel();
    let handing = std::thread::spawn({
        let store = store.clone();
        move || {
            store.keep_index(Generation(2), b"next".to_vec(), Arc::default(), |_| ());
            store.distrust_index("a test says so");
            store.keep_index(Generation(3), b"last".to_vec(), Arc::default(), |_| ());
            sender.send(()).unwrap();
        }
    });
    let waited = receiver.recv_timeout(Duration::from_secs(10)).is_err();
    stuck.0.send(()).unwrap();
    handing.join().unwrap();
    assert!(!waited);
    store.flush();
    assert_eq!(store.index(Generation(3)).unwrap().image, b"last");
}

/// Each read sees one state of the file: one that falls between two writes is no damage.
#[test]
fn a_reader_beside_a_writer_sees_no_damage() {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let store = Store::open(&directory.path().join("store.redb"));
    let image = |generation: u8| vec![generation; usize::from(generation) * 50_000];
    assert!(put(&store, 1, &image(1), &Arc::default()));
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (store, stop) = (store.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut found = 0;
                while !stop.load(SeqCst) {
                    for generation in 1..=3 {
                        if let Some(index) = store.index(Generation(u64::from(generation))) {
                            assert!(index.image == image(generation));
                            found += 1;
                        }
                    }
                }
                found
            })
        })
        .collect();
    for generation in [2, 3, 1].into_iter().cycle().take(1000) {
        assert!(put(&store, u64::from(generation), &image(generation), &Arc::default()));
    }
    stop.store(true, SeqCst);
    let found: usize = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
    assert_eq!(store.problem(), None);
    assert!(found > 0);
}
