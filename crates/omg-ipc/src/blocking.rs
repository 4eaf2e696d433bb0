//! The client for programs without an async runtime: `omg`, prompts, scripts.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use omg_core::Progress;
use omg_proto::frame::{Envelope, REQUEST_LIMIT};
use omg_proto::{Reply, Request};

use crate::answer::{Inbox, greet};
use crate::{Answer, Error, Peer};

/// How long a call waits without receiving a byte unless told otherwise. The daemon is known to be
/// this user's own, so this is against one that hangs, not against one that means harm.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A connection to the daemon.
///
/// Calls are answered in order. To have several under way, [`send`](Self::send) them all before the
/// first [`receive`](Self::receive); the daemon takes in as many as fit the socket's buffer.
pub struct Client {
    reader: Box<dyn Read + Send>,
    writer: Box<dyn Write + Send>,
    inbox: Inbox,
    greeted: bool,
    last_id: u64,
    deadline: Duration,
}

impl Client {
    /// Connects, and makes sure that the socket's directory is ours (or root's) and that the process
    /// behind the socket is ours before a byte is sent.
    ///
    /// # Errors
    /// [`Error::Absent`] when nobody listens; [`Error::Directory`], [`Error::ForeignServer`] when
    /// somebody does who should not.
    pub fn connect(path: &Path) -> Result<Self, Error> {
        Self::connect_within(path, DEADLINE)
    }

    /// As [`connect`](Self::connect), with another deadline for each read and write.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_within(path: &Path, deadline: Duration) -> Result<Self, Error> {
        crate::socket::check_before_connecting(path)?;
        let stream = UnixStream::connect(path).map_err(|source| connecting(path, source))?;
        check_server(path, &stream)?;
        let setting = |source| Error::path(path, "setting the deadline", source);
        stream.set_read_timeout(Some(deadline)).map_err(setting)?;
        stream.set_write_timeout(Some(deadline)).map_err(setting)?;
        let reader = stream
            .try_clone()
            .map_err(|source| Error::path(path, "duplicating the socket", source))?;
        Ok(Self { deadline, ..Self::over(reader, stream) })
    }

    /// Speaks over a pair of streams, such as the pipes of a daemon run with `--stdio`. They have no
    /// deadline: their other end is a child, whose end ends them.
    pub fn over(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            inbox: Inbox::default(),
            greeted: false,
            last_id: 0,
            deadline: DEADLINE,
        }
    }

    /// Asks, and waits for the answer. Progress before it is left out.
    ///
    /// # Errors
    /// Whatever keeps the answer from coming. A fault that the daemon answers with is not an error
    /// here: see [`Answer::reply`].
    pub fn call(&mut self, request: &Request<'_>) -> Result<Answer, Error> {
        self.call_with(request, &mut |_| ())
    }

    /// Asks, and waits for the answer for as long as the daemon says that it is at work; meanwhile
    /// `heard` is told how far that has come. To have the daemon give up, drop the client.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn call_with(
        &mut self,
        request: &Request<'_>,
        heard: &mut dyn FnMut(Progress),
    ) -> Result<Answer, Error> {
        let asked = self.send(request)?;
        loop {
            let (id, answer) = self.receive()?;
            if id != asked {
                return Err(Error::Unasked { id });
            }
            if !answer.is_progress() {
                return Ok(answer);
            }
            if let Reply::Progress(events) = answer.reply()? {
                events.into_iter().for_each(&mut *heard);
            }
        }
    }

    /// Sends a request without waiting. Its id comes back with the answer.
    ///
    /// # Errors
    /// [`Error::Connection`], [`Error::Refused`], or [`Error::Protocol`] when it is over the limit.
    pub fn send(&mut self, request: &Request<'_>) -> Result<u64, Error> {
        let mut out = Vec::with_capacity(256);
        if !self.greeted {
            greet(&mut out);
        }
        let id = self.last_id + 1;
        Envelope { id, body: &request.encode() }.write(&mut out, REQUEST_LIMIT)?;
        if let Err(source) = self.writer.write_all(&out).and_then(|()| self.writer.flush()) {
            return Err(self
                .refusal()
                .unwrap_or_else(|| self.broken("sending the request", source)));
        }
        self.greeted = true;
        self.last_id = id;
        Ok(id)
    }

    /// Waits for the next answer, whichever request it belongs to. It may be
    /// [progress](Answer::is_progress), after which the request has more answers.
    ///
    /// # Errors
    /// Whatever keeps the answer from coming.
    pub fn receive(&mut self) -> Result<(u64, Answer), Error> {
        loop {
            match self.inbox.take()? {
                Ok(answer) => return Ok(answer),
                Err(missing) => self.read(missing)?,
            }
        }
    }

    /// Reads once, or as often as `missing` bytes take when they are known to be many.
    fn read(&mut self, missing: usize) -> Result<(), Error> {
        let buffer = self.inbox.room();
        let result = if missing > Inbox::CHUNK {
            buffer.reserve_exact(missing + 64);
            (&mut self.reader).take(missing as u64).read_to_end(buffer)
        } else {
            let start = buffer.len();
            buffer.resize(start + Inbox::CHUNK, 0);
            let result = loop {
                match self.reader.read(buffer.get_mut(start..).unwrap_or_default()) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => break result,
                }
            };
            buffer.truncate(start + result.as_ref().map_or(0, |&count| count));
            result
        };
        match result {
            Ok(0) => Err(Error::Closed),
            Ok(_) => Ok(()),
            Err(source) => Err(self.broken("waiting for the answer", source)),
        }
    }

    /// A daemon that refuses a connection says why and closes it, which may fail our write before
    /// the reason was read.
    fn refusal(&mut self) -> Option<Error> {
        match self.receive() {
            Err(error @ (Error::Refused(_) | Error::Protocol(_))) => Some(error),
            _ => None,
        }
    }

    fn broken(&self, context: &'static str, source: io::Error) -> Error {
        match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Error::Timeout { after: self.deadline }
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Error::Closed,
            _ => Error::Connection { context, source },
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("last_id", &self.last_id).finish_non_exhaustive()
    }
}

/// What a failed connect(2) means.
pub(crate) fn connecting(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Error::Absent { path: path.to_owned(), source }
        }
        _ => Error::path(path, "connecting", source),
    }
}

/// Only a process of our own user is told anything.
pub(crate) fn check_server(path: &Path, socket: impl std::os::fd::AsFd) -> Result<(), Error> {
    let server =
        Peer::of(socket).map_err(|source| Error::path(path, "asking who listens", source))?;
    let ours = crate::peer::own_uid();
    if server.uid == ours {
        Ok(())
    } else {
        Err(Error::ForeignServer { path: path.to_owned(), theirs: server.uid, ours })
    }
}
