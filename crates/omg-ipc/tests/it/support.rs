//! A daemon with a service that needs no packages, and a peer that sends any bytes it likes.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use omg_core::{Code, Fault, Generation, Phase, Progress, Reporter};
use omg_ipc::{Config, Counters, Incoming, Server, Socket};
use omg_proto::frame::{Envelope, Hello, REPLY_LIMIT, next};
use omg_proto::{Query, Reply, Request};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::heap::peak;

/// A server on a thread of its own, which it has to itself, so that its memory can be watched.
pub(crate) struct Daemon {
    pub(crate) socket: PathBuf,
    pub(crate) counters: Arc<Counters>,
    /// Calls of the service that have begun and not ended.
    pub(crate) under_way: Arc<AtomicUsize>,
    /// Lets calls for `wait` go on.
    pub(crate) gate: Arc<tokio::sync::Semaphore>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<usize>>,
    directory: TempDir,
}

impl Daemon {
    pub(crate) fn start(config: Config) -> Self {
        let directory = private();
        let path = directory.path().join("omg.sock");
        let service = Service::default();
        let (under_way, gate) = (Arc::clone(&service.under_way), Arc::clone(&service.gate));
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, counters) = std::sync::mpsc::channel();
        let at = path.clone();
        let thread = std::thread::spawn(move || {
            let socket = Socket::bind(&at).unwrap();
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let serving = || {
                runtime.block_on(async {
                    let server = Server::new(socket.listener().unwrap(), config).unwrap();
                    started.send(server.counters()).unwrap();
                    server.serve(service, async { drop(stopped.await) }).await;
                });
            };
            peak(serving).1
        });
        let counters = counters.recv().unwrap();
        Self {
            socket: path,
            counters,
            under_way,
            gate,
            stop: Some(stop),
            thread: Some(thread),
            directory,
        }
    }

    /// Ends it and gives back the most memory that it took.
    pub(crate) fn end(mut self) -> usize {
        drop(self.stop.take());
        let peak = self.thread.take().unwrap().join().unwrap();
        assert!(!self.socket.exists(), "the socket is still there");
        assert_eq!(
            std::fs::read_dir(self.directory.path()).unwrap().count(),
            0,
            "something is left"
        );
        peak
    }

    /// Begins to end it.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) fn client(&self) -> omg_ipc::blocking::Client {
        omg_ipc::blocking::Client::connect(&self.socket).unwrap()
    }

    pub(crate) fn raw(&self) -> Raw {
        Raw::connect(&self.socket)
    }
}

/// Answers `Ping` with the uid of the peer as generation, and `Search` by what it says.
#[derive(Clone)]
pub(crate) struct Service {
    under_way: Arc<AtomicUsize>,
    gate: Arc<tokio::sync::Semaphore>,
}

impl Default for Service {
    fn default() -> Self {
        Self { under_way: Arc::default(), gate: Arc::new(tokio::sync::Semaphore::new(0)) }
    }
}

/// Counts a call for as long as its future lives.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl tower::Service<Incoming> for Service {
    type Response = Bytes;
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Bytes, Fault>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, incoming: Incoming) -> Self::Future {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let guard = UnderWay(Arc::clone(&self.under_way));
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            let _guard = guard;
            let request = Request::decode(&incoming.body)
                .map_err(|error| Fault::caused_by(Code::Protocol, "not a request", &error))?;
            let reply = match request {
                Request::One(Query::Search { query: "panic", .. }) => panic!("as asked"),
                Request::One(Query::Search { query: "wait", .. }) => {
                    gate.acquire().await.unwrap().forget();
                    Reply::Suggest(vec!["waited"])
                }
                Request::One(Query::Search { query: "tell", limit }) => {
                    tell(&incoming.reporter, limit.unwrap()).await;
                    Reply::Suggest(vec!["told"])
                }
                Request::One(Query::Search { query: "tell and wait", .. }) => {
                    tell(&incoming.reporter, 1).await;
                    gate.acquire().await.unwrap().forget();
                    Reply::Suggest(vec!["waited"])
                }
                Request::One(Query::Search { query: "flood", .. }) => loop {
                    tell(&incoming.reporter, 1000).await;
                },
                Request::One(Query::Search { query: "block", .. }) => {
                    std::thread::sleep(Duration::from_millis(300));
                    Reply::Suggest(vec!["blocked"])
                }
                Request::One(Query::Search { query: "large", limit }) => {
                    return Ok(Reply::Batch(vec![filler(limit.unwrap())]).encode().into());
                }
                Request::One(Query::Search { query: "packages", limit }) => {
                    return Ok(crate::doc::packages(limit.unwrap()).into());
                }
                Request::One(Query::Search { query, .. }) => Reply::Suggest(vec![query]),
                _ => Reply::Pong { generation: Generation(incoming.peer.uid.into()) },
            };
            Ok(reply.encode().into())
        })
    }
}

