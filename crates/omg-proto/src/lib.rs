//! The wire protocol of OMG: bytes in, messages out. Opens no socket.
//!
//! * [`snapshot`]: the layout of the L0 status file; needs no std and nothing of the rest.
//! * [`Request`], [`Reply`]: what can be asked and answered.
//! * [`frame`]: length-prefixed frames, the handshake, and their limits.
//!
//! `docs/protocol.md` describes the bytes for clients in other languages.
#![cfg_attr(not(any(feature = "messages", test)), no_std)]
#![forbid(unsafe_code)]

pub mod snapshot;

#[cfg(feature = "messages")]
mod error;
#[cfg(feature = "messages")]
mod found;
#[cfg(feature = "messages")]
pub mod frame;
#[cfg(feature = "messages")]
mod reply;
#[cfg(feature = "messages")]
mod request;

#[cfg(feature = "messages")]
pub use error::Error;
#[cfg(feature = "messages")]
pub use found::Found;
#[cfg(feature = "messages")]
pub use reply::Reply;
#[cfg(feature = "messages")]
pub use request::{ListFilter, Query, QueryKind, Request, StoreTask, providers_text, targets_text};

/// Protocol number in the handshake. Raised when any message changes its bytes.
pub const PROTOCOL: u16 = 3;
