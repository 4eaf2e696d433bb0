//! The commands of a bash script: what is called, in which function, and fed by what.

use super::lexer::is_name;
use super::words::{Piece, Quote, Token, Word};

/// One simple command.
#[derive(Clone, Debug, Default)]
pub(super) struct Command<'t> {
    /// The command and its arguments; empty for mere assignments.
    pub(super) words: Vec<&'t Word>,
    /// Assignments before it.
    pub(super) assignments: Vec<&'t Word>,
    /// `>`, `<<<` and the like, with what stands behind.
    pub(super) redirects: Vec<(&'static str, &'t Word)>,
    /// What here-documents give it: text and first line.
    pub(super) documents: Vec<(&'t str, u32)>,
    /// The function that it stands in.
    pub(super) function: Option<&'t str>,
    /// The command whose output it reads, as an index.
    pub(super) fed_by: Option<usize>,
    /// It stands in `$(…)`, backticks or `<(…)`.
    pub(super) substituted: bool,
    /// It stands in `if`, `case`, a loop or behind `&&` or `||`.
    pub(super) conditional: bool,
    /// Line, from 1.
    pub(super) line: u32,
}

/// All commands of a script, in their order; those of a substitution before the command around it.
pub(super) fn commands(tokens: &[Token]) -> Vec<Command<'_>> {
    let mut reader = Reader { commands: Vec::new() };
    reader.read(tokens, None, false);
    reader.commands
}

struct Reader<'t> {
    commands: Vec<Command<'t>>,
}

/// What is open around a command.
struct Around<'t> {
    /// Functions whose bodies are open, with the depth of braces at which they end.
    functions: Vec<(&'t str, usize)>,
    /// A function was announced: `name ()`.
    announced: Option<&'t str>,
    depth: usize,
    conditions: usize,
    chained: bool,
    cases: Vec<bool>,
    pipe: Option<usize>,
    substituted: bool,
    outer: Option<&'t str>,
}

impl<'t> Around<'t> {
    fn function(&self) -> Option<&'t str> {
        self.functions.last().map(|(name, _)| *name).or(self.outer)
    }

    /// Patterns of `case`, up to their `)`, are no commands.
    fn skips_pattern(&mut self, token: &Token, command: &Command<'_>) -> bool {
        let Some(pattern) = self.cases.last_mut().filter(|pattern| **pattern) else { return false };
        if !command.words.is_empty() {
            return false;
        }
        match token {
            Token::Operator(")", _) => *pattern = false,
            Token::Word(word) if word.raw == "esac" => {
                self.cases.pop();
                self.conditions = self.conditions.saturating_sub(1);
            }
            _ => {}
        }
        true
    }

    fn opened(&mut self) {
        self.depth += 1;
        if let Some(name) = self.announced.take() {
            self.functions.push((name, self.depth));
        }
    }

    fn closed(&mut self) {
        if self.functions.last().is_some_and(|(_, depth)| *depth == self.depth) {
            self.functions.pop();
        }
        self.depth = self.depth.saturating_sub(1);
    }
}

impl<'t> Reader<'t> {
    fn read(&mut self, tokens: &'t [Token], outer: Option<&'t str>, substituted: bool) {
        let mut around = Around {
            functions: Vec::new(),
            announced: None,
            depth: 0,
            conditions: 0,
            chained: false,
            cases: Vec::new(),
            pipe: None,
            substituted,
            outer,
        };
        let mut command = Command::default();
        let mut tokens = tokens.iter().peekable();
        while let Some(token) = tokens.next() {
            if around.skips_pattern(token, &command) {
                continue;
            }
            match token {
                Token::Word(word) => {
                    self.substitutions(&word.pieces, around.function());
                    take_word(word, &mut command, &mut around);
                }
                Token::HereDocument { body, inside, line } => {
                    self.substitutions(inside, around.function());
                    command.documents.push((body, *line));
                }
                Token::Operator(operator, _) if is_redirect(operator) => {
                    drop_number(&mut command);
                    if let Some(Token::Word(target)) = tokens.peek() {
                        self.substitutions(&target.pieces, around.function());
                        command.redirects.push((operator, target));
                        tokens.next();
                    }
                }
                Token::Operator("(", _) if announces(&command) => {
                    around.announced = command.words.pop().map(plain_name);
                    command = Command::default();
                    tokens.next_if(|token| matches!(token, Token::Operator(")", _)));
                }
                Token::Operator(operator, _) => self.operator(operator, &mut command, &mut around),
                Token::Newline => {
                    self.end(&mut command, &around);
                    (around.pipe, around.chained) = (None, false);
                }
            }
        }
        self.end(&mut command, &around);
    }

