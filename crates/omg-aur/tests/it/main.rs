//! What this crate makes of real answers, real recipes and hostile servers.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests: they may fail by panicking, and say what they skip"
)]

mod both;
mod build;
mod data;
mod dump;
mod recipes;
mod resolve;
mod review;
mod rpc;
mod server;
mod srcinfo;
mod world;
