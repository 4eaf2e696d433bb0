//! The Arch User Repository: what it offers, recipes and their review, and the order of building.
#![forbid(unsafe_code)]
