//! Text on a grid: made safe, measured, cut, wrapped.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Text that can't do anything to a terminal but show. Borrowed if it was harmless already.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if is_printable_ascii(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(omg_core::escape(text).to_string())
    }
}

fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Columns that the text takes.
pub(crate) fn width(text: &str) -> usize {
    if is_printable_ascii(text) { text.len() } else { text.width() }
}

/// The text if it fits into `columns`, else what fits of it followed by `mark`.
pub(crate) fn cut<'a>(text: &'a str, columns: usize, mark: &str) -> Cow<'a, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(width(mark));
    let mut taken = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > room {
            break;
        }
        end = at + c.len_utf8();
    }
    let kept = text.get(..end).unwrap_or("").trim_end();
    if width(mark) > columns { Cow::Borrowed(kept) } else { Cow::Owned(format!("{kept}{mark}")) }
}

/// Lines of at most `columns`, broken between words. A word that is too long alone stays whole, so
/// that addresses can still be copied.
pub(crate) fn wrap<'a>(words: impl IntoIterator<Item = &'a str>, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in words {
        let wide = width(word);
        if used > 0 && used + 1 + wide > columns {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += wide;
    }
    if used > 0 {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut("日本語の説明", 7, "…"), "日本語…");
        assert_eq!(cut("abc", 3, "…"), "abc");
        assert_eq!(cut("abcd", 3, "..."), "...");
    }

    #[test]
    fn wrap_breaks_between_words_only() {
        assert_eq!(wrap("aa bb cc".split(' '), 5), ["aa bb", "cc"]);
        assert_eq!(wrap(["https://example.org/long"], 5), ["https://example.org/long"]);
    }

    proptest! {
        #[test]
        fn cut_fits(text in any::<String>(), columns in 0usize..40) {
            let text = clean(&text).into_owned();
            prop_assert!(width(&cut(&text, columns, "…")) <= columns);
        }
    }
}
