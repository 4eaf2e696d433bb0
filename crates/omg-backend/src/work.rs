//! Work that is moved off the async threads: at once, or, for long searches, few at a time and only
//! for as long as somebody waits for the answer.

use std::sync::{Arc, Weak};

use omg_core::{Code, Fault};
use tokio::sync::Semaphore;

/// Runs work on a thread that may block; `context` finishes the phrase "while …".
pub async fn blocking<T: Send + 'static>(
    context: &'static str,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ended(context))?
}

/// Searches of one kind, of which some run and the others wait in order of arrival.
#[derive(Debug)]
pub struct Searches {
    permits: Arc<Semaphore>,
}

/// Tells a search whether its answer is still wanted.
#[derive(Debug, Clone)]
pub struct Caller(Weak<()>);

impl Caller {
    /// Has the future of the search been dropped?
    pub fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl Searches {
    /// Lets `most` of them run at a time.
    pub fn new(most: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(most)) }
    }

    /// Runs a search once it is its turn. It counts as running until its thread is done with it,
    /// also where the caller has gone; it should look at its [`Caller`] now and then.
    pub async fn run<T: Send + 'static>(
        &self,
        context: &'static str,
        search: impl FnOnce(&Caller) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| ended(context))?;
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

/// A thread ended with a panic.
fn ended(context: &str) -> Fault {
    Fault::new(Code::Internal, format!("a worker thread ended early while {context}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    #[tokio::test]
    async fn a_dropped_search_is_told_and_keeps_its_place_until_it_ends() {
        let searches = Searches::new(1);
        let (started, has_started) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let mut search = Box::pin(searches.run("searching", move |caller| {
            started.send(caller.is_gone()).unwrap();
            gate.recv().unwrap();
            tell.send(caller.is_gone()).unwrap();
            Ok(())
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(search.as_mut().poll(&mut context).is_pending());
        assert!(!has_started.recv().unwrap());
        drop(search);
        let mut next = pin!(searches.run("searching", |caller| Ok(caller.is_gone())));
        assert!(next.as_mut().poll(&mut context).is_pending());
        open.send(()).unwrap();
        assert!(told.recv().unwrap());
        assert!(!next.await.unwrap());
    }

    #[tokio::test]
    async fn no_more_run_at_a_time_than_are_let() {
        let searches = Searches::new(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut all: Vec<_> = (0..8)
            .map(|number| {
                let (running, most) = (running.clone(), most.clone());
                Box::pin(searches.run("searching", move |_| {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(std::time::Duration::from_millis(10));
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(number)
                }))
            })
            .collect();
        let mut context = Context::from_waker(Waker::noop());
        for search in &mut all {
            assert!(search.as_mut().poll(&mut context).is_pending());
        }
        // Those that wait give up their place in the queue when they are dropped.
        drop(all.pop());
        for (number, search) in all.into_iter().enumerate() {
            assert_eq!(search.await.unwrap(), number);
        }
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert_eq!(searches.permits.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_panic_is_a_fault() {
        let fault = blocking::<()>("testing", || panic!("on purpose")).await.unwrap_err();
        assert_eq!(fault.code, Code::Internal);
        assert!(fault.message.ends_with("while testing"));
    }
}
