//! The socket, its two clients and its server, against each other and against hostile peers.

mod clients;
mod doc;
mod fairness;
mod foreign;
mod heap;
mod hostile;
mod lifetime;
mod listening;
mod support;
