//! What may be done to a system, by whom, and of what origin: `policy.toml` and its verdicts.
//!
//! The system's file, `/etc/omg/policy.toml`, belongs to root and binds everybody; a user's own file is
//! judged besides, and a change must pass both. So a user's file can only tighten.
//!
//! This crate judges what it is told. It computes no digest, checks no signature and asks nobody: whoever
//! calls it must have verified the evidence. `docs/policy.md` describes the file.
//!
//! ```
//! use omg_policy::{Actor, Policy, Subject};
//!
//! let policy = Policy::parse("/etc/omg/policy.toml", "[packages]\nban = [\"telnet*\"]\n")?;
//! let findings = policy.judge(&Subject::named("telnetd"), &Actor::uid(1000));
//! assert!(findings.iter().any(|finding| finding.rule == "packages.ban" && finding.denies()));
//! # Ok::<(), omg_policy::Error>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod file;
mod judge;
mod load;
mod pattern;
mod person;
mod plan;

pub use error::Error;
pub use file::Rules;
pub use judge::{Actor, Finding, Subject, Verb, Verdict};
pub use load::{Policy, SYSTEM_PATH};
