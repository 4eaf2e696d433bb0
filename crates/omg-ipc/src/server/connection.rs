//! One connection: read what is there, answer it in order, write once, wait.
//!
//! Everything happens in the connection's own task, so a request costs one read and one write, and
//! no thread wakes another. Timers are armed only when a frame is incomplete or a write would
//! block, which on a warm connection is never.

use std::future::poll_fn;
use std::io;
use std::ops::{ControlFlow, Range};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use omg_core::{Code, Fault, Progress};
use omg_proto::frame::{Envelope, Hello, PREFIX, REQUEST_LIMIT};
use omg_proto::{Error, Reply};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tower::{Service, ServiceExt as _};

use super::counters::Open;
use super::guarded::{Panicked, guarded};
use super::outbox::Outbox;
use super::reports::Reports;
use super::{Config, Incoming, Shared};
use crate::Peer;
use crate::answer::{CONNECTION, greet};

/// Room for received bytes that an idle connection keeps.
const SMALL: usize = 2048;

/// Streams that a connection can run over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Resolves when the peer is gone for good, so that nobody is left to read an answer.
    fn hung_up(&mut self) -> impl Future<Output = ()> + Send;

    /// Has the peer sent something that is not read yet?
    fn has_more(&self) -> bool;
}

impl Transport for UnixStream {
    async fn hung_up(&mut self) {
        // Of all interests, only this one wakes for "the peer will send no more" and not for data.
        let closed = self.ready(Interest::PRIORITY).await;
        // A peer that merely finished sending still reads.
        let mut state = [rustix::event::PollFd::new(&*self, rustix::event::PollFlags::empty())];
        let gone = closed.is_ok()
            && rustix::event::poll(
                &mut state,
                Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 }),
            )
            .is_ok()
            && state[0].revents().contains(rustix::event::PollFlags::HUP);
        if !gone {
            std::future::pending::<()>().await;
        }
    }

    fn has_more(&self) -> bool {
        rustix::io::ioctl_fionread(self).is_ok_and(|bytes| bytes > 0)
    }
}

/// A reader and a writer that have nothing else in common.
pub(crate) struct Joined<R, W>(pub(super) R, pub(super) W);

impl<R: AsyncRead + Unpin, W: Unpin> AsyncRead for Joined<R, W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<R: Unpin, W: AsyncWrite + Unpin> AsyncWrite for Joined<R, W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.1).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.1).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.1).poll_shutdown(context)
    }
}

impl<R: AsyncRead + Unpin + Send, W: AsyncWrite + Unpin + Send> Transport for Joined<R, W> {
    async fn hung_up(&mut self) {
        std::future::pending::<()>().await;
    }

    fn has_more(&self) -> bool {
        false
    }
}

/// One peer and all that is under way with it.
pub(super) struct Connection<T, S> {
    stream: T,
    peer: Peer,
    shared: Arc<Shared<S>>,
    service: S,
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
    received: Vec<u8>,
    outbox: Outbox,
    reports: Arc<Reports>,
    greeted: bool,
    open: Open,
}

