//! A panic ends the request that it happened in, and nothing else.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// What a panic said.
pub(super) struct Panicked(pub(super) String);

/// Runs a future; its panic comes out as `Err`.
///
/// The future must not be polled again after a panic, and the service that made it is to be
/// replaced by a fresh clone: then no half-changed state of theirs is seen. What clones share is
/// behind locks and atomics.
pub(super) async fn guarded<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, Panicked> {
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            Poll::Ready(Err(Panicked(text.unwrap_or_default())))
        }
    })
    .await
}
