//! The async client.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use omg_proto::Request;
use omg_proto::frame::{Envelope, REQUEST_LIMIT};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::answer::{Inbox, greet};
use crate::blocking::{DEADLINE, check_server, connecting};
use crate::{Answer, Error};

/// A connection to the daemon, for any number of calls at a time.
///
/// Clones share it. A call whose future is dropped is forgotten; the connection goes on.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    writer: tokio::sync::Mutex<Writer>,
    waiting: Arc<Mutex<Waiting>>,
    reading: JoinHandle<()>,
    deadline: Duration,
}

struct Writer {
    stream: Box<dyn AsyncWrite + Send + Unpin>,
    greeted: bool,
    last_id: u64,
}

/// Calls without an answer so far.
#[derive(Default)]
struct Waiting {
    calls: HashMap<u64, oneshot::Sender<Answer>>,
    /// Why there will be no more answers.
    end: Option<Ended>,
}

/// What remains of the error that ended a connection, for each of its callers.
#[derive(Clone)]
enum Ended {
    Closed,
    Failed(omg_core::Fault),
}

impl Client {
    /// Connects, and makes sure that the socket's directory is ours (or root's) and that the process
    /// behind the socket is ours before a byte is sent.
    ///
    /// # Errors
    /// [`Error::Absent`] when nobody listens; [`Error::Directory`], [`Error::ForeignServer`] when
    /// somebody does who should not.
    pub async fn connect(path: &Path) -> Result<Self, Error> {
        crate::socket::check_before_connecting(path)?;
        let stream = UnixStream::connect(path).await.map_err(|source| connecting(path, source))?;
        check_server(path, &stream)?;
        let (reader, writer) = stream.into_split();
        Ok(Self::over(reader, writer))
    }

    /// Speaks over a pair of streams. Must be called inside a tokio runtime.
    pub fn over(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let waiting = Arc::<Mutex<Waiting>>::default();
        let reading = tokio::spawn(read_all(reader, Arc::clone(&waiting)));
        let writer = Writer { stream: Box::new(writer), greeted: false, last_id: 0 };
        let writer = tokio::sync::Mutex::new(writer);
        Self { inner: Arc::new(Inner { writer, waiting, reading, deadline: DEADLINE }) }
    }

    /// Asks, and waits for the answer. Progress before it is left out, and gives the call no more
    /// time.
    ///
    /// # Errors
    /// Whatever keeps the answer from coming. A fault that the daemon answers with is not an error
    /// here: see [`Answer::reply`].
    pub async fn call(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let body = request.encode();
        let after = self.inner.deadline;
        tokio::time::timeout(after, self.exchange(&body))
            .await
            .unwrap_or(Err(Error::Timeout { after }))
    }

    async fn exchange(&self, body: &[u8]) -> Result<Answer, Error> {
        let inner = &*self.inner;
        let (slot, answer) = oneshot::channel();
        let _forget = inner.write(body, slot).await?;
        answer.await.map_err(|_| inner.ended())
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Inner {
    /// Writes a frame. It is written whole even if the caller goes away, or no later frame makes
    /// sense to the daemon; so a half-written one closes the connection.
    async fn write(&self, body: &[u8], slot: oneshot::Sender<Answer>) -> Result<Forget<'_>, Error> {
        let mut writer = self.writer.lock().await;
        let writer = &mut *writer;
        let id = writer.last_id + 1;
        let mut out = Vec::with_capacity(256);
        if !writer.greeted {
            greet(&mut out);
        }
        Envelope { id, body }.write(&mut out, REQUEST_LIMIT)?;
        {
            let mut waiting = lock(&self.waiting);
            if waiting.end.is_some() {
                drop(waiting);
                return Err(self.ended());
            }
            waiting.calls.insert(id, slot);
        }
        let forget = Forget { waiting: &self.waiting, id };
        writer.greeted = true;
        writer.last_id = id;
        let whole = Whole { reading: &self.reading, waiting: &self.waiting, done: false };
        let result = writer.stream.write_all(&out).await;
        whole.done();
        match result {
            Ok(()) => Ok(forget),
            // The daemon may have said why before it hung up; the reading task then knows.
            Err(source) => {
                tokio::task::yield_now().await;
                let ended = lock(&self.waiting).end.is_some();
                Err(if ended {
                    self.ended()
                } else {
                    Error::Connection { context: "sending the request", source }
                })
            }
        }
    }

    fn ended(&self) -> Error {
        match lock(&self.waiting).end.clone() {
            Some(Ended::Failed(fault)) => Error::Refused(fault),
            Some(Ended::Closed) | None => Error::Closed,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Takes a call off the list when its future is dropped.
struct Forget<'a> {
    waiting: &'a Mutex<Waiting>,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.waiting).calls.remove(&self.id);
    }
}

/// Ends the connection if a write is dropped in the middle of a frame.
struct Whole<'a> {
    reading: &'a JoinHandle<()>,
    waiting: &'a Mutex<Waiting>,
    done: bool,
}

impl Whole<'_> {
    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Whole<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.reading.abort();
            end(self.waiting, Ended::Closed);
        }
    }
}

/// Hands out answers until the stream ends.
async fn read_all(mut reader: impl AsyncRead + Unpin, waiting: Arc<Mutex<Waiting>>) {
    let mut inbox = Inbox::default();
    let why = loop {
        match inbox.take() {
            Ok(Ok((_, answer))) if answer.is_progress() => {}
            Ok(Ok((id, answer))) => {
                if let Some(slot) = lock(&waiting).calls.remove(&id) {
                    // The caller may have gone.
                    drop(slot.send(answer));
                }
            }
            Ok(Err(missing)) => {
                let buffer = inbox.room();
                buffer.reserve(missing.max(Inbox::CHUNK));
                match reader.read_buf(buffer).await {
                    Ok(0) => break Ended::Closed,
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                        break Ended::Closed;
                    }
                    Err(source) => {
                        let context = "waiting for the answer";
                        break Ended::Failed(Error::Connection { context, source }.fault());
                    }
                }
            }
            Err(error) => break Ended::Failed(error.fault()),
        }
    };
    end(&waiting, why);
}

fn end(waiting: &Mutex<Waiting>, why: Ended) {
    let mut waiting = lock(waiting);
    waiting.end.get_or_insert(why);
    waiting.calls.clear();
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