/// Why a connection ends.
enum End {
    /// The peer is done, gone, or the server drains.
    Quiet,
    /// The peer broke the protocol or a limit, and is told so.
    Told(Fault),
    /// The peer missed a deadline.
    Late(&'static str),
}

impl<T, S> Connection<T, S>
where
    T: Transport,
    S: Service<Incoming, Response = Bytes, Error = Fault> + Clone + Send + 'static,
    S::Future: Send,
{
    pub(super) fn new(stream: T, peer: Peer, shared: Arc<Shared<S>>, open: Open) -> Self {
        let service = shared.service();
        let draining = Box::pin(shared.draining.clone().cancelled_owned());
        let received = Vec::new();
        Self {
            stream,
            peer,
            shared,
            service,
            draining,
            received,
            outbox: Outbox::default(),
            reports: Arc::default(),
            greeted: false,
            open,
        }
    }

    /// Serves the peer until either side ends it.
    pub(super) async fn run(mut self) {
        self.open.accept();
        let end = loop {
            if let ControlFlow::Break(end) = self.round().await {
                break end;
            }
        };
        match end {
            End::Quiet => {}
            End::Late(what) => {
                self.shared.counters.was_cut();
                tracing::debug!(pid = self.peer.pid, what, "cut a peer that missed a deadline");
            }
            End::Told(fault) => {
                self.shared.counters.was_cut();
                tracing::debug!(pid = self.peer.pid, %fault, "cut a peer that broke the protocol");
                self.greet();
                if self.outbox.push(CONNECTION, Reply::Fault(fault).encode().into()).is_ok() {
                    // It is cut either way.
                    let _: ControlFlow<End> = self.flush().await;
                }
            }
        }
    }

    /// Reads once, answers every whole frame, writes once.
    async fn round(&mut self) -> ControlFlow<End> {
        self.read().await?;
        let mut taken = 0;
        loop {
            let rest = self.received.get(taken..).unwrap_or_default();
            match omg_proto::frame::next(rest, REQUEST_LIMIT) {
                Ok(None) => break,
                Ok(Some(payload)) => {
                    let end = taken + payload.end;
                    self.frame(taken + payload.start..end).await?;
                    taken = end;
                }
                Err(error) => return ControlFlow::Break(End::Told(protocol(&error))),
            }
        }
        self.received.drain(..taken);
        if self.received.is_empty() {
            self.received.shrink_to(SMALL);
        }
        self.flush().await
    }

    /// Appends what the next read gives. Waits without limit for the first byte of a frame, and with
    /// one for the rest.
    async fn read(&mut self) -> ControlFlow<End> {
        let wanted = self.received.first_chunk::<PREFIX>().map_or(0, |prefix| {
            // The round before checked it against the limit.
            (PREFIX + u32::from_be_bytes(*prefix) as usize).saturating_sub(self.received.len())
        });
        // A peer gets room for as much as it has sent, not for as much as it promises.
        self.received.reserve(wanted.clamp(SMALL, SMALL.max(self.received.len())));
        let deadline = Instant::now() + self.shared.config.frame_deadline;
        let partial = !self.received.is_empty();
        let mut leaving = false;
        loop {
            let Self { stream, received, draining, .. } = self;
            let mut reading = pin!(stream.read_buf(received));
            let read = poll_fn(|context| match reading.as_mut().poll(context) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if leaving => Poll::Pending,
                Poll::Pending => draining.as_mut().poll(context).map(|()| None),
            });
            let result = if partial {
                match tokio::time::timeout_at(deadline, read).await {
                    Ok(result) => result,
                    Err(_) => return ControlFlow::Break(End::Late("frame")),
                }
            } else {
                read.await
            };
            match result {
                Some(Ok(count)) if count > 0 => {}
                // Requests that were sent before the end are still answered.
                None if self.stream.has_more() => {
                    leaving = true;
                    continue;
                }
                _ => return ControlFlow::Break(End::Quiet),
            }
            if !partial
                || !matches!(omg_proto::frame::next(&self.received, REQUEST_LIMIT), Ok(None))
            {
                return ControlFlow::Continue(());
            }
        }
    }

    async fn frame(&mut self, payload: Range<usize>) -> ControlFlow<End> {
        let payload = self.received.get(payload).unwrap_or_default();
        if !self.greeted {
            return match Hello::decode(payload) {
                Ok(_) => {
                    self.greet();
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(End::Told(protocol(&error))),
            };
        }
        let (id, body) = match Envelope::decode(payload) {
            Ok(envelope) if envelope.id != CONNECTION => {
                (envelope.id, Bytes::copy_from_slice(envelope.body))
            }
            Ok(_) => {
                let fault = Fault::new(Code::Protocol, "request id 0 is for the connection itself");
                return ControlFlow::Break(End::Told(fault));
            }
            Err(error) => return ControlFlow::Break(End::Told(protocol(&error))),
        };
        let body = self.answer(id, body).await?;
        self.shared.counters.answered();
        if self.outbox.is_full() {
            self.flush().await?;
        }
        if let Err(error) = self.outbox.push(id, body) {
            let fault = Fault::new(Code::Limit, "the answer is too large")
                .hint("ask for less, with a limit");
            let fault = Fault { cause: vec![error.to_string()], ..fault };
            // A fault is far below the limit, so this push can't fail.
            drop(self.outbox.push(id, Reply::Fault(fault).encode().into()));
        }
        if self.outbox.is_full() { self.flush().await } else { ControlFlow::Continue(()) }
    }

    /// The reply's bytes, whatever happens on the way to it.
    async fn answer(&mut self, id: u64, body: Bytes) -> ControlFlow<End, Bytes> {
        ControlFlow::Continue(match self.ask(id, body).await? {
            Ok(Ok(reply)) => reply,
            Ok(Err(fault)) => Reply::Fault(fault).encode().into(),
            Err(Panicked(text)) => {
                tracing::error!(text, "a request panicked");
                self.shared.counters.panicked();
                self.service = self.shared.service();
                let fault = Fault::new(Code::Internal, "the daemon failed on this request")
                    .hint("omg daemon logs");
                Reply::Fault(fault).encode().into()
            }
        })
    }

    /// Asks the service, unless the peer goes away first.
    async fn ask(
        &mut self,
        id: u64,
        body: Bytes,
    ) -> ControlFlow<End, Result<Result<Bytes, Fault>, Panicked>> {
        let Self { service, shared, stream, peer, outbox, reports, .. } = self;
        let incoming = Incoming { peer: *peer, body, reporter: reports.begin() };
        let call = pin!(async {
            let _decoding = shared.budget.claim(incoming.body.len()).await;
            service.ready().await?.call(incoming).await
        });
        let mut call = pin!(guarded(call));
        if let Poll::Ready(result) = poll_once(call.as_mut()).await {
            return ControlFlow::Continue(result);
        }
        // What is ready need not wait for what is not.
        flush(outbox, stream, shared.config.write_deadline).await?;
        let telling = Telling { id, reports, config: &shared.config };
        let result = tokio::select! {
            biased;
            result = call => result,
            end = telling.run(outbox, stream) => return ControlFlow::Break(end),
        };
        telling.rest(outbox, stream).await?;
        ControlFlow::Continue(result)
    }

    /// Puts our greeting before all else, once.
    fn greet(&mut self) {
        if !std::mem::replace(&mut self.greeted, true) {
            greet(self.outbox.front());
        }
    }

    async fn flush(&mut self) -> ControlFlow<End> {
        flush(&mut self.outbox, &mut self.stream, self.shared.config.write_deadline).await
    }
}

/// Tells the peer how far its call has come.
#[derive(Clone, Copy)]
struct Telling<'a> {
    id: u64,
    reports: &'a Reports,
    config: &'a Config,
}

