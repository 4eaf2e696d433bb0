//! GnuPG's database of trust, `trustdb.gpg`, as far as `pacman-key` uses it.
//!
//! Records of 40 bytes, as `g10/tdbio.h` of GnuPG 2.2 has them: the first gives the numbers of the web of
//! trust, those of type 12 give how far the owner of a key is trusted to sign others.

use std::collections::BTreeMap;

use crate::openpgp::Fingerprint;

/// Bytes of the largest file that is read.
pub(super) const TRUSTDB_MAX: u64 = 16 << 20;

const RECORD: usize = 40;
const VERSION: u8 = 1;
const TRUST: u8 = 12;
const DISABLED: u8 = 0x80;

/// How far the owner of a key is trusted to sign other keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Owner {
    /// Not at all known.
    Unknown,
    /// Not trusted.
    Never,
    /// Some such must agree.
    Marginal,
    /// One such is enough.
    Full,
    /// The owner of this system.
    Ultimate,
}

impl Owner {
    /// The value in `trustdb.gpg`, and in the files of `gpg --export-ownertrust`.
    pub(super) fn of(value: u8) -> Self {
        match value & 0x0f {
            3 => Self::Never,
            4 => Self::Marginal,
            5 => Self::Full,
            6 => Self::Ultimate,
            _ => Self::Unknown,
        }
    }
}

/// What is known of the owner of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Owned {
    pub(super) owner: Owner,
    pub(super) disabled: bool,
}

/// The numbers of the web of trust.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Numbers {
    pub(super) marginals: u8,
    pub(super) completes: u8,
    pub(super) depth: u8,
}

impl Numbers {
    /// GnuPG's own.
    pub(super) const DEFAULT: Self = Self { marginals: 3, completes: 1, depth: 5 };
}

/// Reads the file.
pub(super) fn parse(bytes: &[u8]) -> Result<(Numbers, BTreeMap<Fingerprint, Owned>), String> {
    let mut records = bytes.chunks_exact(RECORD);
    if !records.remainder().is_empty() {
        return Err("its size is no multiple of 40".to_owned());
    }
    let first = records.next().unwrap_or_default();
    let numbers = match first {
        [VERSION, b'g', b'p', b'g', 3, marginals, completes, depth, ..] => Numbers {
            marginals: (*marginals).max(1),
            completes: (*completes).max(1),
            depth: *depth,
        },
        _ => return Err("it does not begin as one of version 3 does".to_owned()),
    };
    let mut owners = BTreeMap::new();
    for record in records {
        let (Some(&TRUST), Some(fingerprint), Some(value)) =
            (record.first(), record.get(2..22), record.get(22))
        else {
            continue;
        };
        let digits = sequoia_openpgp::fmt::hex::encode(fingerprint);
        if let Ok(fingerprint) = Fingerprint::parse(&digits) {
            let owned = Owned { owner: Owner::of(*value), disabled: value & DISABLED != 0 };
            owners.insert(fingerprint, owned);
        }
    }
    Ok((numbers, owners))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_trust_are_read_and_others_are_not() {
        let mut bytes = vec![0; RECORD * 3];
        bytes[..8].copy_from_slice(&[VERSION, b'g', b'p', b'g', 3, 3, 1, 5]);
        bytes[RECORD] = TRUST;
        bytes[RECORD + 2..RECORD + 22].fill(0xAB);
        bytes[RECORD + 22] = 4 | DISABLED;
        bytes[RECORD * 2] = 10;
        let (numbers, owners) = parse(&bytes).unwrap();
        assert_eq!(numbers, Numbers::DEFAULT);
        let only = owners.get(&Fingerprint::parse(&"AB".repeat(20)).unwrap());
        assert_eq!(only, Some(&Owned { owner: Owner::Marginal, disabled: true }));
        assert_eq!(owners.len(), 1);
        assert!(parse(&bytes[..RECORD * 2 - 1]).is_err());
        assert!(parse(&[]).is_err());
    }
}
