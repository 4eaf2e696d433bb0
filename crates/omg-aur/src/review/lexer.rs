//! From the text of a bash script to its words.

use super::words::{Piece, Quote, Token, Word};

/// Levels of substitutions, quotes and arrays inside each other, at most.
const MAX_DEPTH: usize = 24;
/// Tokens of a script, at most.
const MAX_TOKENS: usize = 100_000;
/// Bytes that are looked ahead to tell `((…))` from `( (…) )`.
const MAX_ARITHMETIC: usize = 512;
/// Longest first.
const OPERATORS: [&str; 25] = [
    "&>>", "<<<", "<<-", ";;&", "&&", "||", "|&", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|",
    "&>", "|", "&", ";", "<", ">", "(", ")", "\r\n", "\n",
];
/// Words behind which a command begins.
const BEFORE_COMMANDS: [&str; 10] =
    ["if", "then", "elif", "else", "while", "until", "do", "!", "{", "time"];

/// A script as words.
#[derive(Debug)]
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    /// It was read to its end, within the limits.
    pub(super) complete: bool,
}

/// Reads a script; its first line is counted as `line`.
pub(super) fn lex(text: &str, line: u32) -> Lexed {
    lex_below(text, line, 0)
}

fn lex_below(text: &str, line: u32, depth: usize) -> Lexed {
    let mut lexer = Lexer { text, at: 0, line, depth, left: MAX_TOKENS, complete: true };
    let mut tokens = lexer.tokens(false);
    // A `)` that closes nothing ends the inner reading; what follows is read all the same.
    while lexer.at < text.len() && lexer.left > 0 {
        tokens.extend(lexer.tokens(false));
    }
    Lexed { tokens, complete: lexer.complete && lexer.at >= text.len() }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    depth: usize,
    left: usize,
    complete: bool,
}

