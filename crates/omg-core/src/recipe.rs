//! Recipes of the Arch User Repository: what is known of them, and what a review finds.
#![expect(clippy::ref_option_ref, reason = "bitcode's derive writes it for `Option<&str>`")]

use bitcode::{Decode, Encode};
#[cfg(feature = "serde")]
use serde::Serialize;

/// What the AUR knows of a package beyond what repositories do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct AurFacts<'a> {
    /// Package base: the recipe, which may make several packages.
    pub package_base: &'a str,
    /// Who maintains it; nobody if absent.
    pub maintainer: Option<&'a str>,
    /// Votes.
    pub votes: u32,
    /// The AUR's popularity, in millionths: recent votes count more. A decimal number in JSON.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_decimal"))]
    pub popularity: u32,
    /// Seconds since the epoch; RFC 3339 in JSON.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_time"))]
    pub first_submitted: u64,
    /// Seconds since the epoch; RFC 3339 in JSON.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_time"))]
    pub last_modified: u64,
    /// Seconds since the epoch at which somebody said that it is out of date; RFC 3339 in JSON.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_optional_time"))]
    pub out_of_date: Option<u64>,
}

#[cfg(feature = "serde")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to the field")]
fn as_decimal<S: serde::Serializer>(millionths: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(f64::from(*millionths) / 1e6)
}

#[cfg(feature = "serde")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to the field")]
fn as_time<S: serde::Serializer>(seconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&crate::Rfc3339(*seconds))
}

#[cfg(feature = "serde")]
#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn as_optional_time<S: serde::Serializer>(
    seconds: &Option<u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match seconds {
        Some(seconds) => as_time(seconds, serializer),
        None => serializer.serialize_none(),
    }
}

/// How much a mark of a review matters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase"))]
pub enum Severity {
    /// Good to know.
    Note,
    /// Worth a look before going on.
    Caution,
    /// What attacks look like.
    Danger,
}

/// Something in a recipe that a reader should look at.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Mark {
    /// Stable name in kebab-case: `new-host`, `maintainer-changed`.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// File of the recipe; empty if it is about the recipe as a whole.
    pub file: String,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// What was seen, one line, verbatim.
    pub text: String,
    /// What it means.
    pub why: String,
}

/// What changed in a recipe since it was last looked at.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Review {
    /// Package base.
    pub package_base: String,
    /// Commit that was reviewed last; absent for a recipe never reviewed.
    pub from: Option<String>,
    /// Commit that this is about.
    pub to: String,
    /// Unified diff; of whole files if there was no review before.
    pub diff: String,
    /// What to look at, most severe first.
    pub marks: Vec<Mark>,
}

/// What refreshing a source brought.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Refreshed {
    /// What was refreshed: `aur`.
    pub source: String,
    /// Was anything new?
    pub changed: bool,
    /// Packages that it offers now.
    pub packages: u32,
    /// Bytes that were fetched.
    pub fetched: u64,
}
