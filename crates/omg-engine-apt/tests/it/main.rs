//! Plans of the engine, compared with what `apt-get -s` says of the same root.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: they may fail by panicking, and say what they skip"
)]

mod cases;
mod compare;
mod draw;
mod random;
mod root;
mod speed;
mod world;
