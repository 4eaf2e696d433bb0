//! Frames: a `u32` big-endian length, then a payload of that length.
//!
//! The payload of the first frame in each direction is a bitcode [`Hello`]; a client sends it in the
//! same write as its first request. The payload of all later frames is an [`Envelope`]: a `u64`
//! big-endian id, then a bitcode [`Request`](crate::Request) or [`Reply`](crate::Reply). The id stands
//! outside the bitcode so that a cached reply is sent as it is, under any id.

use bitcode::{Decode, Encode};

use crate::{Error, PROTOCOL};

/// Bytes of the length prefix.
pub const PREFIX: usize = 4;

/// Bytes of an envelope's id.
pub const ID: usize = 8;

/// Largest payload from client to daemon. Small, because bitcode can expand a hostile payload
/// about 90 times on decoding.
pub const REQUEST_LIMIT: u32 = 64 * 1024;

/// Largest payload from daemon to client.
pub const REPLY_LIMIT: u32 = 16 * 1024 * 1024;

/// First number in a [`Hello`]: "OMGP".
pub const MAGIC: u32 = 0x4F4D_4750;

/// The first frame in each direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Hello<'a> {
    /// [`MAGIC`].
    pub magic: u32,
    /// [`PROTOCOL`] of the sender.
    pub protocol: u16,
    /// Version of the sender's build, for messages only.
    pub build: &'a str,
    /// Process id of the sender; the receiver trusts the kernel's answer, not this.
    pub pid: u32,
}

impl<'a> Hello<'a> {
    /// Our own greeting.
    pub fn ours(build: &'a str, pid: u32) -> Self {
        Self { magic: MAGIC, protocol: PROTOCOL, build, pid }
    }

    /// Appends this greeting's frame to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let payload = bitcode::encode(self);
        out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&payload);
    }

    /// Reads a greeting and refuses other protocols.
    ///
    /// # Errors
    /// [`Error::Undecodable`], [`Error::NotOmg`], [`Error::Version`].
    pub fn decode(payload: &'a [u8]) -> Result<Self, Error> {
        let hello: Self = bitcode::decode(payload)
            .map_err(|source| Error::Undecodable { what: "greeting", source })?;
        if hello.magic != MAGIC {
            Err(Error::NotOmg)
        } else if hello.protocol != PROTOCOL {
            Err(Error::Version { ours: PROTOCOL, theirs: hello.protocol })
        } else {
            Ok(hello)
        }
    }
}

/// Every frame but the first: an id, then the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope<'a> {
    /// Chosen by the client; the reply carries the same number.
    pub id: u64,
    /// An encoded request or reply.
    pub body: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Reads the payload of a frame. The body stays borrowed from it.
    ///
    /// # Errors
    /// [`Error::NoId`].
    pub fn decode(payload: &'a [u8]) -> Result<Self, Error> {
        let (id, body) = payload.split_first_chunk::<{ ID }>().ok_or(Error::NoId)?;
        Ok(Self { id: u64::from_be_bytes(*id), body })
    }

    /// Appends this envelope's frame to `out`.
    ///
    /// # Errors
    /// [`Error::FrameTooLarge`] if the payload is over `limit`; `out` is then as before.
    pub fn write(&self, out: &mut Vec<u8>, limit: u32) -> Result<(), Error> {
        let length = fits(ID + self.body.len(), limit)?;
        out.reserve(PREFIX + ID + self.body.len());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(self.body);
        Ok(())
    }

    /// Prefix and id of a frame whose body of `length` bytes follows, for a vectored write.
    ///
    /// # Errors
    /// [`Error::FrameTooLarge`] if the payload is over `limit`.
    pub fn header(id: u64, length: usize, limit: u32) -> Result<[u8; PREFIX + ID], Error> {
        let length = fits(ID + length, limit)?;
        let mut header = [0; PREFIX + ID];
        header[..PREFIX].copy_from_slice(&length.to_be_bytes());
        header[PREFIX..].copy_from_slice(&id.to_be_bytes());
        Ok(header)
    }
}

fn fits(length: usize, limit: u32) -> Result<u32, Error> {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    if length > limit { Err(Error::FrameTooLarge { length, limit }) } else { Ok(length) }
}

/// Finds the first whole frame in `bytes`: the range of its payload. `None` means "not enough yet".
///
/// # Errors
/// [`Error::FrameTooLarge`] as soon as the prefix is there, before any room is made for the payload.
pub fn next(bytes: &[u8], limit: u32) -> Result<Option<std::ops::Range<usize>>, Error> {
    let Some(prefix) = bytes.first_chunk::<PREFIX>() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix);
    if length > limit {
        return Err(Error::FrameTooLarge { length, limit });
    }
    let end = PREFIX + length as usize;
    Ok((bytes.len() >= end).then_some(PREFIX..end))
}
