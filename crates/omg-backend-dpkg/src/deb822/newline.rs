//! The next newline of a text made of short lines.

use memchr::memchr;

/// Bytes looked at in words before the search with wide registers begins. To begin it takes as long
/// as this many bytes, and most lines are shorter.
const NEAR: usize = 64;

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;
const NEWLINES: u64 = ONES * b'\n' as u64;

/// The first newline, or the end.
#[inline]
pub(crate) fn line_len(text: &[u8]) -> usize {
    let near = text.get(..NEAR).unwrap_or(text);
    let (words, _) = near.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        // A byte that equals the newline becomes zero, and the lowest zero byte sets its top bit.
        let differing = u64::from_le_bytes(*word) ^ NEWLINES;
        let zeros = differing.wrapping_sub(ONES) & !differing & TOPS;
        if zeros != 0 {
            return at * 8 + zeros.trailing_zeros() as usize / 8;
        }
    }
    let passed = words.len() * 8;
    let rest = text.get(passed..).unwrap_or_default();
    passed + memchr(b'\n', rest).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_first_newline(before in prop::collection::vec(any::<u8>().prop_filter("newline", |byte| *byte != b'\n'), 0..200), after in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut text = before.clone();
            prop_assert_eq!(line_len(&text), before.len());
            text.push(b'\n');
            text.extend(after);
            prop_assert_eq!(line_len(&text), before.len());
        }
    }
}
