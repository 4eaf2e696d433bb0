//! One word: quotes, expansions, arrays and patterns.

use super::{Lexer, MAX_DEPTH};
use crate::review::words::{Piece, Quote, Word};

impl Lexer<'_> {
    pub(super) fn quoted_to_end(&mut self, pieces: &mut Vec<Piece>) {
        while self.at < self.text.len() && self.left > 0 {
            self.dollar_or_char(pieces, Quote::Double);
        }
    }

    pub(super) fn word(&mut self, begins: bool) -> Word {
        // `!(…)` is a pattern among arguments, and a negated subshell where a command begins.
        if begins && self.rest().starts_with("!(") {
            let line = self.line;
            self.skip(1);
            let pieces = vec![Piece::Text { text: "!".into(), quote: Quote::None }];
            return Word { pieces, raw: "!".into(), line };
        }
        self.word_until(|c| c.is_whitespace() || ";&|()<>".contains(c))
    }

    pub(super) fn word_until(&mut self, ends: impl Fn(char) -> bool) -> Word {
        let (line, start) = (self.line, self.at);
        let mut pieces = Vec::new();
        while let Some(c) = self.peek() {
            let raw = self.text.get(start..self.at).unwrap_or_default();
            match c {
                '(' if is_assignment(raw) => self.array(&mut pieces),
                '(' if raw.ends_with(['!', '@', '?', '*', '+']) => self.pattern(&mut pieces),
                '<' | '>' if raw.is_empty() && self.second() == Some('(') => {
                    self.skip(2);
                    self.command(&mut pieces);
                }
                c if ends(c) => break,
                '\'' => {
                    self.skip(1);
                    let text = self.until('\'');
                    pieces.push(Piece::Text { text, quote: Quote::Single });
                }
                '"' => self.double(&mut pieces),
                '\\' => {
                    self.skip(1);
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(c) => {
                            let text = c.to_string();
                            pieces.push(Piece::Text { text, quote: Quote::Backslash });
                        }
                    }
                }
                _ => self.dollar_or_char(&mut pieces, Quote::None),
            }
        }
        if self.at == start {
            // An operator where a word has to stand: taken as text, so that reading goes on.
            self.at += self.peek().map_or(0, char::len_utf8);
        }
        let raw = self.text.get(start..self.at).unwrap_or_default().to_owned();
        Word { pieces, raw, line }
    }

    fn until(&mut self, end: char) -> String {
        let mut text = String::new();
        while let Some(c) = self.bump() {
            if c == end {
                break;
            }
            text.push(c);
        }
        text
    }

    fn double(&mut self, pieces: &mut Vec<Piece>) {
        self.skip(1);
        // An empty pair of quotes is a part too: it may stand inside a word to hide it.
        pieces.push(Piece::Text { text: String::new(), quote: Quote::Double });
        loop {
            match self.peek() {
                None => return,
                Some('"') => return self.skip(1),
                Some('\\') => {
                    self.skip(1);
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(c @ ('$' | '`' | '"' | '\\')) => push(pieces, c, Quote::Double),
                        Some(c) => {
                            push(pieces, '\\', Quote::Double);
                            push(pieces, c, Quote::Double);
                        }
                    }
                }
                Some(_) => self.dollar_or_char(pieces, Quote::Double),
            }
        }
    }

    /// One expansion, or one character.
    pub(super) fn dollar_or_char(&mut self, pieces: &mut Vec<Piece>, quote: Quote) {
        match (self.peek(), self.second()) {
            (Some('`'), _) => self.backticks(pieces),
            (Some('$'), Some('(')) if self.rest().starts_with("$((") => {
                // Wrongly taken for arithmetic, `$((a); b)` is still read: as commands.
                self.skip(2);
                self.command(pieces);
            }
            (Some('$'), Some('(')) => {
                self.skip(2);
                self.command(pieces);
            }
            (Some('$'), Some('{')) => self.braces(pieces),
            (Some('$'), Some('\'')) if quote == Quote::None => {
                self.skip(2);
                let text = self.ansi();
                pieces.push(Piece::Text { text, quote: Quote::Ansi });
            }
            (Some('$'), Some('"')) if quote == Quote::None => self.skip(1),
            (Some('$'), Some(c)) if c.is_ascii_alphanumeric() || "_@*#?-$!".contains(c) => {
                self.skip(1);
                let name = self.name();
                pieces.push(Piece::Variable { name, operation: String::new(), inside: Vec::new() });
            }
            (Some(c), _) => {
                self.skip(1);
                push(pieces, c, quote);
            }
            (None, _) => {}
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            let letter = c.is_ascii_alphanumeric() || c == '_';
            let special = name.is_empty() && "@*#?-$!".contains(c);
            if !letter && !special {
                break;
            }
            name.push(c);
            self.skip(1);
            if !c.is_ascii_alphabetic() && c != '_' && name.len() == 1 {
                break;
            }
        }
        name
    }

    /// Behind `$(` or `<(`.
    fn command(&mut self, pieces: &mut Vec<Piece>) {
        if self.depth >= MAX_DEPTH {
            self.complete = false;
            self.at = self.text.len();
            return;
        }
        self.depth += 1;
        let tokens = self.tokens(true);
        self.depth -= 1;
        pieces.push(Piece::Command(tokens));
    }

    fn backticks(&mut self, pieces: &mut Vec<Piece>) {
        self.skip(1);
        let line = self.line;
        let mut text = String::new();
        while let Some(c) = self.bump() {
            match c {
                '`' => break,
                '\\' => match self.bump() {
                    Some(c @ ('`' | '\\' | '$')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => {}
                },
                c => text.push(c),
            }
        }
        pieces.push(Piece::Command(self.below(&text, line, |lexer| lexer.tokens(false))));
    }

    /// `${…}`.
    fn braces(&mut self, pieces: &mut Vec<Piece>) {
        self.skip(2);
        let mut name = String::new();
        if matches!(self.peek(), Some('!' | '#')) && self.second() != Some('}') {
            name.extend(self.bump());
        }
        name.push_str(&self.name());
        let start = self.at;
        let mut inside = Vec::new();
        if self.depth >= MAX_DEPTH {
            self.complete = false;
            self.at = self.text.len();
            return;
        }
        self.depth += 1;
        let mut end = self.text.len();
        while let Some(c) = self.peek() {
            match c {
                '}' => {
                    end = self.at;
                    self.skip(1);
                    break;
                }
                '\\' => self.skip(2),
                '\'' => {
                    self.skip(1);
                    let text = self.until('\'');
                    inside.push(Piece::Text { text, quote: Quote::Single });
                }
                '"' => self.double(&mut inside),
                _ => self.dollar_or_char(&mut inside, Quote::None),
            }
        }
        self.depth -= 1;
        let operation = self.text.get(start..end.min(self.at)).unwrap_or_default().to_owned();
        inside.retain(|piece| !matches!(piece, Piece::Text { .. }));
        pieces.push(Piece::Variable { name, operation, inside });
    }

    /// Behind `name=`: words in parentheses, over many lines.
    fn array(&mut self, pieces: &mut Vec<Piece>) {
        self.skip(1);
        if self.depth >= MAX_DEPTH {
            self.complete = false;
            self.at = self.text.len();
            return;
        }
        self.depth += 1;
        let mut words = Vec::new();
        while self.left > 0 {
            self.blanks();
            match self.peek() {
                None => break,
                Some(')') => {
                    self.skip(1);
                    break;
                }
                Some(c) if c.is_whitespace() => self.skip(1),
                Some(_) => {
                    self.left -= 1;
                    words.push(self.word(false));
                }
            }
        }
        self.depth -= 1;
        pieces.push(Piece::Array(words));
    }

    /// `@(a|b)` and its kind: a pattern, with what is substituted in it.
    fn pattern(&mut self, pieces: &mut Vec<Piece>) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '\n' => return,
                _ => {}
            }
            if c == '$' || c == '`' {
                self.dollar_or_char(pieces, Quote::None);
            } else {
                self.skip(1);
                push(pieces, c, Quote::None);
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Behind `$'`: the escapes that bash decodes.
    fn ansi(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.bump() {
            match c {
                '\'' => break,
                '\\' => {
                    let c = self.bump();
                    text.extend(c.and_then(|c| self.escape(c)));
                }
                c => text.push(c),
            }
        }
        text
    }

    fn escape(&mut self, c: char) -> Option<char> {
        let (radix, most) = match c {
            'n' => return Some('\n'),
            't' => return Some('\t'),
            'e' | 'E' => return Some('\x1b'),
            'a' | 'b' | 'f' | 'r' | 'v' => return Some(' '),
            'x' => (16, 2),
            'u' => (16, 4),
            'U' => (16, 8),
            '0'..='7' => {
                self.at -= 1;
                (8, 3)
            }
            c => return Some(c),
        };
        let mut value = 0_u32;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.skip(1);
        }
        char::from_u32(value)
    }
}

fn push(pieces: &mut Vec<Piece>, c: char, quote: Quote) {
    if let Some(Piece::Text { text, quote: last }) = pieces.last_mut()
        && *last == quote
    {
        text.push(c);
        return;
    }
    pieces.push(Piece::Text { text: c.to_string(), quote });
}

/// Is what was read of a word `name=`, `name+=` or `name[…]=`?
fn is_assignment(raw: &str) -> bool {
    let Some(name) = raw.strip_suffix('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    is_name(name)
}

/// Is it a name of a variable?
pub(in crate::review) fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
