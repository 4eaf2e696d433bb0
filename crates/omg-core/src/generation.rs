//! The state of a system as one number, so that no answer outlives it.

use std::fmt;

/// Identifies one state of what a package manager reads.
///
/// Derived from the modification times, sizes and inodes of its files. Two equal generations mean
/// "nothing that an answer could depend on has moved"; nothing else can be read from the value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, bitcode::Encode, bitcode::Decode)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
