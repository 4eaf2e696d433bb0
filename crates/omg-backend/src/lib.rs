//! What a package manager is to OMG.
//!
//! [`PackageManager`] is all that the service knows of a distribution; each backend crate
//! implements it and knows of no other. With the feature `testing` come an in-memory fake and the
//! contract suite that every backend passes.
#![forbid(unsafe_code)]

pub mod date;
mod either;
pub mod glob;
mod manager;
pub mod swap;
pub mod work;

#[cfg(feature = "testing")]
pub mod contract;
#[cfg(feature = "testing")]
pub mod fake;

pub use either::Either;
pub use manager::{
    Choice, FetchedLists, Files, Generations, Heard, Known, KnownOffer, PackageManager,
};
