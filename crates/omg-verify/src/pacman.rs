//! Signatures as pacman checks them: `SigLevel`, Arch's keyring and its web of trust.

mod keyring;
mod level;
mod signature;
mod trustdb;
mod web;

pub use keyring::Keyring;
pub use level::{Check, SigLevel, Subject, Trust, When};
pub(crate) use signature::Detached;
pub use signature::{present, verify};
