//! Reading Arch systems: pacman.conf, sync databases, the local database and file lists.
//!
//! Everything is read in Rust from the files themselves, below a given root; no native library is
//! linked and no program is run. Answers agree with pacman's own: candidates with `pacman -S` and
//! `-Qu`, orphans with `-Qdt`, owners with `-Qo`, files with `-Ql`, `-F` and `-Fl`.
//!
//! This crate must not know of the index, the caches, the daemon, the AUR or the command line; it
//! never writes, and it verifies nothing: it reads what pacman has verified already.
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
mod choice;
pub mod conf;
pub mod desc;
pub mod details;
mod error;
pub mod files;
mod generation;
mod graph;
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
