//! What this crate says of real systems, compared with what dpkg and apt say.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::format_collect,
    reason = "helpers of tests: they may fail by panicking, say what they skip, and build small texts"
)]

mod available;
mod files;
mod installed;
mod oracle;
mod orphans;
mod roots;
mod sync;
mod version;
