//! A package manager in memory.
