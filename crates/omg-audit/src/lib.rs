//! The log of changes: append-only, hash-chained, signed; written, read, verified, exported.
//!
//! A [`Log`] is the writer. [`Log::begin`] makes an *intent* durable before anything is changed, and what
//! became of it is recorded by [`Pending::commit`] or [`Pending::abort`]; if the process dies in between,
//! the next writer records that. A [`Reader`] reads beside a writer, also as another user. [`verify`] says
//! whether a log is what was written, and shares nothing with the writer but the [`Record`].
//!
//! This crate knows nothing of package managers, settings or environments. It decides nothing: it writes
//! down what it is told, and says so if it can't.
//!
//! `docs/audit.md` describes the format, and what the log can and can't prove.
#![forbid(unsafe_code)]

mod actor;
mod bytes;
mod checkpoint;
mod clock;
mod entry;
mod error;
pub mod export;
mod log;
mod read;
mod record;
pub mod redact;
pub mod verify;

pub use bytes::{Bytes, Hash, Id, NotHex};
pub use clock::Time;
pub use entry::{Done, Entry};
pub use error::{Error, Result};
pub use log::{Log, Options, Pending, default_pin};
pub use read::{Change, Ended, Filter, Reader};
pub use record::{
    Actor, Evidence, Index, MAX_RECORD, NotARecord, Outcome, Phase, Record, Rotation, Ruling,
    Signer, Subject, VERSION, Via,
};
