//! Text from outside, made safe to show.

use std::fmt::{self, Write as _};

/// Text made safe for a terminal or a log line.
///
/// Control characters (C0 but tab becomes a space, DEL, C1), bidirectional overrides and isolates,
/// zero-width and line-separator characters are written as `\x1b` or `\u{202e}`.
/// So no escape sequence and no reordering reaches the reader.
#[derive(Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

/// Shorthand for [`Escaped`].
pub fn escape(text: &str) -> Escaped<'_> {
    Escaped(text)
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = 0;
        for (at, c) in self.0.char_indices() {
            if !is_dangerous(c) {
                continue;
            }
            f.write_str(self.0.get(plain..at).unwrap_or(""))?;
            plain = at + c.len_utf8();
            match c {
                '\t' => f.write_char(' ')?,
                c if (c as u32) < 0x100 => write!(f, "\\x{:02x}", c as u32)?,
                c => write!(f, "\\u{{{:x}}}", c as u32)?,
            }
        }
        f.write_str(self.0.get(plain..).unwrap_or(""))
    }
}

/// Could the character do more than show: control a terminal, reorder or hide text?
pub fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{061c}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn osc_c1_and_bidi_are_written_out() {
        assert_eq!(escape("a\x1b]52;c;aGk=\x07b").to_string(), "a\\x1b]52;c;aGk=\\x07b");
        assert_eq!(escape("x\u{9b}31m\u{202e}gpj").to_string(), "x\\x9b31m\\u{202e}gpj");
        assert_eq!(escape("naïve – 日本").to_string(), "naïve – 日本");
    }

    proptest! {
        #[test]
        fn nothing_dangerous_survives(text in any::<String>()) {
            prop_assert!(!escape(&text).to_string().chars().any(is_dangerous));
        }
    }
}
