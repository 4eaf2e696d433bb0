//! Text as it is compared: folded, and summarised as a set of characters.

use unicode_normalization::UnicodeNormalization as _;

/// Appends `text` in the form that is compared: NFKC, lower case, control characters as spaces.
pub(crate) fn fold_into(text: &str, into: &mut String) {
    if text.is_ascii() {
        let start = into.len();
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            into.extend(text.chars().map(|c| if c.is_ascii_control() { ' ' } else { c }));
        } else {
            into.push_str(text);
        }
        if let Some(added) = into.get_mut(start..) {
            added.make_ascii_lowercase();
        }
        return;
    }
    into.extend(
        text.nfkc()
            .flat_map(char::to_lowercase)
            .nfkc()
            .map(|c| if c.is_control() { ' ' } else { c }),
    );
}

/// `text` in the form that is compared.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Which characters occur: a bit for each letter and digit, one for each group of other ASCII
/// characters, the rest spread by value. If a text contains a word, its mask contains the word's.
pub(crate) fn mask(text: &str) -> u64 {
    text.bytes().fold(0, |mask, byte| mask | 1 << bit(byte))
}

fn bit(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => byte - b'a',
        b'0'..=b'9' => 26 + (byte - b'0'),
        b'-' => 36,
        b'.' => 37,
        b'+' => 38,
        b'_' => 39,
        0..=0x7f => 40 + (byte & 7),
        _ => 48 + (byte & 15),
    }
}

/// Does a word begin at byte `at` of a folded text? Words are runs of letters, or of digits.
pub(crate) fn word_starts(text: &[u8], at: usize) -> bool {
    let Some(&first) = text.get(at) else { return false };
    let Some(&before) = at.checked_sub(1).and_then(|before| text.get(before)) else { return true };
    !is_word(before) || (is_word(first) && before.is_ascii_digit() != first.is_ascii_digit())
}

/// Does a word end just before byte `at`?
pub(crate) fn word_ends(text: &[u8], at: usize) -> bool {
    let Some(&next) = text.get(at) else { return true };
    let Some(&last) = at.checked_sub(1).and_then(|last| text.get(last)) else { return true };
    !is_word(next) || !is_word(last) || last.is_ascii_digit() != next.is_ascii_digit()
}

/// The words of a folded text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        while bytes.get(at).is_some_and(|&byte| !is_word(byte)) {
            at += 1;
        }
        let start = at;
        bytes.get(at)?;
        at += 1;
        while at < bytes.len() && !word_ends(bytes, at) {
            at += 1;
        }
        text.get(start..at)
    })
}

/// Part of a word: letters, digits, and every byte of a character beyond ASCII.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_composition_do_not_count() {
        assert_eq!(fold("CAFÉ"), fold("cafe\u{301}"));
        assert_eq!(fold("ﬁle\tNAME"), "file name");
    }

    #[test]
    fn words_break_at_punctuation_and_digits() {
        let text = b"python3-foo.bar";
        let starts: Vec<usize> = (0..text.len()).filter(|&at| word_starts(text, at)).collect();
        assert_eq!(starts, [0, 6, 8, 12]);
        assert!(word_ends(text, 6) && word_ends(text, 7) && !word_ends(text, 5));
    }
}
