//! Messages and frames: everything that is written can be read, and nothing that is read can hurt.

mod frames;
mod heap;
mod messages;
