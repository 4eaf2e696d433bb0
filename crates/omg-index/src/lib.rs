//! The package index: what could be installed, laid out so that looking up, searching and
//! suggesting touch little memory and allocate next to nothing.
//!
//! A [`Builder`] takes a catalogue as a [`Sink`](omg_core::Sink) and gives one checksummed image and
//! blocks of compressed raw records. [`Index::open`] checks an image once; afterwards every access
//! is a plain read that can't fail. The same packages in the same order give the same bytes.
//!
//! This crate knows no distribution's file formats, no files and no clock; what is installed comes
//! with each search as [`Marks`].
//!
//! ```
//! use omg_core::{Available, Offer, Priority, Repository, Sink, Source};
//! use omg_index::{Builder, Index, Marks};
//!
//! let mut builder = Builder::new();
//! let repository = Repository {
//!     name: "stable/main".into(), source: Source::Apt, security: false, searched: true, uri: String::new(),
//! };
//! let repository = builder.repository(&repository)?;
//! for (name, description) in [("ripgrep", "Recursively searches for a regex"), ("grep", "GNU grep")] {
//!     builder.package(&Available {
//!         name, architecture: "amd64", description, section: "utils", priority: Priority::Optional,
//!         task: false, essential: false, download_size: 0, installed_size: 0, provides: &[], relations: &[],
//!         versions: &[Offer { version: "1.0", repository, priority: 500, record: "" }],
//!         candidate: Some(0), aur: None,
//!     })?;
//! }
//! let index = Index::open(builder.finish()?.image)?;
//! let found = index.search("ripgrp", Some(10), &Marks::new(index.len()));
//! let name = found.hits.first().and_then(|hit| index.row(hit.row)).map(|row| row.name);
//! assert_eq!(name, Some("ripgrep"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assemble;
mod builder;
mod classify;
mod error;
mod facts;
mod image;
mod index;
mod intern;
mod marks;
mod records;
pub mod relevance;
mod search;
mod text;
mod validate;

pub use builder::{Builder, Built};
pub use error::Error;
#[cfg(fuzzing)]
pub use image::reseal;
pub use index::{Index, IndexedOffer, Row, RowId};
pub use marks::Marks;
pub use records::{RecordBlock, RecordRef, unpack};
pub use search::{Hit, Hits};
