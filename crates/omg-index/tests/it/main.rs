//! The index as its users see it.

mod lookup;
mod sample;
mod search;
