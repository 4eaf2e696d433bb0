//! Reads a call's bytes once, so that the layers above the caches know what it asks.

use std::task::{Context, Poll};

use bytes::Bytes;
use omg_cache::{Answer, Answers};
use omg_core::Fault;
use omg_proto::Request;
use tower::{Layer, Service};

use crate::call::{Call, Parsed, Shape, unreadable};

/// Layer: [`Call`] to [`Parsed`], or a fault.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parse;

impl<S> Layer<S> for Parse {
    type Service = Parsing<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Parsing { inner }
    }
}

/// Service of [`Parse`].
#[derive(Clone, Debug)]
pub(crate) struct Parsing<S> {
    inner: S,
}

// === impl Parsing ===

impl<S: Answers<Parsed>> Service<Call> for Parsing<S> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Answer {
        let shape = match Request::decode(&call.body) {
            Ok(request) => Shape::of(&request),
            Err(error) => return Answer::ready(Err(unreadable(&error))),
        };
        self.inner.call(Parsed { call, shape })
    }
}
