//! The index as its users see it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod lookup;
mod origins;
mod sample;
mod search;
