//! Stored values: the generation, a checksum over the value and its place, the value.
//!
//! The place (table, key) is part of the sum, so a value that a damaged tree shows in another place
//! is refused like a changed one.

use omg_core::Generation;

/// Bytes before the value.
pub(super) const HEAD: usize = 8 + SUM;
const SUM: usize = 16;

/// Why a stored value is not given out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// It belongs to another generation.
    Outdated,
    /// It does not fit its checksum.
    Damaged,
}

pub(super) fn seal(table: u8, generation: Generation, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEAD + value.len());
    sealed.extend_from_slice(&generation.0.to_le_bytes());
    sealed.extend_from_slice(&sum(table, generation, key, value));
    sealed.extend_from_slice(value);
    sealed
}

pub(super) fn unseal<'a>(
    table: u8,
    generation: Generation,
    key: &[u8],
    sealed: &'a [u8],
) -> Result<&'a [u8], Refused> {
    let (theirs, rest) = sealed.split_first_chunk::<8>().ok_or(Refused::Damaged)?;
    let (stated, value) = rest.split_first_chunk::<SUM>().ok_or(Refused::Damaged)?;
    if *theirs != generation.0.to_le_bytes() {
        return Err(Refused::Outdated);
    }
    if *stated != sum(table, generation, key, value) {
        return Err(Refused::Damaged);
    }
    Ok(value)
}

fn sum(table: u8, generation: Generation, key: &[u8], value: &[u8]) -> [u8; SUM] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[table]);
    hasher.update(&generation.0.to_le_bytes());
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    let mut sum = [0; SUM];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_other_place_is_refused() {
        let generation = Generation(7);
        let sealed = seal(1, generation, b"key", b"value");
        assert_eq!(unseal(1, generation, b"key", &sealed), Ok(&b"value"[..]));
        assert_eq!(unseal(2, generation, b"key", &sealed), Err(Refused::Damaged));
        assert_eq!(unseal(1, generation, b"kez", &sealed), Err(Refused::Damaged));
        assert_eq!(unseal(1, Generation(8), b"key", &sealed), Err(Refused::Outdated));
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(1, generation, b"key", &bad).is_err(), "bit {bit}");
        }
        for end in 0..sealed.len() {
            assert!(unseal(1, generation, b"key", &sealed[..end]).is_err(), "cut at {end}");
        }
    }
}
