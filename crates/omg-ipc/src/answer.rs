//! What both clients share: the greeting, and finding answers in a stream of bytes.

use std::ops::Range;

use omg_proto::Reply;
use omg_proto::frame::{Envelope, Hello, ID, PREFIX, REPLY_LIMIT};

use crate::{BUILD, Error};

/// A reply frame. It owns the bytes that its [`Reply`] borrows from.
#[derive(Clone, Debug)]
pub struct Answer {
    bytes: Vec<u8>,
    body: Range<usize>,
}

impl Answer {
    /// Decodes the reply. A refusal of the request is an `Ok` with [`Reply::Fault`] in it.
    ///
    /// # Errors
    /// [`Error::Protocol`].
    pub fn reply(&self) -> Result<Reply<'_>, Error> {
        Ok(Reply::decode(self.body())?)
    }

    /// Is it progress, after which more comes for the same request?
    pub fn is_progress(&self) -> bool {
        Reply::is_progress(self.body())
    }

    /// The encoded reply.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.body.clone()).unwrap_or_default()
    }
}

/// Id of frames that answer no request: the connection as a whole is refused.
pub(crate) const CONNECTION: u64 = 0;

/// Appends our greeting to the first bytes that go out.
pub(crate) fn greet(out: &mut Vec<u8>) {
    Hello::ours(BUILD, std::process::id()).write(out);
}

/// Bytes received and not yet taken.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    greeted: bool,
}

impl Inbox {
    /// How many bytes a first read asks for: enough for most answers with the greeting before it.
    pub(crate) const CHUNK: usize = 16 * 1024;

    /// Takes the next answer. `Ok(Err(n))` says that at least `n` more bytes must come first.
    pub(crate) fn take(&mut self) -> Result<Result<(u64, Answer), usize>, Error> {
        let mut payload = match self.next()? {
            Ok(payload) => payload,
            Err(missing) => return Ok(Err(missing)),
        };
        if !self.greeted {
            Hello::decode(self.bytes.get(payload).unwrap_or_default())?;
            self.greeted = true;
            payload = match self.next()? {
                Ok(payload) => payload,
                Err(missing) => return Ok(Err(missing)),
            };
        }
        let envelope = Envelope::decode(self.bytes.get(payload.clone()).unwrap_or_default())?;
        let id = envelope.id;
        if id == CONNECTION {
            return Err(match Reply::decode(envelope.body)? {
                Reply::Fault(fault) => Error::Refused(fault),
                _ => Error::Unasked { id },
            });
        }
        let body = payload.start + ID..payload.end;
        if self.start == self.bytes.len() {
            // Nothing follows, as is usual: the answer takes the buffer instead of a copy.
            self.start = 0;
            return Ok(Ok((id, Answer { bytes: std::mem::take(&mut self.bytes), body })));
        }
        let bytes = self.bytes.get(body).unwrap_or_default().to_vec();
        let body = 0..bytes.len();
        Ok(Ok((id, Answer { bytes, body })))
    }

    /// Finds and consumes the next frame: the range of its payload.
    fn next(&mut self) -> Result<Result<Range<usize>, usize>, Error> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        if let Some(payload) = omg_proto::frame::next(rest, REPLY_LIMIT)? {
            let payload = self.start + payload.start..self.start + payload.end;
            self.start = payload.end;
            return Ok(Ok(payload));
        }
        let whole = rest
            .first_chunk::<PREFIX>()
            .map_or(PREFIX, |prefix| PREFIX + u32::from_be_bytes(*prefix) as usize);
        Ok(Err(whole - rest.len()))
    }

    /// The buffer to append received bytes to.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        &mut self.bytes
    }
}
