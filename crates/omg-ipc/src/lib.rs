//! The OMG socket: a server, an async client and a blocking client.
//!
//! The server takes the peer's identity from the kernel, holds every client to stated limits of
//! bytes and time, and hands each request's body to a [`tower::Service`]. It must not know what a
//! request means, where the socket usually is, or what the environment says; whoever starts it does.
//!
//! * [`blocking::Client`] needs neither tokio nor threads; it is all that remains without the
//!   feature `async`.
//! * [`Client`] carries many calls at once over one connection.
//! * [`Server`] accepts, answers and drains; [`Socket`] is a listening socket that no other daemon
//!   can hold at the same time.
//!
//! ```no_run
//! use omg_proto::{Query, Reply, Request};
//!
//! let mut client = omg_ipc::blocking::Client::connect("/run/user/1000/omg.sock".as_ref())?;
//! let answer = client.call(&Request::One(Query::Ping))?;
//! if let Reply::Pong { generation } = answer.reply()? {
//!     println!("{generation}");
//! }
//! # Ok::<(), omg_ipc::Error>(())
//! ```

mod answer;
pub mod blocking;
mod error;
mod peer;
mod socket;

#[cfg(feature = "async")]
mod client;
#[cfg(feature = "async")]
mod server;

pub use answer::Answer;
#[cfg(feature = "async")]
pub use client::Client;
pub use error::Error;
pub use peer::Peer;
#[cfg(feature = "async")]
pub use server::{Config, Counters, Incoming, Server};
pub use socket::Socket;

/// Version of this build, as it stands in greetings.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");
