//! Cache tiers as tower layers, outermost first: equal requests under way share one execution
//! ([`Coalesce`]), answers are kept in memory ([`Memory`]) and on disk ([`Disk`], in a [`Store`]).
//!
//! Requests say for themselves how they are cached ([`Cacheable`]); an answer is bytes. This crate
//! does not know what a request asks, where a store belongs, or that there are packages.
//!
//! ```
//! use bytes::Bytes;
//! use omg_cache::{Answer, Cacheable, Keep, Key, Memory};
//! use omg_core::{Fault, Generation};
//! use tower::{Layer, Service, service_fn};
//!
//! #[derive(Clone)]
//! struct Ask(&'static str);
//! impl Cacheable for Ask {
//!     fn key(&self) -> Option<Key> {
//!         Some(Key { generation: Generation(1), request: Bytes::from_static(self.0.as_bytes()) })
//!     }
//!     fn keep(&self) -> Keep {
//!         Keep { memory: std::time::Duration::from_mins(5), disk: false }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let memory = Memory::new(1 << 20);
//! let mut service = memory.layer(omg_cache::answering(|ask: Ask| async move {
//!     Ok::<_, Fault>(Bytes::from_static(ask.0.as_bytes()))
//! }));
//! service.call(Ask("vim")).await.unwrap();
//! service.call(Ask("vim")).await.unwrap();
//! assert_eq!((memory.counts().hits, memory.counts().misses), (1, 1));
//! # });
//! ```
#![deny(unsafe_code)]

mod answer;
mod coalesce;
mod counts;
mod disk;
mod error;
mod key;
mod memory;
mod store;

pub use answer::{Answer, AnswerFn, Answers, answering};
pub use coalesce::{Coalesce, Coalescing};
pub use disk::{Disk, OnDisk};
pub use error::Error;
pub use key::{Cacheable, Keep, Key};
pub use memory::{InMemory, Memory};
pub use store::{Store, StoredIndex};
