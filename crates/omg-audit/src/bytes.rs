//! Bytes of a fixed number: digests, keys, identities. Shown and exported in hexadecimal.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use serde::{Serialize, Serializer};

/// `N` bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes<const N: usize>(pub [u8; N]);

/// A SHA-256 or BLAKE3 digest.
pub type Hash = Bytes<32>;

/// The identity of a log, or of a boot of the machine.
pub type Id = Bytes<16>;

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not of as many hexadecimal digits as it must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not {0} hexadecimal digits")]
pub struct NotHex(usize);

impl<const N: usize> FromStr for Bytes<N> {
    type Err = NotHex;

    /// Hexadecimal in either case; hyphens, as in a UUID, are passed over.
    fn from_str(text: &str) -> Result<Self, NotHex> {
        let wrong = NotHex(N * 2);
        let mut digits = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
        let mut bytes = [0; N];
        for byte in &mut bytes {
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                return Err(wrong);
            };
            *byte = (high << 4 | low) as u8;
        }
        if digits.next().is_some() { Err(wrong) } else { Ok(Self(bytes)) }
    }
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<C, const N: usize> Encode<C> for Bytes<N> {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C, const N: usize> Decode<'b, C> for Bytes<N> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let bytes = d.bytes()?;
        bytes.try_into().map(Self).map_err(|_| decode::Error::message("wrong number of bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id: Id = "3f2b1c00-0000-0000-0000-0000000000ff".parse().unwrap();
        assert_eq!(id.to_string(), "3f2b1c000000000000000000000000ff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in
            ["", "3f", "zz2b1c000000000000000000000000ff", "3f2b1c000000000000000000000000ff0"]
        {
            assert!(wrong.parse::<Id>().is_err(), "{wrong}");
        }
    }
}
