//! What this crate says of real systems, compared with what pacman says.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "helpers of tests: they may fail by panicking, say what they skip, and build small texts"
)]

mod available;
mod catalogue;
mod conf;
mod contract;
mod local;
mod oracle;
mod queries;
mod refresh;
mod roots;
mod sync;
mod version;
