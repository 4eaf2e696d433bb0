//! Work that is moved off the async threads: at once, or, for long searches, few at a time and only
//! for as long as somebody waits for the answer.

use std::sync::{Arc, Weak};

use omg_core::Fault;
use tokio::sync::Semaphore;

use crate::error::Error;

/// Runs work on a thread that may block; `context` finishes the phrase "while …".
pub(crate) async fn blocking<T: Send + 'static>(
    context: &'static str,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Worker { context })?
}

/// Searches of one kind, of which some run and the others wait in order of arrival.
#[derive(Debug)]
pub(crate) struct Searches {
    permits: Arc<Semaphore>,
}

/// Tells a search whether its answer is still wanted.
#[derive(Debug, Clone)]
pub(crate) struct Caller(Weak<()>);

impl Caller {
    /// Has the future of the search been dropped?
    pub(crate) fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl Searches {
    /// Lets `most` of them run at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(most)) }
    }

    /// Runs a search once it is its turn. It counts as running until its thread is done with it,
    /// also where the caller has gone; it should look at its [`Caller`] now and then.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        context: &'static str,
        search: impl FnOnce(&Caller) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let gone = |_| Error::Worker { context };
        let permit = self.permits.clone().acquire_owned().await.map_err(gone)?;
        let here = Arc::new(());
        let caller = Caller(Arc::downgrade(&here));
        let result = blocking(context, move || {
            let result = search(&caller);
            drop(permit);
            result
        })
        .await;
        drop(here);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{self, Database, Question};
    use std::io::Write;
    use std::path::Path;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Waker};

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
        let whole = files::owners(&databases, &question(), &|| {
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
            let found = files::owners(&databases, &question(), &|| {
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

    #[tokio::test]
    async fn no_more_run_at_a_time_than_are_let() {
        let dir = tempfile::tempdir().unwrap();
        let databases = database(&dir);
        let searches = Searches::new(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut all: Vec<_> = (0..8)
            .map(|_| {
                let (databases, running, most) = (databases.clone(), running.clone(), most.clone());
                Box::pin(searches.run("searching", move |caller| {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let go_on = || !caller.is_gone();
                    let found = files::owners(&databases, &question(), &go_on);
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(found.items.len())
                }))
            })
            .collect();
        let mut context = Context::from_waker(Waker::noop());
        for search in &mut all {
            assert!(search.as_mut().poll(&mut context).is_pending());
        }
        // Those that wait give up their place in the queue when they are dropped.
        drop(all.pop());
        for search in all {
            assert_eq!(search.await.unwrap(), 1);
        }
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert_eq!(searches.permits.available_permits(), 2);
    }
}