/// A phase, `count` steps of one file, and a line for every hundredth.
async fn tell(reporter: &Reporter, count: u32) {
    reporter.report(Progress::Phase { phase: Phase::Download, items: 1 });
    for done in 1..=count {
        let name = "file".to_owned();
        let (done, total) = (done.into(), Some(count.into()));
        reporter.report(Progress::File {
            item: 0,
            name,
            done,
            total,
            finished: total == Some(done),
        });
        if done % 100 == 0 {
            let line = format!("{done:0>1000}");
            reporter.report(Progress::Output { of: "test".to_owned(), line });
            tokio::task::yield_now().await;
        }
    }
}

/// A directory that only its owner can enter, as a socket's must be.
pub(crate) fn private() -> TempDir {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    tempfile::Builder::new().permissions(mode).tempdir().unwrap()
}

/// Bytes that the codec can't pack.
pub(crate) fn filler(length: u32) -> Vec<u8> {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let mut bytes = all.repeat(length as usize / all.len() + 1);
    bytes.truncate(length as usize);
    bytes
}

pub(crate) fn search(query: &str) -> Request<'_> {
    Request::One(Query::Search { query, limit: None })
}

pub(crate) fn ping() -> Request<'static> {
    Request::One(Query::Ping)
}

/// The first word of a `Suggest` reply.
pub(crate) fn word(body: &[u8]) -> String {
    match Reply::decode(body).unwrap() {
        Reply::Suggest(words) => words[0].to_owned(),
        other => panic!("{other:?}"),
    }
}

/// A peer without manners.
pub(crate) struct Raw(pub(crate) UnixStream);

impl Raw {
    pub(crate) fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    /// Sends bytes; a server that has hung up is no error here.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> &mut Self {
        drop(self.0.write_all(bytes));
        self
    }

    /// Everything until the other side hangs up.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            match self.0.read(&mut chunk) {
                Ok(0) => return bytes,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return bytes,
                Err(error) => panic!("the server did not hang up: {error}"),
            }
        }
    }

    /// The fault for the connection that comes before the server hangs up.
    pub(crate) fn fault(&mut self) -> Fault {
        let bytes = self.rest();
        let mut frames = frames(&bytes);
        let last = frames.pop().expect("the server says why");
        assert_eq!(last.0, 0, "a fault of the connection has id 0");
        match Reply::decode(&last.1).unwrap() {
            Reply::Fault(fault) => fault,
            other => panic!("{other:?}"),
        }
    }
}

/// Splits what a server sent, greeting first, into ids and bodies.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut found = Vec::new();
    let mut greeted = false;
    while let Some(payload) = next(bytes, REPLY_LIMIT).unwrap() {
        let end = payload.end;
        if greeted {
            let envelope = Envelope::decode(&bytes[payload]).unwrap();
            found.push((envelope.id, envelope.body.to_vec()));
        } else {
            Hello::decode(&bytes[payload]).unwrap();
            greeted = true;
        }
        bytes = &bytes[end..];
    }
    assert!(bytes.is_empty(), "half a frame at the end");
    found
}

pub(crate) fn hello() -> Vec<u8> {
    let mut out = Vec::new();
    Hello::ours("test", 1).write(&mut out);
    out
}

pub(crate) fn frame(id: u64, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Envelope { id, body }.write(&mut out, u32::MAX).unwrap();
    out
}

/// Waits for something that happens on another thread.
pub(crate) fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if happened() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never: {what}");
}
