//! Plans as `apt-get` would make them, computed by libapt itself.
//!
//! [`Apt`] opens libapt's cache of a root and keeps it; each plan marks packages, in the order and
//! with the calls of `apt-get` (`apt-private/private-install.cc`), reads what came of it, and takes
//! the marks back. `docs/plans.md` tells where plans differ from `apt-get -s`, and why.
//!
//! [`AptCommitter`] changes the system: it takes apt's and dpkg's locks, plans as root, and has libapt
//! carry out what is marked, on archives that `omg-commit` copied and verified.
//!
//! This is the only crate that links libapt-pkg. It must not know of the daemon, the wire, the index
//! or the command line. [`Apt`] takes no lock, writes nothing below the root and changes no package.
#![deny(unsafe_code)]

mod apt;
mod archive;
mod commit;
mod describe;
mod error;
mod held;
mod mark;
mod names;
mod open;
mod providers;
mod reason;
mod release;
mod select;
mod session;
mod settings;
mod sweep;
mod unmet;

pub use apt::Apt;
pub use commit::AptCommitter;
pub use error::Error;
