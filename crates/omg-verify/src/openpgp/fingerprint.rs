//! Names of keys.

use std::fmt;

use crate::Error;

/// The fingerprint of a key: upper-case hexadecimal, 40 digits (v4) or 64 (v6).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Reads hexadecimal digits of either case, with `0x` before them and blanks between them allowed.
    /// Short key ids are refused: anybody can make a key that has a given one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::NotAFingerprint { text: text.chars().take(160).collect() };
        let bare = text.trim();
        let bare = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")).unwrap_or(bare);
        let digits: String =
            bare.chars().filter(|it| *it != ' ').map(|it| it.to_ascii_uppercase()).collect();
        let right =
            matches!(digits.len(), 40 | 64) && digits.bytes().all(|it| it.is_ascii_hexdigit());
        if right { Ok(Self(digits)) } else { Err(wrong()) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<sequoia_openpgp::Fingerprint> for Fingerprint {
    fn from(it: sequoia_openpgp::Fingerprint) -> Self {
        Self(it.to_hex())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One key that `Signed-By` allows: `FPR` is a primary key with all its subkeys, or a subkey with its
/// primary key's name on it; `FPR!` is exactly that key.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Only {
    /// The key.
    pub fingerprint: Fingerprint,
    /// Not its subkeys.
    pub exact: bool,
}

impl Only {
    /// Reads `FPR` or `FPR!`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let (bare, exact) = text.strip_suffix('!').map_or((text, false), |it| (it, true));
        Ok(Self { fingerprint: Fingerprint::parse(bare)?, exact })
    }

    /// Does it allow a signature made by `key` of the certificate `primary`?
    pub(crate) fn allows(&self, primary: &Fingerprint, key: &Fingerprint) -> bool {
        self.fingerprint == *key || (!self.exact && self.fingerprint == *primary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_fingerprints_name_a_key() {
        let text = "0x4d64 fecb f6ba 1ef6 a0a7 6cc1 9fa4 2d18 6b6b 3ddd";
        let only = Only::parse(&format!("{text}!")).unwrap();
        assert!(only.exact);
        assert_eq!(only.fingerprint.as_str(), "4D64FECBF6BA1EF6A0A76CC19FA42D186B6B3DDD");
        for wrong in ["", "!", "9FA42D186B6B3DDD", "zz", &"g".repeat(40)] {
            assert!(Only::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mark_excludes_subkeys() {
        let primary = Fingerprint("A".repeat(40));
        let sub = Fingerprint("B".repeat(40));
        let any = Only { fingerprint: primary.clone(), exact: false };
        let exact = Only { exact: true, ..any.clone() };
        assert!(any.allows(&primary, &sub) && any.allows(&primary, &primary));
        assert!(exact.allows(&primary, &primary) && !exact.allows(&primary, &sub));
    }
}
