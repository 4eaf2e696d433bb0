//! What `omgd` and an engine process say to each other, and who keeps an engine running.
#![forbid(unsafe_code)]

mod client;

pub use client::Engine;
