//! Reading Arch systems: pacman.conf, sync databases, the local database and file lists.
//!
//! Everything is read in Rust from the files themselves, below a given root; no native library is
//! linked and no program is run. Answers agree with pacman's own: candidates with `pacman -S` and
//! `-Qu`, orphans with `-Qdt`, owners with `-Qo`, files with `-Ql`, `-F` and `-Fl`.
//!
//! What is read is what was verified when it was put in place; [`lists`] is how databases get there.
//!
//! This crate must not know of the index, the caches, the daemon, the AUR or the command line, and it
//! never writes below the root but in [`lists::install`] and [`lists::recover`].
//!
//! ```no_run
//! use std::path::Path;
//! use omg_backend::PackageManager;
//!
//! let alpm = omg_backend_alpm::Alpm::open(Path::new("/"))?;
//! assert!(alpm.watched().iter().any(|path| path.ends_with("var/lib/pacman")));
//! # Ok::<(), omg_backend_alpm::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod archive;
mod archived;
mod choice;
pub mod conf;
pub mod desc;
pub mod details;
mod error;
pub mod files;
mod generation;
mod graph;
pub mod holds;
pub mod lists;
pub mod local;
mod manager;
pub mod mtree;
pub mod relation;
mod rules;
mod staging;
pub mod sync;
pub mod version;

pub use error::Error;
pub use manager::Alpm;
pub use rules::Rules;
pub use staging::verify_package;