    fn operator(
        &mut self,
        operator: &'static str,
        command: &mut Command<'t>,
        around: &mut Around<'t>,
    ) {
        let ended = self.end(command, around);
        match operator {
            "|" | "|&" => around.pipe = ended.or_else(|| self.commands.len().checked_sub(1)),
            "(" => around.opened(),
            ")" => around.closed(),
            "&&" | "||" => (around.chained, around.pipe) = (true, None),
            ";;" | ";&" | ";;&" => {
                if let Some(pattern) = around.cases.last_mut() {
                    *pattern = true;
                }
                around.pipe = None;
            }
            _ => (around.chained, around.pipe) = (false, None),
        }
    }

    /// Ends a command; its index, if there was one.
    fn end(&mut self, command: &mut Command<'t>, around: &Around<'t>) -> Option<usize> {
        let mut command = std::mem::take(command);
        if command.words.is_empty()
            && command.assignments.is_empty()
            && command.redirects.is_empty()
        {
            return None;
        }
        if let (0, Some((_, target))) = (command.line, command.redirects.first()) {
            command.line = target.line;
        }
        command.function = around.function();
        command.fed_by = around.pipe;
        command.substituted = around.substituted;
        command.conditional = around.conditions > 0 || around.chained;
        self.commands.push(command);
        Some(self.commands.len() - 1)
    }

    fn substitutions(&mut self, pieces: &'t [Piece], function: Option<&'t str>) {
        for piece in pieces {
            match piece {
                Piece::Command(tokens) => self.read(tokens, function, true),
                Piece::Variable { inside, .. } => self.substitutions(inside, function),
                Piece::Array(words) => {
                    for word in words {
                        self.substitutions(&word.pieces, function);
                    }
                }
                Piece::Text { .. } => {}
            }
        }
    }
}

/// Takes a word: a reserved word changes what is around, any other becomes part of the command.
fn take_word<'t>(word: &'t Word, command: &mut Command<'t>, around: &mut Around<'t>) {
    if command.words.is_empty() {
        match word.raw.as_str() {
            "then" | "elif" | "else" | "do" | "!" | "time" | "coproc" => return,
            "if" | "while" | "until" => {
                around.conditions += 1;
                return;
            }
            "fi" | "done" => {
                around.conditions = around.conditions.saturating_sub(1);
                return;
            }
            "{" => return around.opened(),
            "}" => return around.closed(),
            "esac" => {
                around.cases.pop();
                around.conditions = around.conditions.saturating_sub(1);
                return;
            }
            "for" | "select" | "case" => around.conditions += 1,
            _ if assignment(word).is_some() => {
                if command.assignments.is_empty() {
                    command.line = word.line;
                }
                return command.assignments.push(word);
            }
            _ => {}
        }
        if command.assignments.is_empty() {
            command.line = word.line;
        }
    }
    let first = command.words.first().map(|word| word.raw.as_str());
    match (first, word.raw.as_str()) {
        (Some("function"), name) if command.words.len() == 1 => {
            around.announced = Some(name);
            *command = Command::default();
            return;
        }
        (Some("case"), "in") => {
            around.cases.push(true);
            // The word that is compared is no command.
            *command = Command::default();
            return;
        }
        _ => {}
    }
    command.words.push(word);
}

/// `2>`: the number before a redirection is no argument.
fn drop_number(command: &mut Command<'_>) {
    let number =
        |word: &&Word| word.raw.len() == 1 && word.raw.bytes().all(|byte| byte.is_ascii_digit());
    if command.words.len() > 1 && command.words.last().is_some_and(number) {
        command.words.pop();
    }
}

fn plain_name(word: &Word) -> &str {
    match word.pieces.as_slice() {
        [Piece::Text { text, .. }] => text,
        _ => "?",
    }
}

fn is_redirect(operator: &str) -> bool {
    matches!(
        operator,
        "<" | ">" | ">>" | "<<" | "<<-" | "<<<" | "<&" | ">&" | "<>" | ">|" | "&>" | "&>>"
    )
}

/// Does `(` behind this begin a function?
fn announces(command: &Command<'_>) -> bool {
    command.words.len() == 1 && command.assignments.is_empty() && command.redirects.is_empty()
}

/// `name=…`: the name, and whether it is `+=`.
pub(super) fn assignment(word: &Word) -> Option<(&str, bool)> {
    let Some(Piece::Text { text, quote: Quote::None }) = word.pieces.first() else { return None };
    let (name, _) = text.split_once('=')?;
    let (name, append) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    is_name(name).then_some((name, append))
}
