//! Bounded edit distance, a machine word at a time: what [`omg_core::distance`] says of ASCII, for
//! thousands of words a query.

/// A pattern of at most 64 bytes, prepared for comparison with many texts.
pub(crate) struct Pattern {
    /// For each byte value, the places where the pattern has it.
    places: [u64; 256],
    len: usize,
}

impl Pattern {
    /// `None` for an empty or too long pattern.
    pub(crate) fn new(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        let mut places = [0; 256];
        for (at, &byte) in text.iter().enumerate() {
            if let Some(place) = places.get_mut(byte as usize) {
                *place |= 1 << at;
            }
        }
        Some(Self { places, len: text.len() })
    }

    /// Edits (insert, delete, replace, swap of neighbours) between pattern and text, if at most
    /// `limit`. Optimal string alignment after Hyyrö, "A bit-vector algorithm for computing
    /// Levenshtein and Damerau edit distances", 2003.
    pub(crate) fn distance(&self, text: &[u8], limit: usize) -> Option<usize> {
        if text.len().abs_diff(self.len) > limit {
            return None;
        }
        let last = 1_u64 << (self.len - 1);
        let (mut plus, mut minus) = (u64::MAX, 0_u64);
        let (mut diagonal, mut before) = (0_u64, 0_u64);
        let mut distance = self.len;
        let mut left = text.len();
        for &byte in text {
            let places = self.places.get(byte as usize).copied().unwrap_or(0);
            let swap = ((!diagonal & places) << 1) & before;
            diagonal = (((places & plus).wrapping_add(plus)) ^ plus) | places | minus | swap;
            let mut up = minus | !(diagonal | plus);
            let mut down = diagonal & plus;
            distance += usize::from(up & last != 0);
            distance -= usize::from(down & last != 0);
            left -= 1;
            // Each byte to come lowers the distance by one at best.
            if distance > limit + left {
                return None;
            }
            up = (up << 1) | 1;
            down <<= 1;
            plus = down | !(diagonal | up);
            minus = up & diagonal;
            before = places;
        }
        (distance <= limit).then_some(distance)
    }
}

/// How many edits a name of this many bytes may be away and still be meant.
pub(crate) fn tolerance(len: usize) -> usize {
    match len {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_plain_one(a in "[abc]{1,12}", b in "[abc]{0,12}", limit in 0_usize..6) {
            let expected = Some(omg_core::distance(&a, &b)).filter(|&edits| edits <= limit);
            prop_assert_eq!(Pattern::new(a.as_bytes()).unwrap().distance(b.as_bytes(), limit), expected);
        }
    }

    #[test]
    fn swaps_count_once() {
        assert_eq!(Pattern::new(b"ngnix").unwrap().distance(b"nginx", 2), Some(1));
        assert_eq!(Pattern::new(&[b'a'; 64]).unwrap().distance(&[b'a'; 63], 2), Some(1));
        assert!(Pattern::new(&[b'a'; 65]).is_none());
    }
}
