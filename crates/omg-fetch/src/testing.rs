//! A mirror on loopback.
