//! Downloads into a content-addressed store: parallel, resumable, from several mirrors.
//!
//! What comes from a mirror is hostile until its digest is that of signed metadata: a [`Fetcher`]
//! checks size and SHA-256 while bytes arrive, and only then does a file get its name in the
//! [`Store`]. Files whose digest nobody has signed for are [documents](Fetcher::fetch_document):
//! bounded, and never in the store.
//!
//! This crate must not know what a package or a signature is, which settings or environment there
//! are, or who asks. A file that it delivers has the digest that it must have; whether it may be
//! used is decided elsewhere.
#![forbid(unsafe_code)]

mod address;
mod copy;
mod digest;
mod document;
mod download;
mod error;
mod fetcher;
mod file;
mod http;
mod meter;
mod options;
mod pace;
mod range;
mod schedule;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use digest::{Hasher, Sha256};
pub use document::{Conditional, Content, Document, DocumentRequest, Fetched};
pub use error::Error;
pub use fetcher::Fetcher;
pub use file::{Origin, Request, Stored};
pub use options::{Caps, Options, Proxy};
pub use store::{Blob, Freed, Lease, Store, Usage};
