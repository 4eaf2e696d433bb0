//! The Arch User Repository: what it offers, recipes and their review, and the order of building.
//!
//! The AUR is asked in two ways: questions to its RPC, and the dump of all packages, which is kept
//! on disk and fetched again only when it has changed. Both are foreign text: every answer has a
//! limit in bytes, items and time, and a recipe is never run to learn something from it.
//!
//! This crate must not know of libalpm, the index, the daemon or the command line. Version order
//! and what the repositories offer are handed in by the caller.
#![forbid(unsafe_code)]

mod address;
mod aur;
mod backoff;
mod both;
pub mod build;
pub mod constraint;
pub mod dump;
mod error;
mod http;
mod manager;
mod name;
mod package;
pub mod recipes;
pub mod resolve;
pub mod review;
pub mod rpc;
pub mod srcinfo;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod work;

pub use aur::{Aur, Fresh, Settings};
pub use backoff::{Clock, system_clock};
pub use both::{Both, Builds, Demands};
pub use error::Error;
pub use http::Limits;
pub use name::{MOST_NAME_BYTES, is_name};
pub use package::Package;
