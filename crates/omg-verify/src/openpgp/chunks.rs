//! Chunks of a file as sequoia reads them, without copying.

use std::fmt;
use std::io;
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

use buffered_reader::BufferedReader;
use sequoia_openpgp::parse::Cookie;

use crate::digest::Chunk;

/// Reads what comes through a channel.
pub(crate) struct Chunks {
    /// Never locked: it makes this shareable, as sequoia asks of readers.
    from: Mutex<Receiver<Chunk>>,
    chunk: Chunk,
    /// Bytes of the chunk that are used up.
    at: usize,
    cookie: Cookie,
}

impl Chunks {
    pub(crate) fn new(from: Receiver<Chunk>) -> Self {
        Self { from: Mutex::new(from), chunk: Chunk::default(), at: 0, cookie: Cookie::default() }
    }

    fn next(&mut self) -> Option<Chunk> {
        self.from.get_mut().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    fn rest(&self) -> &[u8] {
        self.chunk.get(self.at..).unwrap_or_default()
    }
}

impl BufferedReader<Cookie> for Chunks {
    fn buffer(&self) -> &[u8] {
        self.rest()
    }

    fn data(&mut self, amount: usize) -> io::Result<&[u8]> {
        if self.rest().is_empty()
            && let Some(next) = self.next()
        {
            self.chunk = next;
            self.at = 0;
        }
        // More is asked for than the chunk has only at its end; then the next ones are joined to it.
        while self.rest().len() < amount {
            let Some(next) = self.next() else { break };
            let mut joined = self.rest().to_vec();
            joined.extend_from_slice(&next);
            self.chunk = Chunk::new(joined);
            self.at = 0;
        }
        Ok(self.rest())
    }

    fn consume(&mut self, amount: usize) -> &[u8] {
        let from = self.at;
        // The trait asks for a panic where more is consumed than is there; less is consumed instead.
        self.at = (from + amount).min(self.chunk.len());
        self.chunk.get(from..).unwrap_or_default()
    }

    fn data_consume(&mut self, amount: usize) -> io::Result<&[u8]> {
        let amount = amount.min(self.data(amount)?.len());
        Ok(self.consume(amount))
    }

    fn data_consume_hard(&mut self, amount: usize) -> io::Result<&[u8]> {
        if self.data(amount)?.len() < amount {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.consume(amount))
    }

    fn get_mut(&mut self) -> Option<&mut dyn BufferedReader<Cookie>> {
        None
    }

    fn get_ref(&self) -> Option<&dyn BufferedReader<Cookie>> {
        None
    }

    fn into_inner<'b>(self: Box<Self>) -> Option<Box<dyn BufferedReader<Cookie> + 'b>>
    where
        Self: 'b,
    {
        None
    }

    fn cookie_set(&mut self, cookie: Cookie) -> Cookie {
        std::mem::replace(&mut self.cookie, cookie)
    }

    fn cookie_ref(&self) -> &Cookie {
        &self.cookie
    }

    fn cookie_mut(&mut self) -> &mut Cookie {
        &mut self.cookie
    }
}

impl io::Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.data_consume(into.len())?;
        let mut filled = 0;
        for (to, from) in into.iter_mut().zip(bytes) {
            *to = *from;
            filled += 1;
        }
        Ok(filled)
    }
}

impl fmt::Display for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chunks")
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("rest", &self.rest().len()).finish_non_exhaustive()
    }
}
