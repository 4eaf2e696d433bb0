//! A list as one part of a plan: a `u32` big-endian length, then the bitcode of a `Vec`.
//!
//! bitcode can say "ten million records" in a megabyte. So the number of records is read off the bytes
//! before they are decoded.

use bitcode::{DecodeOwned, Encode};

use super::{PREFIX, limit};
use crate::Error;

/// What a list may hold.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Its name, for messages: `list of changes`.
    pub(crate) what: &'static str,
    pub(crate) items: usize,
    /// Of the encoded list. Bounds lists within the items, which grow 200 times at most.
    pub(crate) bytes: usize,
}

pub(crate) fn encode<T: Encode>(
    out: &mut Vec<u8>,
    list: &Vec<T>,
    limits: Limits,
) -> Result<(), Error> {
    limit(limits.what, list.len(), limits.items)?;
    let bytes = bitcode::encode(list);
    limit(limits.what, bytes.len(), limits.bytes)?;
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&bytes);
    Ok(())
}

/// Takes a list off the front of `rest`.
pub(crate) fn decode<T: DecodeOwned>(rest: &mut &[u8], limits: Limits) -> Result<Vec<T>, Error> {
    let cut = Error::Length { what: limits.what };
    let Some((prefix, after)) = rest.split_first_chunk::<PREFIX>() else { return Err(cut) };
    let length = u32::from_be_bytes(*prefix) as usize;
    limit(limits.what, length, limits.bytes)?;
    let Some((bytes, after)) = after.split_at_checked(length) else { return Err(cut) };
    *rest = after;
    let items = count(bytes).ok_or(cut)?;
    limit(limits.what, items, limits.items)?;
    bitcode::decode(bytes).map_err(|source| Error::Undecodable { what: limits.what, source })
}

/// How many items the bitcode of a list claims to have.
///
/// A column of one length is that length in a byte; 255 means that a column of one `u64` follows: a
/// header *h*, if it is odd 8 bytes that are added, then a number of 8 / 2^⌈*h*/2⌉ bytes.
fn count(bytes: &[u8]) -> Option<usize> {
    let (&small, rest) = bytes.split_first()?;
    if small < u8::MAX {
        return Some(small.into());
    }
    let (&header, rest) = rest.split_first()?;
    let width = 8_usize.checked_shr(header.div_ceil(2).into()).filter(|width| *width > 0)?;
    let (base, rest) = if header % 2 == 1 {
        let (base, rest) = rest.split_first_chunk()?;
        (u64::from_le_bytes(*base), rest)
    } else {
        (0, rest)
    };
    let mut number = [0; 8];
    number.get_mut(..width)?.copy_from_slice(rest.get(..width)?);
    usize::try_from(base.wrapping_add(u64::from_le_bytes(number))).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_count_is_that_of_the_codec() {
        for items in [0, 1, 2, 254, 255, 256, 65_535, 65_536, 200_000] {
            assert_eq!(count(&bitcode::encode(&vec![7_u8; items])), Some(items));
        }
    }

    proptest! {
        #[test]
        fn whatever_decodes_has_as_many_items_as_were_counted(
            small in prop_oneof![Just(255_u8), any::<u8>()],
            header in 0_u8..10,
            base in prop_oneof![0_u64..300, any::<u64>()],
            rest in prop::collection::vec(0_u8..3, 0..40),
            zeros in 0_usize..400,
        ) {
            let mut bytes = vec![small, header];
            if header % 2 == 1 {
                bytes.extend_from_slice(&base.to_le_bytes());
            }
            bytes.extend_from_slice(&rest);
            bytes.resize(bytes.len() + zeros, 0);
            // The codec wants every byte used up; the items are taken as long as they need be.
            for end in 0..=bytes.len() {
                if let Ok(list) = bitcode::decode::<Vec<bool>>(&bytes[..end]) {
                    prop_assert_eq!(count(&bytes[..end]), Some(list.len()));
                }
            }
        }
    }
}
