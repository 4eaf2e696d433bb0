//! A panic ends the call that met it, and nothing else.

use std::any::Any;
use std::future::{Future as _, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use omg_cache::{Answer, Answers};
use omg_core::{Code, Fault};
use tower::{Layer, Service};

/// Layer: turns a panic below into a fault.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Isolate;

impl<S> Layer<S> for Isolate {
    type Service = Isolated<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Isolated { inner }
    }
}

/// Service of [`Isolate`].
#[derive(Clone, Debug)]
pub(crate) struct Isolated<S> {
    inner: S,
}

// === impl Isolated ===

impl<R, S: Answers<R>> Service<R> for Isolated<S> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Answer {
        // Unwind safety: the layers below share counters, caches and views only, all of which are
        // whole after every single step; the future that panicked is not polled again.
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(Answer::Later(mut future)) => Answer::later(poll_fn(move |context| {
                catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(context)))
                    .unwrap_or_else(|panic| Poll::Ready(Err(fault(&*panic))))
            })),
            Ok(ready) => ready,
            Err(panic) => Answer::ready(Err(fault(&*panic))),
        }
    }
}

fn fault(panic: &(dyn Any + Send)) -> Fault {
    let what = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = %what, "a request panicked; only that request ends");
    let mut fault = Fault::new(Code::Internal, "a part of the daemon panicked over this request");
    fault.cause.push(what);
    fault.hint("please report it with the output of `omg daemon logs`")
}
