//! The composition of layers between a socket and a backend.
//!
//! A [`Call`] goes down [`front`]'s stack (stack.rs, the one file that says what stands above what)
//! until a layer answers it. Below all of them stands a [`Catalogue`]: a [`View`] of the system that
//! is replaced as a whole when the system moves, and never while a call looks at it.
//!
//! This crate must not know any concrete backend, where files belong, or what the environment says.
//!
//! ```
//! use omg_backend::fake::{Fake, FakePackage};
//! use omg_proto::{Query, Reply, Request};
//! use omg_service::{Call, Catalogue, Handle, Limits, Options, front};
//! use tower::Service;
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let backend = Fake::new([FakePackage::new("vim", "9.0", "Vi IMproved")]);
//! let store = omg_cache::Store::in_memory();
//! let catalogue = Catalogue::start(backend.into(), store, Options::default()).await?;
//! let mut service = front(&catalogue, &Handle::new(Limits::default()));
//!
//! let request = Request::One(Query::Search { query: "vim", limit: None }).encode();
//! let body = service.call(Call::new(1000, None, request.into())).await?;
//! let Ok(Reply::Search(found)) = Reply::decode(&body) else { panic!() };
//! assert_eq!(found.packages().next().map(|package| package.name), Some("vim"));
//! catalogue.shutdown().await;
//! # Ok::<(), omg_core::Fault>(())
//! # }).unwrap();
//! ```
#![forbid(unsafe_code)]

mod call;
mod catalogue;
mod downloads;
mod error;
mod layers;
mod limits;
mod policy;
mod queries;
mod reads;
mod recent;
mod records;
mod snapshot;
mod stack;
mod view;
mod watch;

pub use call::Call;
pub use catalogue::{Catalogue, Options};
pub use downloads::{Archive, Downloads, Layout, Place};
pub use error::Error;
pub use limits::{Handle, Limits};
pub use policy::Rules;
pub use stack::front;
pub use view::View;
