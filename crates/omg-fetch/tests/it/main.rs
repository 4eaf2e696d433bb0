//! What this crate makes of good mirrors, bad mirrors, bad disks and sudden ends.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests: they may fail by panicking, and say what they skip"
)]

mod child;
mod disk;
mod documents;
mod ends;
mod files;
mod hostile;
mod inward;
mod resume;
mod signatures;
mod store;
mod support;
mod tls;
