//! Frames between the daemon and an engine: a `u32` big-endian length, then a payload.
//!
//! The first frame in each direction is a [`Hello`]. Every later one from the daemon is an ask: id and
//! state (`u64`, big-endian), then a bitcode [`Change`]. Every later one from the engine is an answer:
//! id, a byte that tells a plan from a fault, then a plan or a bitcode [`Fault`]. A plan
//! is its seven lists, each with its length in bytes (`u32`, big-endian) before its bitcode.

mod list;
mod order;
mod plan;
mod text;

use std::io::{self, Read};

use bitcode::{Decode, Encode};
use omg_core::{Change, Fault, Generation, Plan};

use crate::Error;
pub use order::{
    ARTIFACTS, EVENT_LIMIT, Event, ORDER_LIMIT, SIGNATURE_LIMIT, decode_event, decode_order,
    event_frame, order_frame,
};
pub(crate) use text::clean;

/// Raised whenever any message changes its bytes, and so whenever `Change`, `Plan` or `Fault` does.
pub const PROTOCOL: u16 = 2;

/// First number in a [`Hello`]: "OMGE".
const MAGIC: u32 = 0x4F4D_4745;

/// Largest greeting, bytes.
pub const HELLO_LIMIT: u32 = 256;

/// Largest payload of an ask, bytes: a change that came in a client's frame of 64 KiB fits, with its
/// options.
pub const ASK_LIMIT: u32 = 72 * 1024;

/// Largest payload of an answer, bytes.
pub const ANSWER_LIMIT: u32 = 16 * 1024 * 1024;

/// Largest bitcode of a fault, bytes. It can grow 200 times on decoding.
const FAULT_LIMIT: usize = 64 * 1024;

/// Bytes of a frame's length, and of a part's in a plan.
pub const PREFIX: usize = 4;

const PLAN: u8 = 0;
const FAULT: u8 = 1;

/// The first frame in each direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Hello<'a> {
    magic: u32,
    protocol: u16,
    /// Version of the sender, for messages only.
    pub build: &'a str,
}

impl<'a> Hello<'a> {
    /// Our own greeting, as a frame.
    pub fn frame() -> Vec<u8> {
        let hello = Self { magic: MAGIC, protocol: PROTOCOL, build: env!("CARGO_PKG_VERSION") };
        framed(|out| out.extend_from_slice(&bitcode::encode(&hello)))
    }

    /// Reads a greeting and refuses other protocols.
    ///
    /// # Errors
    /// [`Error::Undecodable`], [`Error::NotEngine`], [`Error::Version`].
    pub fn decode(payload: &'a [u8]) -> Result<Self, Error> {
        let hello: Self = bitcode::decode(payload)
            .map_err(|source| Error::Undecodable { what: "greeting", source })?;
        match hello {
            Self { magic: MAGIC, protocol: PROTOCOL, .. } => Ok(hello),
            Self { magic: MAGIC, protocol: theirs, .. } => {
                Err(Error::Version { ours: PROTOCOL, theirs })
            }
            _ => Err(Error::NotEngine),
        }
    }
}

/// A question of the daemon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    /// Chosen by the daemon; the answer carries it too.
    pub id: u64,
    /// The state of the system that the answer is to be about.
    pub state: Generation,
    /// What is wanted.
    pub change: Change,
}

impl Ask {
    /// The frame of an ask.
    ///
    /// # Errors
    /// [`Error::Limit`]: the change is too large.
    pub fn frame(id: u64, state: Generation, change: &Change) -> Result<Vec<u8>, Error> {
        limit_change(change)?;
        let frame = framed(|out| {
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&state.0.to_be_bytes());
            out.extend_from_slice(&bitcode::encode(change));
        });
        limit("frame of a change", frame.len() - PREFIX, ASK_LIMIT as usize)?;
        Ok(frame)
    }

    /// Reads an ask's payload.
    ///
    /// # Errors
    /// [`Error::Limit`], [`Error::Length`], [`Error::Undecodable`].
    pub fn decode(payload: &[u8]) -> Result<Self, Error> {
        limit("frame of a change", payload.len(), ASK_LIMIT as usize)?;
        let (id, rest) = number(payload)?;
        let (state, rest) = number(rest)?;
        let change: Change = bitcode::decode(rest)
            .map_err(|source| Error::Undecodable { what: "change", source })?;
        limit_change(&change)?;
        Ok(Self { id, state: Generation(state), change })
    }
}

