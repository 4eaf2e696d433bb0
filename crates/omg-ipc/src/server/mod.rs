//! The server: accepts, refuses, counts and drains. [`connection`] does the talking.

mod budget;
mod connection;
mod counters;
mod guarded;
mod outbox;
mod reports;

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixListener as StdListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use omg_core::{Code, Fault, Reporter};
use omg_proto::Reply;
use omg_proto::frame::{Envelope, REPLY_LIMIT};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;

pub use counters::Counters;

use crate::answer::{CONNECTION, greet};
use crate::peer::own_uid;
use crate::{Error, Peer};
use budget::Budget;
use connection::Connection;

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Who asks, according to the kernel.
    pub peer: Peer,
    /// An encoded [`omg_proto::Request`], not yet looked at.
    pub body: Bytes,
    /// Takes how far the request has come to whoever made it, as long as it is not answered.
    pub reporter: Reporter,
}

/// What a server allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Connections at a time; one more is told that the server is busy.
    pub connections: usize,
    /// Time to complete a frame once its first byte has come.
    pub frame_deadline: Duration,
    /// Time for a peer to take in what is written to it.
    pub write_deadline: Duration,
    /// Time between two frames of progress of one call.
    pub progress_interval: Duration,
    /// Time after which a call that has said something and says no more is reported to be alive.
    pub keepalive: Duration,
    /// Time for calls under way to end after shutdown begins.
    pub drain_deadline: Duration,
    /// Bytes that all requests under way may decode to, taken at the worst case.
    pub decoded_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections: 1024,
            frame_deadline: Duration::from_secs(2),
            write_deadline: Duration::from_secs(10),
            progress_interval: Duration::from_millis(50),
            keepalive: Duration::from_secs(10),
            drain_deadline: Duration::from_secs(5),
            decoded_bytes: 32 * 1024 * 1024,
        }
    }
}

/// A server, ready to accept.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    config: Config,
    counters: Arc<Counters>,
}

/// What every connection of a server shares.
pub(crate) struct Shared<S> {
    config: Config,
    counters: Arc<Counters>,
    budget: Budget,
    /// Cancelled when shutdown begins.
    draining: CancellationToken,
    /// Where fresh clones come from: for new connections, and after a panic.
    service: Mutex<S>,
}

impl<S: Clone> Shared<S> {
    fn new(config: Config, counters: Arc<Counters>, service: S) -> Arc<Self> {
        let budget = Budget::new(config.decoded_bytes);
        let draining = CancellationToken::new();
        Arc::new(Self { config, counters, budget, draining, service: Mutex::new(service) })
    }

    fn service(&self) -> S {
        self.service.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Server {
    /// Takes a listening socket. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Connection`] when the runtime can't watch it.
    pub fn new(listener: StdListener, config: Config) -> Result<Self, Error> {
        let watching = |source| Error::Connection { context: "watching the socket", source };
        listener.set_nonblocking(true).map_err(watching)?;
        let listener = UnixListener::from_std(listener).map_err(watching)?;
        let counters = Arc::<Counters>::default();
        counters.limit_connections(config.connections);
        Ok(Self { listener, config, counters })
    }

    /// What it counts, also after it has ended.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Serves until `shutdown` resolves; then takes in nobody who comes later, answers what was sent
    /// before, all within [`Config::drain_deadline`], and returns.
    pub async fn serve<S>(self, service: S, shutdown: impl Future<Output = ()>)
    where
        S: Service<Incoming, Response = Bytes, Error = Fault> + Clone + Send + 'static,
        S::Future: Send,
    {
        let Self { listener, config, counters } = self;
        let shared = Shared::new(config, counters, service);
        let mut tasks = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = tasks.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => admit(stream, &shared, &mut tasks),
                    Err(error) => rest(&error).await,
                },
            }
        }
        // Those who came before the end are still served; whoever wants no more of them to come has
        // removed the socket's name.
        let queued =
            listener.into_std().map(|listener| std::iter::from_fn(move || listener.accept().ok()));
        for (stream, _) in queued.into_iter().flatten() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = UnixStream::from_std(stream)
            {
                admit(stream, &shared, &mut tasks);
            }
        }
        shared.draining.cancel();
        let drained = tokio::time::timeout(config.drain_deadline, async {
            while tasks.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            tracing::warn!(
                connections = tasks.len(),
                "connections did not end in time and are cut"
            );
            tasks.shutdown().await;
        }
    }

    /// Serves one peer over a pair of streams until it sends no more.
    pub async fn serve_stream<S>(
        reader: impl AsyncRead + Unpin + Send,
        writer: impl AsyncWrite + Unpin + Send,
        peer: Peer,
        config: Config,
        counters: Arc<Counters>,
        service: S,
    ) where
        S: Service<Incoming, Response = Bytes, Error = Fault> + Clone + Send + 'static,
        S::Future: Send,
    {
        let shared = Shared::new(config, counters, service);
        let open = shared.counters.open();
        Connection::new(connection::Joined(reader, writer), peer, shared, open).run().await;
    }
}

/// Starts a task for a peer that may be served, and tells any other why not.
fn admit<S>(stream: UnixStream, shared: &Arc<Shared<S>>, tasks: &mut JoinSet<()>)
where
    S: Service<Incoming, Response = Bytes, Error = Fault> + Clone + Send + 'static,
    S::Future: Send,
{
    let Ok(credentials) = stream.peer_cred() else { return };
    let peer = Peer {
        uid: credentials.uid(),
        pid: credentials.pid().and_then(|pid| u32::try_from(pid).ok()),
    };
    if peer.uid != own_uid() {
        tracing::warn!(uid = peer.uid, pid = peer.pid, "refused a peer of another user");
        shared.counters.refused();
        return refuse(
            &stream,
            Fault::new(Code::Peer, "this daemon serves only the user that runs it"),
        );
    }
    match shared.counters.try_open() {
        Ok(open) => {
            tasks.spawn(Connection::new(stream, peer, Arc::clone(shared), open).run());
        }
        Err(limit) => {
            shared.counters.refused();
            let message = format!("the daemon has {limit} connections and takes no more");
            refuse(&stream, Fault::new(Code::Busy, message).hint("try again in a moment"));
        }
    }
}

/// Says why, as far as the empty socket buffer of a new connection takes it, and hangs up.
fn refuse(stream: &UnixStream, fault: Fault) {
    let mut out = Vec::with_capacity(256);
    greet(&mut out);
    let body = Reply::Fault(fault).encode();
    if (Envelope { id: CONNECTION, body: &body }).write(&mut out, REPLY_LIMIT).is_ok() {
        let flags = rustix::net::SendFlags::DONTWAIT | rustix::net::SendFlags::NOSIGNAL;
        let _peer_may_be_gone = rustix::net::send(stream.as_fd(), &out, flags);
    }
}

/// Waits after a failed accept(2): out of descriptors or memory, which only others can free. Errors
/// of the single connection need no pause.
async fn rest(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) {
        tracing::error!(%error, "can't accept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
