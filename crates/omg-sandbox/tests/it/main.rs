//! The walls, tried from inside.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests: they may fail by panicking, and say what they skip or find"
)]

mod limits;
mod probes;
mod refusals;
mod site;