impl Telling<'_> {
    /// Writes what is said, until the peer is gone or doesn't read. It can be dropped at any point:
    /// what was not written whole is still in the outbox.
    async fn run(self, outbox: &mut Outbox, stream: &mut impl Transport) -> End {
        loop {
            let silent = tokio::select! {
                biased;
                silent = self.heard() => silent,
                () = stream.hung_up() => return End::Quiet,
            };
            let (events, _) = self.reports.take();
            if events.is_empty() && !silent {
                continue;
            }
            let next = Instant::now() + self.config.progress_interval;
            self.push(outbox, events);
            if let ControlFlow::Break(end) = flush(outbox, stream, self.config.write_deadline).await
            {
                return end;
            }
            // What is said meanwhile goes together.
            tokio::time::sleep_until(next).await;
        }
    }

    /// Waits until something is to be written: `true` if that is only that the call goes on. A timer
    /// is armed for calls alone that say something at all.
    async fn heard(self) -> bool {
        if self.reports.waiting() {
            return false;
        }
        let arrived = self.reports.arrived();
        if self.reports.spoken() {
            return tokio::time::timeout(self.config.keepalive, arrived).await.is_err();
        }
        arrived.await;
        false
    }

    /// What was said and not yet written goes before the answer.
    async fn rest(self, outbox: &mut Outbox, stream: &mut impl Transport) -> ControlFlow<End> {
        loop {
            let (events, more) = self.reports.take();
            if events.is_empty() {
                return ControlFlow::Continue(());
            }
            if outbox.is_full() {
                flush(outbox, stream, self.config.write_deadline).await?;
            }
            self.push(outbox, events);
            if !more {
                return ControlFlow::Continue(());
            }
        }
    }

    fn push(self, outbox: &mut Outbox, events: Vec<Progress>) {
        // A frame takes far less than the limit, so this can't fail.
        drop(outbox.push(self.id, Reply::Progress(events).encode().into()));
    }
}

/// Writes all that waits, within the deadline.
async fn flush(
    outbox: &mut Outbox,
    stream: &mut impl Transport,
    deadline: Duration,
) -> ControlFlow<End> {
    if outbox.is_empty() {
        return ControlFlow::Continue(());
    }
    let mut writing = poll_fn(|context| outbox.poll_flush(stream, context));
    let result = match poll_once(Pin::new(&mut writing)).await {
        Poll::Ready(result) => Ok(result),
        Poll::Pending => tokio::time::timeout(deadline, writing).await,
    };
    match result {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(_)) => ControlFlow::Break(End::Quiet),
        Err(_) => ControlFlow::Break(End::Late("write")),
    }
}

/// Polls a future exactly once.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

fn protocol(error: &Error) -> Fault {
    let code = match error {
        Error::FrameTooLarge { .. } => Code::Limit,
        _ => Code::Protocol,
    };
    Fault::new(code, error.to_string())
}