/// A here-document whose body comes after the line: where its token stands, and what ends it.
struct Due {
    token: usize,
    delimiter: String,
    quoted: bool,
    tabs: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.line += u32::from(c == '\n');
        Some(c)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.bump();
        }
    }

    /// Tokens up to the end; of an inner script, up to the `)` that closes it, which is consumed.
    fn tokens(&mut self, inner: bool) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut due = Vec::new();
        let (mut cases, mut open) = (0_usize, 0_usize);
        loop {
            self.blanks();
            if self.left == 0 {
                self.complete = false;
                self.at = self.text.len();
            }
            if self.at >= self.text.len() {
                return tokens;
            }
            self.left = self.left.saturating_sub(1);
            let begins = begins_command(&tokens);
            if begins && self.arithmetic(&mut tokens) {
                continue;
            }
            let line = self.line;
            let Some(operator) = self.operator() else {
                let word = self.word(begins);
                match word.raw.as_str() {
                    "case" if begins => cases += 1,
                    "esac" => cases = cases.saturating_sub(1),
                    _ => {}
                }
                let conditional = begins && word.raw == "[[";
                tokens.push(Token::Word(word));
                if conditional {
                    self.conditional(&mut tokens);
                }
                continue;
            };
            match operator {
                "\n" | "\r\n" => {
                    tokens.push(Token::Newline);
                    self.here_documents(&mut tokens, &mut due);
                    continue;
                }
                "(" => open += 1,
                ")" if open > 0 => open -= 1,
                ")" if cases == 0 && inner => return tokens,
                _ => {}
            }
            tokens.push(Token::Operator(operator, line));
            if matches!(operator, "<<" | "<<-") {
                self.blanks();
                let word = self.word(false);
                let quoted = word.raw.contains(['\'', '"', '\\']);
                let token = tokens.len();
                let delimiter = word.text();
                due.push(Due { token, delimiter, quoted, tabs: operator == "<<-" });
                let (body, inside) = (String::new(), Vec::new());
                tokens.push(Token::HereDocument { body, inside, line });
            }
        }
    }

    /// Blanks, escaped ends of lines, and comments.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.skip(1),
                Some('\\') if self.rest().starts_with("\\\n") => self.skip(2),
                Some('#') => {
                    let end = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.at += end;
                }
                _ => return,
            }
        }
    }

    fn operator(&mut self) -> Option<&'static str> {
        let rest = self.rest();
        // A process substitution is a word.
        if rest.starts_with("<(") || rest.starts_with(">(") {
            return None;
        }
        let found = OPERATORS.into_iter().find(|operator| rest.starts_with(operator))?;
        self.skip(found.chars().count());
        Some(found)
    }

    /// `((…))` where a command begins: only the substitutions in it matter.
    fn arithmetic(&mut self, tokens: &mut Vec<Token>) -> bool {
        if !self.rest().starts_with("((") {
            return false;
        }
        let mut depth = 0_usize;
        let mut end = None;
        let mut last = None;
        for (at, c) in self.rest().char_indices().take(MAX_ARITHMETIC) {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                end = Some(at);
                break;
            }
            last = Some((at, c, depth));
        }
        let (Some(end), Some((_, ')', 1))) = (end, last) else { return false };
        let (line, start) = (self.line, self.at);
        let raw = self.rest().get(..=end).unwrap_or_default().to_owned();
        let stop = start + end + 1;
        let mut inside = Vec::new();
        while self.at < stop {
            self.dollar_or_char(&mut inside, Quote::Double);
        }
        let pieces = vec![Piece::Variable { name: "((".into(), operation: "))".into(), inside }];
        tokens.push(Token::Word(Word { pieces, raw, line }));
        true
    }

    /// Behind `[[`, up to `]]`: operators are ordinary characters.
    fn conditional(&mut self, tokens: &mut Vec<Token>) {
        while self.left > 0 {
            self.blanks();
            if self.peek().is_none() {
                return;
            }
            self.left -= 1;
            let word = self.word_until(char::is_whitespace);
            let last = word.raw == "]]" || word.raw == "]];";
            tokens.push(Token::Word(word));
            if last {
                return;
            }
        }
    }

    fn here_documents(&mut self, tokens: &mut [Token], due: &mut Vec<Due>) {
        for document in due.drain(..) {
            let first = self.line;
            let start = self.at;
            let mut end = self.text.len();
            while self.at < self.text.len() {
                let line_start = self.at;
                let length = self.rest().find('\n').map_or(self.rest().len(), |at| at + 1);
                let line = self.rest().get(..length).unwrap_or_default();
                let line = line.trim_end_matches('\n');
                let line = if document.tabs { line.trim_start_matches('\t') } else { line };
                let ended = line == document.delimiter;
                self.at += length;
                self.line += 1;
                if ended {
                    end = line_start;
                    break;
                }
            }
            let text = self.text.get(start..end).unwrap_or_default().to_owned();
            let mut found = Vec::new();
            if !document.quoted {
                found = self.below(&text, first, |lexer| lexer.quoted_to_end());
            }
            if let Some(Token::HereDocument { body, inside, line }) = tokens.get_mut(document.token)
            {
                (*body, *inside, *line) = (text, found, first);
            }
        }
    }

    /// Reads another text one level deeper.
    fn below<T: Default>(
        &mut self,
        text: &str,
        line: u32,
        read: impl FnOnce(&mut Lexer<'_>) -> T,
    ) -> T {
        if self.depth >= MAX_DEPTH {
            self.complete = false;
            return T::default();
        }
        let depth = self.depth + 1;
        let mut lexer = Lexer { text, at: 0, line, depth, left: self.left, complete: true };
        let value = read(&mut lexer);
        self.left = lexer.left;
        self.complete &= lexer.complete;
        value
    }

    fn quoted_to_end(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while self.at < self.text.len() && self.left > 0 {
            self.dollar_or_char(&mut pieces, Quote::Double);
        }
        pieces
    }

    fn word(&mut self, begins: bool) -> Word {
        // `!(…)` is a pattern among arguments, and a negated subshell where a command begins.
        if begins && self.rest().starts_with("!(") {
            let line = self.line;
            self.skip(1);
            let pieces = vec![Piece::Text { text: "!".into(), quote: Quote::None }];
            return Word { pieces, raw: "!".into(), line };
        }
        self.word_until(|c| c.is_whitespace() || ";&|()<>".contains(c))
    }

    fn word_until(&mut self, ends: impl Fn(char) -> bool) -> Word {
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
    fn dollar_or_char(&mut self, pieces: &mut Vec<Piece>, quote: Quote) {
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
            if !letter && !(name.is_empty() && "@*#?-$!".contains(c)) {
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
pub(super) fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn begins_command(tokens: &[Token]) -> bool {
    match tokens.last() {
        None | Some(Token::Newline | Token::HereDocument { .. }) => true,
        Some(Token::Operator(operator, _)) => {
            matches!(
                *operator,
                ";" | "&" | "&&" | "||" | "|" | "|&" | ";;" | ";&" | ";;&" | "(" | ")"
            )
        }
        Some(Token::Word(word)) => BEFORE_COMMANDS.contains(&word.raw.as_str()),
    }
}
