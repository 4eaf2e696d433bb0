//! Plans of the engine, compared with what `apt-get -s` says of the same root.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "helpers of tests: they may fail by panicking, say what they skip, and build small texts"
)]

mod cases;
mod commit;
mod compare;
mod contract;
mod draw;
mod random;
mod root;
mod world;
