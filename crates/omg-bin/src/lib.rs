//! The executables of OMG: `omg`, the command line, and `omgd`, the daemon.
//!
//! Only this crate prints, reads the environment or names a concrete backend. It must not know how an
//! answer is found: `omg` turns arguments into one request and a reply into text and an exit code;
//! `omgd` puts the parts together and serves.
//!
//! ```
//! let tree = omg_bin::cli::tree();
//! assert!(tree.get_subcommands().any(|verb| verb.get_name() == "search"));
//! ```

pub mod cli;
mod commands;
mod connect;
pub mod daemon;
mod distribution;
mod engine;
mod past;
pub mod places;
mod render;
mod session;
pub mod settings;

pub use cli::main;
