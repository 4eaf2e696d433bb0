//! Reading Debian systems: dpkg's database and apt's lists, sources, preferences and policy.
//!
//! Everything is read in Rust from the files themselves, below a given root; no native library is
//! linked and no program is run. Answers agree with apt's own: candidates with `apt-cache policy`,
//! automatic orphans with `apt-get -s autoremove`, owners with `dpkg -S`.
//!
//! This crate must not know of the index, the caches, the daemon or the command line; it never
//! writes, and it verifies nothing: it reads what apt has verified already.
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
mod manager;
mod orphans;
pub mod relation;
pub mod status;
pub mod version;

pub use error::Error;
pub use manager::Dpkg;
pub use orphans::{AutoRemove, running_kernel};
