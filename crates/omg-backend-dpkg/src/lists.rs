//! Lists on their way into the system: fetched by the user's daemon, verified, and put into place by
//! the engine, all or none, exactly as apt names and keeps them.
//!
//! [`fetch`](crate::Dpkg) works without any right: what it leaves in a directory is a proposal.
//! [`install()`] is the side of root, and believes nothing of it: signature, dates and digests are
//! checked again with the root's own sources and keyrings. [`verify_chain`] tells of the lists that
//! are in place who signed for them. `docs/sync.md` has the flow and how it differs from apt's.

mod chain;
pub(crate) mod fetch;
mod install;
mod journal;
mod judge;
mod languages;
mod lock;
mod mirrors;
mod plain;
mod release;
mod signature;
mod state;

pub(crate) use chain::of_settings;
pub use chain::{Chain, Evidence, Known, ListTrust, Offered, verify_chain};
pub use install::install;
pub use journal::{interrupted, recover};
pub(crate) use languages::locale;
pub(crate) use mirrors::bases;
pub use signature::Trust;

/// Largest InRelease, Release or Release.gpg, bytes: apt's own limit.
const LARGEST_RELEASE: u64 = 10_000_000;
