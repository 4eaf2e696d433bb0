use std::io::Write;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};

use omg_backend::work::Searches;

use super::*;

const PACKAGES: usize = 200;

/// Lists of many packages, one of which has `/usr/bin/x`.
fn database(dir: &tempfile::TempDir) -> Arc<Vec<Database>> {
    let mut archive = Vec::new();
    for number in 0..PACKAGES {
        let text = match number {
            0 => "%FILES%\nusr/\nusr/bin/\nusr/bin/x\n\n".to_owned(),
            _ => format!("%FILES%\nusr/\nusr/share/{number}\n\n"),
        };
        let mut header = [0_u8; 512];
        let mut put = |at: usize, text: &str| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(0, &format!("p{number}-1-1/files"));
        put(100, "0000644\0");
        put(124, &format!("{:011o}\0", text.len()));
        put(148, "        ");
        put(156, "0");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(header);
        archive.extend(text.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    let path = dir.path().join("core.files");
    std::fs::File::create(&path).unwrap().write_all(&archive).unwrap();
    Arc::new(vec![Database::new(path)])
}

fn question() -> Question {
    Question::new("/usr/bin/x", Path::new("/nonexistent")).unwrap()
}

#[tokio::test]
async fn a_dropped_search_stops_at_the_next_package_and_keeps_its_place_until_then() {
    let dir = tempfile::tempdir().unwrap();
    let databases = database(&dir);
    let looked = AtomicUsize::new(0);
    let whole = owners(&databases, &question(), &|| {
        looked.fetch_add(1, Ordering::SeqCst);
        true
    });
    assert_eq!((whole.items.len(), whole.warnings.len()), (1, 0));
    assert!(looked.into_inner() >= PACKAGES);
    let searches = Searches::new(1);
    let looked = Arc::new(AtomicUsize::new(0));
    let (started, has_started) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let count = looked.clone();
    let mut search = Box::pin(searches.run("searching", move |caller| {
        let found = owners(&databases, &question(), &|| {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                started.send(()).unwrap();
                gate.lock().unwrap().recv().unwrap();
            }
            !caller.is_gone()
        });
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        Ok(found.items)
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(search.as_mut().poll(&mut context).is_pending());
    has_started.recv().unwrap();
    drop(search);
    let mut next = pin!(searches.run("searching", |caller| Ok(caller.is_gone())));
    assert!(next.as_mut().poll(&mut context).is_pending());
    open.send(()).unwrap();
    assert!(!next.await.unwrap());
    assert_eq!(looked.load(Ordering::SeqCst), 1);
}
