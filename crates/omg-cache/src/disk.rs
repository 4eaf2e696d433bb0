//! L2: answers that outlive the process.

use std::task::{Context, Poll};

use bytes::Bytes;
use omg_core::Fault;
use tower::{Layer, Service};

use crate::{Answer, Answers, Cacheable, Store};

/// Layer: answers from a [`Store`], and hands new ones to it without waiting for the disk.
#[derive(Clone, Debug)]
pub struct Disk {
    store: Store,
}

impl Disk {
    /// A layer over this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

impl<S> Layer<S> for Disk {
    type Service = OnDisk<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OnDisk { inner, store: self.store.clone() }
    }
}

/// Service of [`Disk`].
#[derive(Clone, Debug)]
pub struct OnDisk<S> {
    inner: S,
    store: Store,
}

// === impl OnDisk ===

impl<R: Cacheable + Send + 'static, S: Answers<R>> Service<R> for OnDisk<S> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Answer {
        let Some(key) = request.key().filter(|_| request.keep().disk) else {
            return self.inner.call(request);
        };
        let store = self.store.clone();
        let mut inner = self.inner.clone();
        Answer::later(async move {
            if let Some(bytes) = store.answer(&key) {
                return Ok(bytes);
            }
            let bytes = inner.call(request).await?;
            store.keep_answer(&key, &bytes);
            Ok(bytes)
        })
    }
}
