//! What this crate says of real and made signatures, compared with what gpgv, sqv and pacman say.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: they may fail by panicking, and say what they skip"
)]

mod arch;
mod attacks;
mod bytes;
mod data;
mod files;
mod keys;
mod made;
mod release;
mod tools;
