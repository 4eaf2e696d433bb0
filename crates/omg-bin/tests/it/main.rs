//! Whole runs of `omg` over a small system, with a daemon for each command and with one that stays.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may fail the test"
)]

mod arch;
mod archive;
mod aur;
mod change;
mod engine;
mod escape;
mod exits;
mod holds;
mod json;
mod lifecycle;
mod log;
mod omgd;
mod pages;
mod plans;
mod power;
mod schemas;
mod shop;
mod snapshots;
mod support;
mod terminal;
