//! `policy.toml`: its sections and keys. A key that is not known is an error, because a misspelt rule
//! that is passed over protects nobody.

use std::collections::BTreeMap;

use omg_core::Grade;
use serde::{Deserialize, Deserializer};

/// All rules of one file. What is not there forbids nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Number of the schema; 1.
    pub version: Option<u32>,
    /// Where packages may come from.
    pub repositories: Repositories,
    /// Packages by name.
    pub packages: Packages,
    /// How well origins must be verified.
    pub grade: GradeRules,
    /// How long versions must have been there.
    pub age: Age,
    /// Signatures beyond what the distribution asks for.
    pub signatures: Signatures,
    /// Licences.
    pub licenses: Licenses,
    /// The Arch User Repository.
    pub aur: Aur,
    /// Who may do what: for each verb names of users, `@group`s, or `*`.
    pub who: BTreeMap<String, Vec<String>>,
}

/// `[repositories]`: patterns.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repositories {
    /// Only these; all if it is not there.
    pub allow: Option<Vec<String>>,
    /// Not these.
    pub deny: Vec<String>,
    /// Only from these addresses; from all if it is not there.
    pub mirrors: Option<Vec<String>>,
}

/// `[packages]`: patterns.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Packages {
    /// Never installed, upgraded or built.
    pub ban: Vec<String>,
    /// Never removed.
    pub require: Vec<String>,
}

/// `[grade]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GradeRules {
    /// What comes must have this grade or a better one.
    #[serde(deserialize_with = "grade")]
    pub minimum: Option<Grade>,
}

/// `[age]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Age {
    /// Seconds that a version must have been there: `"3d"`.
    #[serde(deserialize_with = "span")]
    pub minimum: Option<u64>,
    /// What to do where the age is not known.
    pub unknown: Unknown,
    /// Seconds after which lists without a date of expiry are too old to install from.
    #[serde(deserialize_with = "span")]
    pub lists: Option<u64>,
}

/// `[signatures]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signatures {
    /// What comes must be signed, whatever the sources say of themselves (`[trusted=yes]`, `Never`).
    pub required: bool,
    /// A post-quantum signature besides the classical one.
    pub post_quantum: bool,
}

/// `[licenses]`: patterns over SPDX identifiers or the distribution's own words.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Licenses {
    /// Only these; all if it is not there.
    pub allow: Option<Vec<String>>,
    /// Not these.
    pub deny: Vec<String>,
    /// What to do where no licence is known. Debian's lists name none.
    pub unknown: Unknown,
}

/// `[aur]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aur {
    /// May recipes be built?
    pub allow: bool,
}

impl Default for Aur {
    fn default() -> Self {
        Self { allow: true }
    }
}

/// What a rule says where it can't tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// It passes, and the verdict says that it was not known.
    #[default]
    Allow,
    /// It is refused.
    Deny,
}

/// Verbs that `[who]` may name.
pub(crate) const VERBS: [&str; 9] =
    ["install", "remove", "upgrade", "sync", "mark", "hold", "clean", "recover", "build"];

fn grade<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Grade>, D::Error> {
    let word = String::deserialize(deserializer)?;
    Grade::of(&word).map(Some).ok_or_else(|| {
        serde::de::Error::custom("expected \"risk\", \"community\", \"verified\" or \"locked\"")
    })
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    seconds(&text).map(Some).ok_or_else(|| {
        serde::de::Error::custom("expected a number with s, m, h, d or w behind it, as in \"3d\"")
    })
}

fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}
