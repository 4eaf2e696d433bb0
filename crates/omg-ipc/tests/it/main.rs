//! The socket, its two clients and its server, against each other and against hostile peers.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::format_collect,
    reason = "tests fail by panicking and say what they skip; their texts are short"
)]

mod clients;
mod doc;
mod fairness;
mod foreign;
mod heap;
mod hostile;
mod lifetime;
mod listening;
mod progress;
mod support;
