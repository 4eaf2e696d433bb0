//! Digests: computed while bytes go by, compared with what was signed.
//!
//! SHA-256 is always computed, by ring; SHA-512 by OpenSSL, which is faster at it where measured; BLAKE3 by
//! its authors' crate. MD5 and SHA-1 are never computed, so that nothing can be accepted for them.

mod fan;
mod sha512;

use std::fmt;
use std::fs::File;

use ring::digest as sha;

pub(crate) use fan::{Bytes, Chunk, Feed, digests, feed_copy, feed_file, run};
pub use fan::{copy, file};

use crate::Error;

/// Bytes of one chunk: files are read, and handed to the digests, in pieces of this size.
pub const CHUNK: usize = 1 << 20;

macro_rules! digest {
    ($name:ident, $bytes:literal, $word:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// A digest that was computed elsewhere.
            pub const fn new(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Reads hexadecimal digits, upper or lower case, and nothing else.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let mut bytes = [0; $bytes];
                match from_hex(text, &mut bytes) {
                    Some(()) => Ok(Self(bytes)),
                    None => Err(Error::NotADigest {
                        algorithm: $word,
                        text: text.chars().take(160).collect(),
                    }),
                }
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

digest!(Sha256, 32, "SHA-256", "A SHA-256 digest.");
digest!(Sha512, 64, "SHA-512", "A SHA-512 digest.");
digest!(Blake3, 32, "BLAKE3", "A BLAKE3 digest.");

impl Sha256 {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(array(sha::digest(&sha::SHA256, bytes).as_ref()))
    }
}

fn from_hex(text: &str, into: &mut [u8]) -> Option<()> {
    if text.len() != into.len() * 2 {
        return None;
    }
    for (byte, pair) in into.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| pair.get(at).and_then(|it| char::from(*it).to_digit(16));
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(())
}

/// Bytes of a digest whose length the algorithm fixes.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

/// Digests to compute on top of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Also {
    /// SHA-512.
    pub sha512: bool,
    /// BLAKE3.
    pub blake3: bool,
}

/// What was computed from some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digests {
    /// How many bytes there were.
    pub size: u64,
    /// SHA-256.
    pub sha256: Sha256,
    /// SHA-512, if asked for and OpenSSL did not refuse it.
    pub sha512: Option<Sha512>,
    /// BLAKE3, if asked for.
    pub blake3: Option<Blake3>,
}

/// Computes digests of bytes as they come, in the calling thread.
#[derive(Clone)]
pub struct Hasher {
    size: u64,
    sha256: sha::Context,
    sha512: Option<sha512::Context>,
    blake3: Option<Box<blake3::Hasher>>,
}

impl Hasher {
    /// Begins with no bytes.
    pub fn new(also: Also) -> Self {
        Self {
            size: 0,
            sha256: sha::Context::new(&sha::SHA256),
            sha512: also.sha512.then(sha512::Context::new),
            blake3: also.blake3.then(|| Box::new(blake3::Hasher::new())),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        if let Some(it) = &mut self.sha512 {
            it.update(bytes);
        }
        if let Some(it) = &mut self.blake3 {
            it.update(bytes);
        }
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digests of all bytes.
    pub fn finish(self) -> Digests {
        Digests {
            size: self.size,
            sha256: Sha256(array(self.sha256.finish().as_ref())),
            sha512: self.sha512.and_then(sha512::Context::finish),
            blake3: self.blake3.map(|it| Blake3(*it.finalize().as_bytes())),
        }
    }
}

/// What signed metadata says of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Expected {
    /// SHA-256.
    pub sha256: Option<Sha256>,
    /// SHA-512.
    pub sha512: Option<Sha512>,
    /// Bytes.
    pub size: Option<u64>,
}

impl Expected {
    /// Expects this SHA-256 and size.
    pub fn sha256(digest: Sha256, size: Option<u64>) -> Self {
        Self { sha256: Some(digest), sha512: None, size }
    }

    /// Is there a digest? A size alone proves nothing.
    pub fn has_digest(&self) -> bool {
        self.sha256.is_some() || self.sha512.is_some()
    }

    /// What must be computed on top of SHA-256 to compare.
    pub fn also(&self) -> Also {
        Also { sha512: self.sha512.is_some(), blake3: false }
    }

    /// Compares. An expected digest that was not computed counts as different.
    pub fn check(&self, found: &Digests) -> Result<(), Error> {
        if let Some(expected) = self.size.filter(|it| *it != found.size) {
            return Err(Error::Size { expected, found: found.size });
        }
        if let Some(expected) = self.sha256.filter(|it| *it != found.sha256) {
            return Err(Error::Digest {
                algorithm: "SHA-256",
                expected: expected.to_string(),
                found: found.sha256.to_string(),
            });
        }
        match self.sha512 {
            Some(expected) if found.sha512 != Some(expected) => Err(Error::Digest {
                algorithm: "SHA-512",
                expected: expected.to_string(),
                found: found.sha512.map_or_else(|| "unknown".to_owned(), |it| it.to_string()),
            }),
            _ => Ok(()),
        }
    }
}

/// Digests of an open file from its first byte on, checked against what is expected of it.
pub fn expect(file: &File, expected: &Expected) -> Result<Digests, Error> {
    let digests = self::file(file, expected.also(), expected.size)?;
    expected.check(&digests)?;
    Ok(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let mut hasher = Hasher::new(Also { sha512: true, blake3: true });
        hasher.update(b"a");
        hasher.update(b"bc");
        let found = hasher.finish();
        assert_eq!(found.size, 3);
        assert_eq!(
            found.sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(found.sha512.unwrap().to_string().starts_with("ddaf35a193617abacc417349ae204131"));
        assert!(found.blake3.unwrap().to_string().starts_with("6437b3ac38465133ffb63b75273a8db5"));
    }

    #[test]
    fn a_digest_is_hexadecimal_of_the_right_length() {
        let text = "BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256::parse(text).unwrap(), Sha256::of(b"abc"));
        for wrong in ["", "ba78", &text[1..], &format!("{text}0"), &text.replace('c', "g")] {
            assert!(Sha256::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Sha256::parse(&text.replace("BA", "é")).is_err());
    }

    #[test]
    fn every_expectation_counts() {
        let mut hasher = Hasher::new(Also { sha512: true, blake3: false });
        hasher.update(b"abc");
        let found = hasher.finish();
        let good = Expected { sha256: Some(found.sha256), sha512: found.sha512, size: Some(3) };
        assert!(good.check(&found).is_ok());
        assert!(Expected { size: Some(4), ..good }.check(&found).is_err());
        assert!(Expected { sha256: Some(Sha256::of(b"abd")), ..good }.check(&found).is_err());
        assert!(Expected { sha512: Some(Sha512::new([0; 64])), ..good }.check(&found).is_err());
        assert!(good.check(&Digests { sha512: None, ..found }).is_err());
    }
}
