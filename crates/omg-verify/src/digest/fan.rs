//! One read, many digests: chunks of a file are handed to a thread for each digest.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::{Also, CHUNK, Digests, Hasher};
use crate::Error;

/// Files of fewer bytes are read and digested by the calling thread alone.
const SMALL: u64 = 2 << 20;

/// Chunks that may wait for a slow digest.
const DEPTH: usize = 4;

/// Bytes shared by all digests.
pub(crate) type Chunk = Arc<Vec<u8>>;

/// What takes the chunks in a thread of its own, in order; the channel ends with the file.
pub(crate) type Consumer<'a, T> = Box<dyn FnOnce(Receiver<Chunk>) -> T + Send + 'a>;

/// Where chunks come from.
pub(crate) trait Feed {
    /// Fills the chunk from the front; fewer bytes than it has room for mean the end.
    fn next(&mut self, into: &mut Vec<u8>) -> Result<(), Error>;
}

/// An open file from its first byte on; its own position is neither used nor moved.
pub(crate) struct FileFeed<'a> {
    file: &'a File,
    at: u64,
    /// Bytes after which reading stops: one more than may be there, so that too many are noticed.
    end: u64,
}

pub(crate) fn feed_file(file: &File, limit: Option<u64>) -> FileFeed<'_> {
    FileFeed { file, at: 0, end: limit.map_or(u64::MAX, |it| it.saturating_add(1)) }
}

impl Feed for FileFeed<'_> {
    fn next(&mut self, into: &mut Vec<u8>) -> Result<(), Error> {
        let room = usize::try_from(self.end - self.at).map_or(CHUNK, |it| it.min(CHUNK));
        into.resize(room, 0);
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|it| !it.is_empty()) {
            match self.file.read_at(rest, self.at + filled as u64) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Stream { context: "reading a file", source }),
            }
        }
        into.truncate(filled);
        self.at += filled as u64;
        Ok(())
    }
}

/// Bytes in memory.
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl Feed for Bytes<'_> {
    fn next(&mut self, into: &mut Vec<u8>) -> Result<(), Error> {
        let (now, rest) = self.0.split_at(self.0.len().min(CHUNK));
        into.clear();
        into.extend_from_slice(now);
        self.0 = rest;
        Ok(())
    }
}

/// A reader whose bytes are written elsewhere as they go by.
pub(crate) struct CopyFeed<'a, R> {
    from: R,
    to: &'a File,
    left: u64,
}

pub(crate) fn feed_copy<R: Read>(from: R, to: &File, limit: Option<u64>) -> CopyFeed<'_, R> {
    CopyFeed { from, to, left: limit.map_or(u64::MAX, |it| it.saturating_add(1)) }
}

impl<R: Read> Feed for CopyFeed<'_, R> {
    fn next(&mut self, into: &mut Vec<u8>) -> Result<(), Error> {
        into.clear();
        (&mut self.from)
            .take(self.left.min(CHUNK as u64))
            .read_to_end(into)
            .map_err(|source| Error::Stream { context: "reading what is to be copied", source })?;
        self.left -= into.len() as u64;
        (&mut &*self.to)
            .write_all(into)
            .map_err(|source| Error::Stream { context: "writing the copy", source })
    }
}

/// Reads all of it and gives each chunk to the digests and to the consumer, each in its own thread.
///
/// Returns the digests and what the consumer made of the chunks. If reading fails, so does this,
/// whatever the consumer says of what it got.
pub(crate) fn run<T: Send>(
    feed: &mut impl Feed,
    also: Also,
    consumer: Consumer<'_, T>,
) -> Result<(Digests, T), Error> {
    thread::scope(|scope| {
        let (to_consumer, chunks) = sync_channel(DEPTH);
        let consuming = scope.spawn(move || consumer(chunks));
        let digests = spread(feed, also, scope, vec![to_consumer]);
        // The channel is closed by now, so the consumer comes to its end.
        let made = consuming.join().map_err(|_| worker())?;
        Ok((digests?, made))
    })
}

fn worker() -> Error {
    Error::Worker { context: "computing digests" }
}

