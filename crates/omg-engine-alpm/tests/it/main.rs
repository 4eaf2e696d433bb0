//! Plans of this crate, compared with what pacman itself would do on the same root.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "helpers of tests: they may fail by panicking, and say what they skip"
)]

mod contract;
mod crafted;
mod entry;
mod era;
mod oracle;
mod partial;
mod process;
mod random;
mod real;
mod refused;
mod root;
