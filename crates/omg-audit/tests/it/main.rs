//! The log as its users and its enemies meet it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests: they may fail by panicking, and say what they skip"
)]

mod child;
mod clock;
mod crash;
mod damage;
mod export;
mod failing;
mod full;
mod log;
mod merkle;
mod owner;
mod power;
mod race;
mod read;
mod secrets;
mod tamper;
mod world;
