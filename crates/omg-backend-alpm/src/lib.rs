//! Reading Arch systems: pacman.conf, sync databases, the local database and file lists.
//!
//! Everything is read in Rust from the files themselves, below a given root; no native library is
//! linked and no program is run. Answers agree with pacman's own.
#![forbid(unsafe_code)]

pub mod archive;
mod choice;
pub mod conf;
pub mod desc;
pub mod details;
mod error;
pub mod files;
mod generation;
mod graph;
mod groups;
pub mod local;
mod manager;
pub mod mtree;
pub mod relation;
mod rules;
pub mod sync;
pub mod version;

pub use error::Error;
pub use manager::Alpm;
pub use rules::Rules;
