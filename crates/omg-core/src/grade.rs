//! How far the origin of a package is verified.

use std::fmt;

use bitcode::{Decode, Encode};
#[cfg(feature = "serde")]
use serde::Serialize;

/// How well the origin of a package is verified, worst first: the order is the order of trust.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase"))]
pub enum Grade {
    /// Nobody vouches for it: not signed, or known to be vulnerable.
    Risk,
    /// Somebody vouches for it, but not the distribution: a recipe of the AUR, a third party's
    /// repository.
    Community,
    /// The distribution signed it and the signature was verified here.
    Verified,
    /// Verified, and pinned by digest.
    Locked,
}

impl Grade {
    /// All, worst first.
    pub const ALL: [Self; 4] = [Self::Risk, Self::Community, Self::Verified, Self::Locked];

    /// The word used in settings, plans and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Risk => "risk",
            Self::Community => "community",
            Self::Verified => "verified",
            Self::Locked => "locked",
        }
    }

    /// The grade of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.as_str() == word)
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
