//! Counts calls, and logs each one where somebody listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use omg_cache::{Answer, Answers};
use omg_core::Fault;
use tower::{Layer, Service};

use crate::call::Parsed;

/// Layer: counts queries into `requests`; with debug logs on, notes kind, time and outcome.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) requests: Arc<AtomicU64>,
}

impl<S> Layer<S> for Trace {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Traced { inner, requests: self.requests.clone() }
    }
}

/// Service of [`Trace`].
#[derive(Clone, Debug)]
pub(crate) struct Traced<S> {
    inner: S,
    requests: Arc<AtomicU64>,
}

// === impl Traced ===

impl<S: Answers<Parsed>> Service<Parsed> for Traced<S> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, parsed: Parsed) -> Answer {
        self.requests.fetch_add(parsed.shape.items(), Relaxed);
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return self.inner.call(parsed);
        }
        let start = Instant::now();
        let (uid, pid, shape) = (parsed.call.uid, parsed.call.pid, parsed.shape);
        let answer = self.inner.call(parsed);
        Answer::later(async move {
            let cached = matches!(answer, Answer::Ready(_));
            let result = answer.await;
            let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            match &result {
                Ok(body) => {
                    tracing::debug!(
                        uid,
                        pid,
                        ?shape,
                        cached,
                        micros,
                        bytes = body.len(),
                        "answered"
                    );
                }
                Err(fault) => {
                    tracing::debug!(uid, pid, ?shape, micros, code = ?fault.code, %fault, "refused");
                }
            }
            result
        })
    }
}
