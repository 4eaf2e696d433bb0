//! Words of a bash script: quoting taken away, expansions kept apart, comments dropped.
//!
//! So `'b''u''n'`, `b\un`, `"b"un` and `$'\x62un'` are all seen as `bun`, and it is still known that
//! they were not written so. This is a lexer, not bash: nothing is expanded, globbed or run, and
//! aliases and `eval` are not followed here.

/// How a part of a word was quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quote {
    /// Not at all.
    None,
    /// By a backslash.
    Backslash,
    /// `'…'`.
    Single,
    /// `"…"`.
    Double,
    /// `$'…'`, decoded.
    Ansi,
}

/// A part of a word.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Piece {
    /// Characters that stand for themselves (or, unquoted, for a pattern or braces).
    Text { text: String, quote: Quote },
    /// `$name`, `${name…}`, `$((…))`: the operation is what follows the name, as written.
    Variable { name: String, operation: String, inside: Vec<Piece> },
    /// `$(…)`, `` `…` ``, `<(…)`.
    Command(Vec<Token>),
    /// `(…)` behind `name=`.
    Array(Vec<Word>),
}

/// One word.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Word {
    /// Its parts.
    pub(super) pieces: Vec<Piece>,
    /// As written.
    pub(super) raw: String,
    /// Line, from 1.
    pub(super) line: u32,
}

impl Word {
    /// The text without quotes; expansions as `$name` or `${…}`, commands as `$(…)`.
    pub(super) fn text(&self) -> String {
        text(&self.pieces)
    }

    /// The text, if the word is nothing but text.
    pub(super) fn literal(&self) -> Option<String> {
        let plain = |piece: &Piece| matches!(piece, Piece::Text { .. });
        self.pieces.iter().all(plain).then(|| self.text())
    }
}

pub(super) fn text(pieces: &[Piece]) -> String {
    let mut all = String::new();
    for piece in pieces {
        match piece {
            Piece::Text { text, .. } => all.push_str(text),
            Piece::Variable { name, operation, .. } if operation.is_empty() => {
                all.extend(["$", name]);
            }
            Piece::Variable { name, operation, .. } => all.extend(["${", name, operation, "}"]),
            Piece::Command(_) => all.push_str("$(…)"),
            Piece::Array(_) => all.push_str("(…)"),
        }
    }
    all
}

/// What a script is made of.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// `;`, `|`, `&&`, `>`, `(` and the like.
    Operator(&'static str, u32),
    /// The end of a line.
    Newline,
    /// The text that a here-document gives to the command before it.
    HereDocument { body: String, inside: Vec<Piece>, line: u32 },
}
