//! Reading Debian systems: dpkg's database and apt's lists, sources, preferences and policy.
//!
//! Everything is read in Rust from the files themselves, below a given root; no native library is
//! linked and no program is run. Answers agree with apt's own: candidates with `apt-cache policy`,
//! automatic orphans with `apt-get -s autoremove`, owners with `dpkg -S`.
//!
//! What is read is what was verified when it was put in place; [`lists`] is how lists get there.
//!
//! This crate must not know of the index, the caches, the daemon or the command line, and it never
//! writes below the root but in [`lists::install`] and [`lists::recover`].
//!
//! ```no_run
//! use std::path::Path;
//! use omg_backend::PackageManager;
//!
//! let dpkg = omg_backend_dpkg::Dpkg::open(Path::new("/"))?;
//! assert!(dpkg.watched().iter().any(|path| path.ends_with("var/lib/dpkg")));
//! # Ok::<(), omg_backend_dpkg::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod apt;
pub mod deb822;
pub mod details;
mod error;
mod extended;
pub mod files;
mod graph;
pub mod lists;
mod manager;
mod orphans;
pub mod relation;
mod staging;
pub mod status;
pub mod version;

pub use error::Error;
pub use manager::Dpkg;
pub use orphans::{AutoRemove, running_kernel};
