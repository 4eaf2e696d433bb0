//! Everything that the daemon and a real engine process do to each other.

mod deaths;
mod hostile;
mod plans;
mod process;
mod support;
