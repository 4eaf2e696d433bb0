//! The process that links the native library of pacman: it plans, and its crash can't reach the daemon.
#![forbid(unsafe_code)]

fn main() {}