/// The digests of what the feed has.
pub(crate) fn digests(feed: &mut impl Feed, also: Also) -> Result<Digests, Error> {
    thread::scope(|scope| spread(feed, also, scope, Vec::new()))
}

/// Feeds one thread per digest, and the others that are given.
fn spread<'scope>(
    feed: &mut impl Feed,
    also: Also,
    scope: &'scope thread::Scope<'scope, '_>,
    mut channels: Vec<SyncSender<Chunk>>,
) -> Result<Digests, Error> {
    let Hasher { sha256, sha512, blake3, .. } = Hasher::new(also);
    let sha256 = digesting(scope, &mut channels, sha256, ring::digest::Context::update);
    let sha512 =
        sha512.map(|it| digesting(scope, &mut channels, it, super::sha512::Context::update));
    let blake3 = blake3.map(|it| {
        digesting(scope, &mut channels, it, |it, bytes| {
            it.update(bytes);
        })
    });
    let fed = give(feed, &channels);
    drop(channels);
    let sha256 = sha256.join().map_err(|_| worker())?;
    let sha512 = sha512.map(thread::ScopedJoinHandle::join).transpose().map_err(|_| worker())?;
    let blake3 = blake3.map(thread::ScopedJoinHandle::join).transpose().map_err(|_| worker())?;
    Ok(Hasher { size: fed?, sha256, sha512, blake3 }.finish())
}

fn digesting<'scope, H: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    channels: &mut Vec<SyncSender<Chunk>>,
    mut state: H,
    update: fn(&mut H, &[u8]),
) -> thread::ScopedJoinHandle<'scope, H> {
    let (sender, chunks) = sync_channel::<Chunk>(DEPTH);
    channels.push(sender);
    scope.spawn(move || {
        for chunk in chunks {
            update(&mut state, &chunk);
        }
        state
    })
}

/// Reads to the end and gives every chunk to every channel; says how many bytes there were. Chunks that
/// all are done with are used again.
fn give(feed: &mut impl Feed, channels: &[SyncSender<Chunk>]) -> Result<u64, Error> {
    let mut size = 0;
    let mut pool: Vec<Chunk> = Vec::with_capacity(DEPTH + 3);
    loop {
        let free = pool.iter().position(|it| Arc::strong_count(it) == 1);
        let mut chunk = free.map(|at| pool.swap_remove(at)).unwrap_or_default();
        let Some(bytes) = Arc::get_mut(&mut chunk) else { continue };
        feed.next(bytes)?;
        if bytes.is_empty() {
            return Ok(size);
        }
        size += bytes.len() as u64;
        for channel in channels {
            // A consumer may stop early; the digests never do.
            let _ = channel.send(Arc::clone(&chunk));
        }
        pool.push(chunk);
    }
}

/// Digests of an open file from its first byte on, whatever its position. Reading stops one byte
/// after `limit`.
pub fn file(file: &File, also: Also, limit: Option<u64>) -> Result<Digests, Error> {
    let length = file
        .metadata()
        .map_err(|source| Error::Stream { context: "asking for a file's size", source })?
        .len();
    let mut feed = feed_file(file, limit);
    if length <= SMALL { alone(&mut feed, also) } else { digests(&mut feed, also) }
}

/// Copies to an open file, from where that stands, and gives the digests of the bytes written.
/// Copying stops one byte after `limit`.
pub fn copy(from: impl Read, to: &File, also: Also, limit: Option<u64>) -> Result<Digests, Error> {
    let mut feed = feed_copy(from, to, limit);
    if limit.is_some_and(|it| it <= SMALL) {
        alone(&mut feed, also)
    } else {
        digests(&mut feed, also)
    }
}

fn alone(feed: &mut impl Feed, also: Also) -> Result<Digests, Error> {
    let mut hasher = Hasher::new(also);
    let mut chunk = Vec::new();
    loop {
        feed.next(&mut chunk)?;
        if chunk.is_empty() {
            return Ok(hasher.finish());
        }
        hasher.update(&chunk);
    }
}
