//! Replies that wait to be written together.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use omg_proto::Error;
use omg_proto::frame::{Envelope, REPLY_LIMIT};
use tokio::io::AsyncWrite;

/// Bodies up to this many bytes are copied behind each other; longer ones are written from where
/// they are.
const COPIED: usize = 16 * 1024;

/// When this many bytes wait, they are written before more requests are taken up.
const FULL: usize = 64 * 1024;

/// Bytes on their way to one peer.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Whole frames, and last the head of the frame that `long` is the body of.
    short: Vec<u8>,
    /// How much of `short` is written.
    written: usize,
    long: Bytes,
}

impl Outbox {
    /// Appends a frame. The caller flushes first when [`is_full`](Self::is_full).
    pub(super) fn push(&mut self, id: u64, body: Bytes) -> Result<(), Error> {
        if body.len() <= COPIED {
            return Envelope { id, body: &body }.write(&mut self.short, REPLY_LIMIT);
        }
        let header = Envelope::header(id, body.len(), REPLY_LIMIT)?;
        self.short.extend_from_slice(&header);
        self.long = body;
        Ok(())
    }

    /// The buffer itself, for the greeting that goes before all frames.
    pub(super) fn front(&mut self) -> &mut Vec<u8> {
        &mut self.short
    }

    pub(super) fn is_empty(&self) -> bool {
        self.short.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        !self.long.is_empty() || self.short.len() >= FULL
    }

    /// Writes all of it.
    pub(super) fn poll_flush(
        &mut self,
        writer: &mut (impl AsyncWrite + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.written < self.short.len() || !self.long.is_empty() {
            let head = self.short.get(self.written..).unwrap_or_default();
            let count = if self.long.is_empty() {
                ready!(Pin::new(&mut *writer).poll_write(context, head))?
            } else {
                let slices = [IoSlice::new(head), IoSlice::new(&self.long)];
                ready!(Pin::new(&mut *writer).poll_write_vectored(context, &slices))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_head = count.min(head.len());
            self.written += of_head;
            self.long.advance((count - of_head).min(self.long.len()));
        }
        self.short.clear();
        // A burst's worth of room is not kept for an idle connection.
        self.short.shrink_to(4096);
        self.written = 0;
        self.long = Bytes::new();
        Pin::new(writer).poll_flush(context)
    }
}
