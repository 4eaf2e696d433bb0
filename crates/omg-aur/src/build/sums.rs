//! Checksums of sources.

use std::io::{self, Read};

use blake2::Blake2b512;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::error::BuildError;
use crate::srcinfo::Field;

/// A kind of checksum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SumKind {
    /// POSIX `cksum`, which anybody can make for anything. It is not computed and vouches for nothing.
    Ck,
    /// MD5, for which two files can be made.
    Md5,
    /// SHA-1, for which two files can be made.
    Sha1,
    /// SHA-224
    Sha224,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
    /// BLAKE2b with 512 bits.
    Blake2,
}

/// What a source must have, or `SKIP`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sum {
    kind: SumKind,
    /// Lower-case hexadecimal; `None` for `SKIP`.
    expected: Option<String>,
}

impl SumKind {
    /// The kind in this list; lists that are none are not asked for.
    pub(super) fn of(field: Field) -> Self {
        match field {
            Field::Md5Sums => Self::Md5,
            Field::Sha1Sums => Self::Sha1,
            Field::Sha224Sums => Self::Sha224,
            Field::Sha256Sums => Self::Sha256,
            Field::Sha384Sums => Self::Sha384,
            Field::Sha512Sums => Self::Sha512,
            Field::B2Sums => Self::Blake2,
            _ => Self::Ck,
        }
    }

    /// Can nobody make two files that have the same?
    pub fn is_strong(self) -> bool {
        self >= Self::Sha224
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ck => "cksum",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Blake2 => "BLAKE2b",
        }
    }

    fn digits(self) -> Option<usize> {
        Some(match self {
            Self::Ck => return None,
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha224 => 56,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 | Self::Blake2 => 128,
        })
    }
}

impl Sum {
    /// Reads one entry of a list.
    ///
    /// # Errors
    /// If it is neither `SKIP` nor as many hexadecimal digits as there must be.
    pub fn parse(kind: SumKind, text: &str) -> Result<Self, BuildError> {
        if text == "SKIP" || kind == SumKind::Ck {
            return Ok(Self { kind, expected: None });
        }
        let fits = Some(text.len()) == kind.digits();
        if fits && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self { kind, expected: Some(text.to_ascii_lowercase()) });
        }
        Err(BuildError::unfit(format!("'{}' is no {}", super::error::shown(text), kind.as_str())))
    }

    /// The kind.
    pub fn kind(&self) -> SumKind {
        self.kind
    }

    /// Does it stand for nothing?
    pub fn is_skipped(&self) -> bool {
        self.expected.is_none()
    }
}

/// Reads everything once and compares with every sum; the answer is the first that differs.
pub(super) fn differing(mut from: impl Read, sums: &[Sum]) -> io::Result<Option<&Sum>> {
    let mut computing: Vec<(&Sum, Computing)> =
        sums.iter().filter_map(|sum| Some((sum, Computing::begin(sum)?))).collect();
    let mut buffer = vec![0; 1 << 17];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        for (_, computing) in &mut computing {
            computing.update(bytes);
        }
    }
    let wrong = computing
        .into_iter()
        .find(|(sum, computing)| sum.expected.as_deref() != Some(computing.hexadecimal().as_str()));
    Ok(wrong.map(|(sum, _)| sum))
}

#[derive(Clone)]
enum Computing {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
    Blake2(Box<Blake2b512>),
}

impl Computing {
    fn begin(sum: &Sum) -> Option<Self> {
        sum.expected.as_ref()?;
        Some(match sum.kind {
            SumKind::Ck => return None,
            SumKind::Md5 => Self::Md5(Md5::new()),
            SumKind::Sha1 => Self::Sha1(Sha1::new()),
            SumKind::Sha224 => Self::Sha224(Sha224::new()),
            SumKind::Sha256 => Self::Sha256(Sha256::new()),
            SumKind::Sha384 => Self::Sha384(Sha384::new()),
            SumKind::Sha512 => Self::Sha512(Sha512::new()),
            SumKind::Blake2 => Self::Blake2(Box::default()),
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(it) => it.update(bytes),
            Self::Sha1(it) => it.update(bytes),
            Self::Sha224(it) => it.update(bytes),
            Self::Sha256(it) => it.update(bytes),
            Self::Sha384(it) => it.update(bytes),
            Self::Sha512(it) => it.update(bytes),
            // BLAKE2's crate is of an earlier generation of the same traits.
            Self::Blake2(it) => blake2::Digest::update(it.as_mut(), bytes),
        }
    }

    fn hexadecimal(&self) -> String {
        match self.clone() {
            Self::Md5(it) => hexadecimal(&it.finalize()),
            Self::Sha1(it) => hexadecimal(&it.finalize()),
            Self::Sha224(it) => hexadecimal(&it.finalize()),
            Self::Sha256(it) => hexadecimal(&it.finalize()),
            Self::Sha384(it) => hexadecimal(&it.finalize()),
            Self::Sha512(it) => hexadecimal(&it.finalize()),
            Self::Blake2(it) => hexadecimal(&blake2::Digest::finalize(*it)),
        }
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_tools() {
        // md5sum, sha1sum, …, b2sum of "abc".
        let known = [
            (SumKind::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (SumKind::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (SumKind::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            (SumKind::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                SumKind::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                SumKind::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (
                SumKind::Blake2,
                "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
            ),
        ];
        let sums: Vec<Sum> =
            known.iter().map(|(kind, text)| Sum::parse(*kind, text).unwrap()).collect();
        assert_eq!(differing(&b"abc"[..], &sums).unwrap(), None);
        for sum in &sums {
            let alone = std::slice::from_ref(sum);
            assert_eq!(differing(&b"abd"[..], alone).unwrap(), Some(sum));
        }
        assert!(Sum::parse(SumKind::Sha256, "abc").is_err());
        assert!(Sum::parse(SumKind::Md5, &"g".repeat(32)).is_err());
        assert!(Sum::parse(SumKind::Sha256, "SKIP").unwrap().is_skipped());
        assert!(Sum::parse(SumKind::Ck, "4038471504").unwrap().is_skipped(), "it proves nothing");
    }
}
