//! Everything that the daemon and a real engine process do to each other.

mod bytes;
mod deaths;
mod heap;
mod hostile;
mod plans;
mod process;
mod support;
