//! Words written so that a search for them finds nothing.

use omg_core::Severity::{self, Caution, Danger};

use super::words::{Piece, Quote, Word};

/// Is the word written in a way that only hides it? How bad is that?
pub(super) fn disguised(word: &Word, is_command: bool) -> Option<Severity> {
    let ansi =
        word.pieces.iter().any(|piece| matches!(piece, Piece::Text { quote: Quote::Ansi, .. }));
    if ansi
        && word.raw.matches("\\x").count() + word.raw.matches("\\u").count() + octals(&word.raw)
            >= 2
    {
        let letters = word.text().chars().filter(char::is_ascii_alphanumeric).count();
        if letters >= 2 {
            return Some(Danger);
        }
    }
    if letters_of_variables(word) >= if is_command { 1 } else { 3 } {
        return Some(Danger);
    }
    let text = word.literal()?;
    if is_command {
        return (ansi || is_joined(word, &text)).then_some(Danger);
    }
    let short = |piece: &&Piece| match piece {
        Piece::Text { text, quote: Quote::Single | Quote::Double } => {
            text.len() <= 2 && text.chars().all(char::is_alphanumeric)
        }
        _ => false,
    };
    if word.pieces.iter().filter(short).count() >= 3 {
        return Some(Danger);
    }
    let escaped = |piece: &&Piece| match piece {
        Piece::Text { text, quote: Quote::Backslash } => text.chars().all(char::is_alphanumeric),
        _ => false,
    };
    (word.pieces.iter().filter(escaped).count() >= 3 || spelled(&text)).then_some(Caution)
}

/// `'b''u''n'`, `b\un`, `"cu"rl`: quotes in the middle of a word that needs none. `\rm` only evades an
/// alias, and a path with a quoted part is a path.
fn is_joined(word: &Word, text: &str) -> bool {
    let plain =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.+-".contains(c));
    let alias = word.raw.starts_with('\\')
        && !word.raw.get(1..).unwrap_or_default().contains(['\\', '\'', '"']);
    plain && word.pieces.len() > 1 && !alias
}

/// `${x:3:1}`: single letters taken out of variables.
fn letters_of_variables(word: &Word) -> usize {
    let letter = |piece: &&Piece| match piece {
        Piece::Variable { operation, .. } => operation.strip_prefix(':').is_some_and(|range| {
            range.rsplit_once(':').is_some_and(|(_, count)| count.trim() == "1")
        }),
        _ => false,
    };
    word.pieces.iter().filter(letter).count()
}

/// `\x63\x75\x72\x6c` in plain text, for `printf` or `echo -e`: four letters in a row.
fn spelled(text: &str) -> bool {
    let mut run = 0;
    for part in text.split("\\x").skip(1) {
        let value = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        run = if value.is_some_and(|byte| byte.is_ascii_alphanumeric()) { run + 1 } else { 0 };
        if run >= 4 {
            return true;
        }
    }
    false
}

fn octals(raw: &str) -> usize {
    raw.split('\\')
        .skip(1)
        .filter(|part| part.starts_with(|c: char| ('0'..='7').contains(&c)))
        .count()
}
