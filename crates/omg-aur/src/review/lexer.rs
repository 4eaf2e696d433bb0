//! From the text of a bash script to its words.

mod word;

use super::words::{Piece, Quote, Token, Word};
pub(super) use word::is_name;

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
                self.below(&text, first, |lexer| lexer.quoted_to_end(&mut found));
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
