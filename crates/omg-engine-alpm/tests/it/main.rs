//! Plans of this crate, compared with what pacman itself would do on the same root.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "helpers of tests: they may fail by panicking, and say what they skip"
)]

mod commit;
mod commit_crash;
mod commit_disk;
mod commit_hostile;
mod commit_random;
mod contract;
mod crafted;
mod driver;
mod entry;
mod era;
mod oracle;
mod partial;
mod process;
mod process_commit;
mod random;
mod real;
mod refused;
mod root;
mod tree;
mod workshop;
