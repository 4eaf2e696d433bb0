//! The one future type of all layers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use omg_core::{Code, Fault};
use tower::Service;

/// An answer that is there, or a lazy computation of it.
///
/// A layer that can answer at once does so in `call`, without an allocation and without being
/// polled. `Later` has done nothing yet: its work begins with the first poll, so a layer above may
/// drop it in favour of an equal one under way.
pub enum Answer {
    /// There already; `None` once it was taken.
    Ready(Option<Result<Bytes, Fault>>),
    /// Not begun until polled.
    Later(Pin<Box<dyn Future<Output = Result<Bytes, Fault>> + Send>>),
}

impl Answer {
    /// An answer that is there.
    pub fn ready(result: Result<Bytes, Fault>) -> Self {
        Self::Ready(Some(result))
    }

    /// A computation that begins when polled.
    pub fn later(future: impl Future<Output = Result<Bytes, Fault>> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl Future for Answer {
    type Output = Result<Bytes, Fault>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(result) => Poll::Ready(result.take().unwrap_or_else(|| {
                Err(Fault::new(Code::Internal, "an answer was asked for twice"))
            })),
            Self::Later(future) => future.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(result) => f.debug_tuple("Ready").field(result).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// A service whose answers are [`Answer`]s. It must always be ready: only the limit at the top of a
/// stack pushes back, and it does so with a fault.
pub trait Answers<R>:
    Service<R, Response = Bytes, Error = Fault, Future = Answer> + Clone + Send + Sync + 'static
{
}

impl<R, S> Answers<R> for S where
    S: Service<R, Response = Bytes, Error = Fault, Future = Answer> + Clone + Send + Sync + 'static
{
}

/// An async function as the lowest service of a stack.
#[derive(Clone, Debug)]
pub struct AnswerFn<F>(F);

/// Makes a service of an async function.
pub fn answering<F>(function: F) -> AnswerFn<F> {
    AnswerFn(function)
}

impl<R, F, Fut> Service<R> for AnswerFn<F>
where
    F: Fn(R) -> Fut,
    Fut: Future<Output = Result<Bytes, Fault>> + Send + 'static,
{
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Answer {
        Answer::later(self.0(request))
    }
}
