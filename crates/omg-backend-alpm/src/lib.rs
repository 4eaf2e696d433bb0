//! Reading Arch systems: pacman.conf, sync databases, the local database and file lists.
//!
//! Everything is read in Rust from the files themselves, below a given root; no native library is
//! linked and no program is run. Answers agree with pacman's own.
#![forbid(unsafe_code)]

pub mod desc;
mod error;
pub mod relation;
pub mod version;

pub use error::Error;