fn limit_change(change: &Change) -> Result<(), Error> {
    limit("list of targets", change.targets.len(), Change::TARGET_LIMIT)?;
    limit("list of providers", change.providers.len(), Change::TARGET_LIMIT)
}

/// The frame of an answer. One that is over a limit becomes a fault that says so.
pub fn answer_frame(id: u64, answer: Result<Plan, Fault>) -> Vec<u8> {
    let failed = match answer {
        Ok(plan) => match plan::encode(plan) {
            Ok(bytes) if bytes.len() + 9 <= ANSWER_LIMIT as usize => {
                return answered(id, PLAN, &bytes);
            }
            Ok(bytes) => Fault::from(Error::Limit {
                what: "plan",
                length: bytes.len() as u64,
                limit: ANSWER_LIMIT.into(),
            }),
            Err(error) => error.into(),
        },
        Err(fault) => fault,
    };
    answered(id, FAULT, &bitcode::encode(&text::cleaned(failed)))
}

fn answered(id: u64, kind: u8, body: &[u8]) -> Vec<u8> {
    framed(|out| {
        out.reserve_exact(9 + body.len());
        out.extend_from_slice(&id.to_be_bytes());
        out.push(kind);
        out.extend_from_slice(body);
    })
}

/// An answer's id, and what it says. A plan that says what no plan can say comes back as a fault with
/// [`Code::Malformed`](omg_core::Code::Malformed). No payload within the limits makes it panic, or take more memory
/// than 400 MiB, for 200,000 items of every kind; a plan of today's largest systems takes 30.
///
/// # Errors
/// [`Error::Limit`], [`Error::Length`], [`Error::Undecodable`]: what follows it makes no sense either.
pub fn decode_answer(payload: &[u8]) -> Result<(u64, Result<Plan, Fault>), Error> {
    let (id, rest) = number(payload)?;
    match rest.split_first() {
        Some((&PLAN, body)) => match plan::decode(body) {
            Ok(plan) => Ok((id, Ok(plan))),
            Err(error) if error.is_about_one_answer() => Ok((id, Err(error.into()))),
            Err(error) => Err(error),
        },
        Some((&FAULT, body)) => {
            limit("fault", body.len(), FAULT_LIMIT)?;
            let fault: Fault = bitcode::decode(body)
                .map_err(|source| Error::Undecodable { what: "fault", source })?;
            Ok((id, Err(text::cleaned(fault))))
        }
        _ => Err(Error::Length { what: "answer" }),
    }
}

/// Reads a frame's payload of `most` bytes at the most; `None` at the end of the stream.
///
/// # Errors
/// [`Error::Limit`] before room is made, [`Error::Pipe`], also if the stream ends within the frame.
pub fn read(stream: &mut impl Read, most: u32) -> Result<Option<Vec<u8>>, Error> {
    let pipe = |source| Error::Pipe { context: "reading a frame", source };
    let mut prefix = Vec::with_capacity(PREFIX);
    stream.take(PREFIX as u64).read_to_end(&mut prefix).map_err(pipe)?;
    let Some(prefix) = prefix.first_chunk() else {
        let cut = io::ErrorKind::UnexpectedEof.into();
        return if prefix.is_empty() { Ok(None) } else { Err(pipe(cut)) };
    };
    let length = length(*prefix, most)?;
    let mut payload = Vec::new();
    stream.take(length.into()).read_to_end(&mut payload).map_err(pipe)?;
    if payload.len() < length as usize {
        return Err(pipe(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(Some(payload))
}

/// The length that a frame begins with, before anything is allocated for it.
///
/// # Errors
/// [`Error::Limit`]: it is over `most`.
pub fn length(prefix: [u8; PREFIX], most: u32) -> Result<u32, Error> {
    let length = u32::from_be_bytes(prefix);
    limit("frame", length as usize, most as usize)?;
    Ok(length)
}

/// A frame around what `write` appends.
fn framed(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![0; PREFIX];
    write(&mut out);
    let length = u32::try_from(out.len() - PREFIX).unwrap_or(u32::MAX);
    if let Some(prefix) = out.first_chunk_mut() {
        *prefix = length.to_be_bytes();
    }
    out
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), Error> {
    let (number, rest) = bytes.split_first_chunk().ok_or(Error::Length { what: "message" })?;
    Ok((u64::from_be_bytes(*number), rest))
}

fn limit(what: &'static str, length: usize, limit: usize) -> Result<(), Error> {
    if length > limit {
        return Err(Error::Limit { what, length: length as u64, limit: limit as u64 });
    }
    Ok(())
}
