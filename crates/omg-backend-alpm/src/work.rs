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
