//! The commands of a bash script: what is called, in which function, fed by what, and the values of
//! variables that can be told without running anything.

use std::collections::HashMap;

use super::lexer::is_name;
use super::words::{Piece, Quote, Token, Word};

/// Characters of a value that is worked out, at most.
const MAX_VALUE: usize = 4096;
/// Words that a brace expansion gives, at most.
const MAX_BRACES: usize = 64;

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
            // Patterns of `case`, up to their `)`, are no commands.
            if around.cases.last() == Some(&true) && command.words.is_empty() {
                match token {
                    Token::Operator(")", _) => {
                        around.cases.iter_mut().last().into_iter().for_each(|p| *p = false)
                    }
                    Token::Word(word) if word.raw == "esac" => {
                        around.cases.pop();
                        around.conditions = around.conditions.saturating_sub(1);
                    }
                    _ => {}
                }
                continue;
            }
            match token {
                Token::Word(word) => {
                    self.substitutions(&word.pieces, around.function());
                    self.word(word, &mut command, &mut around);
                }
                Token::HereDocument { body, inside, line } => {
                    self.substitutions(inside, around.function());
                    command.documents.push((body, *line));
                }
                Token::Operator(operator, _) if is_redirect(operator) => {
                    // `2>`: the number is no argument.
                    if let Some(last) = command.words.last()
                        && command.words.len() > 1
                        && last.raw.len() == 1
                        && last.raw.bytes().all(|byte| byte.is_ascii_digit())
                    {
                        command.words.pop();
                    }
                    if let Some(Token::Word(target)) = tokens.peek() {
                        self.substitutions(&target.pieces, around.function());
                        command.redirects.push((operator, target));
                        tokens.next();
                    }
                }
                Token::Operator("(", _) if announces(&command) => {
                    around.announced =
                        command.words.pop().and_then(|word| match word.pieces.as_slice() {
                            [Piece::Text { text, .. }] => Some(text.as_str()),
                            _ => Some("?"),
                        });
                    command = Command::default();
                    if let Some(Token::Operator(")", _)) = tokens.peek() {
                        tokens.next();
                    }
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
                around.cases.iter_mut().last().into_iter().for_each(|pattern| *pattern = true);
                around.pipe = None;
            }
            _ => (around.chained, around.pipe) = (false, None),
        }
    }

    fn word(&mut self, word: &'t Word, command: &mut Command<'t>, around: &mut Around<'t>) {
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

/// Values of variables, as far as they can be told: `None` where they can't.
#[derive(Clone, Debug, Default)]
pub(super) struct Values(HashMap<String, Option<Vec<String>>>);

impl Values {
    /// Takes in an assignment; one that may not happen makes the value unknown.
    pub(super) fn assign(&mut self, word: &Word, certain: bool) {
        let Some((name, append)) = assignment(word) else { return };
        let value = if certain { self.assigned(word) } else { None };
        let value = match (append, value, self.0.remove(name)) {
            (false, value, _) => value,
            (true, Some(new), Some(Some(mut old))) => {
                if matches!(word.pieces.last(), Some(Piece::Array(_))) {
                    old.extend(new);
                } else if let (Some(last), Some(new)) = (old.first_mut(), new.first()) {
                    last.push_str(new);
                }
                Some(old)
            }
            (true, ..) => None,
        };
        let element = word.raw.split_once('=').is_some_and(|(name, _)| name.contains('['));
        self.0.insert(name.to_owned(), value.filter(|_| !element));
    }

    /// A variable is set in a way that is not followed: by a loop, by `read`.
    pub(super) fn forget(&mut self, name: &str) {
        self.0.insert(name.to_owned(), None);
    }

    fn assigned(&self, word: &Word) -> Option<Vec<String>> {
        if let Some(Piece::Array(words)) = word.pieces.last() {
            let mut all = Vec::new();
            for word in words {
                all.extend(self.expand(word)?);
            }
            return Some(all);
        }
        let whole = self.joined(&word.pieces)?;
        Some(vec![whole.split_once('=')?.1.to_owned()])
    }

    /// The elements of an array, or a scalar as one; `None` if unknown, also if never set.
    pub(super) fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name)?.as_deref()
    }

    /// Was it ever assigned, known or not?
    pub(super) fn set(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The words that a word becomes: braces expanded, arrays spread; `None` if it can't be told.
    pub(super) fn expand(&self, word: &Word) -> Option<Vec<String>> {
        if let [Piece::Text { text, .. }, Piece::Variable { name, operation, .. }] =
            word.pieces.as_slice()
            && text.is_empty()
            && operation == "[@]"
        {
            return self.get(name).map(<[String]>::to_vec);
        }
        let mut all = vec![String::new()];
        for piece in &word.pieces {
            let text = match piece {
                Piece::Text { text, quote: Quote::None } => {
                    all = combine(&all, &braces(text)?)?;
                    continue;
                }
                piece => self.joined(std::slice::from_ref(piece))?,
            };
            all.iter_mut().for_each(|value| value.push_str(&text));
        }
        all.iter().all(|value| value.len() <= MAX_VALUE).then_some(all)
    }

    /// A word as one text, if it can be told.
    pub(super) fn one(&self, word: &Word) -> Option<String> {
        self.joined(&word.pieces)
    }

    fn joined(&self, pieces: &[Piece]) -> Option<String> {
        let mut all = String::new();
        for piece in pieces {
            match piece {
                Piece::Text { text, .. } => all.push_str(text),
                Piece::Variable { name, operation, .. } => {
                    let value = self.get(name)?.first()?;
                    all.push_str(&operate(value, operation)?);
                }
                Piece::Command(_) | Piece::Array(_) => return None,
            }
            if all.len() > MAX_VALUE {
                return None;
            }
        }
        Some(all)
    }
}

/// The few operations of `${name…}` that recipes use on plain text.
fn operate(value: &str, operation: &str) -> Option<String> {
    let literal = |text: &str| !text.contains(['*', '?', '[', '$', '`', '\\', '"', '\'']);
    match operation {
        "" | "[0]" => return Some(value.to_owned()),
        ",," => return Some(value.to_lowercase()),
        "^^" => return Some(value.to_uppercase()),
        _ => {}
    }
    if let Some(rest) = operation.strip_prefix("//").filter(|rest| literal(rest)) {
        let (from, to) = rest.split_once('/').unwrap_or((rest, ""));
        return (!from.is_empty()).then(|| value.replace(from, to));
    }
    if let Some(rest) = operation.strip_prefix('/').filter(|rest| literal(rest)) {
        let (from, to) = rest.split_once('/').unwrap_or((rest, ""));
        return (!from.is_empty() && !from.starts_with(['#', '%']))
            .then(|| value.replacen(from, to, 1));
    }
    if let Some(suffix) = operation.strip_prefix('%').map(|rest| rest.trim_start_matches('%')) {
        return removed(value, suffix, false, operation.starts_with("%%"));
    }
    if let Some(prefix) = operation.strip_prefix('#').map(|rest| rest.trim_start_matches('#')) {
        return removed(value, prefix, true, operation.starts_with("##"));
    }
    let mut range = operation.strip_prefix(':')?.split(':');
    let start = range.next()?.trim();
    let start: usize = if start.is_empty() { 0 } else { start.parse().ok()? };
    let tail = value.chars().skip(start);
    match range.next() {
        None => Some(tail.collect()),
        Some(count) => Some(tail.take(count.trim().parse().ok()?).collect()),
    }
}

/// `${x%-*}`, `${x##*/}` and their like with one literal and at most one `*` at the outer end.
fn removed(value: &str, pattern: &str, front: bool, longest: bool) -> Option<String> {
    let plain = |text: &str| !text.contains(['*', '?', '[', '$', '`', '\\', '"', '\'']);
    if front {
        let Some(literal) = pattern.strip_prefix('*').filter(|text| plain(text)) else {
            let rest = plain(pattern).then(|| value.strip_prefix(pattern).unwrap_or(value));
            return rest.map(str::to_owned);
        };
        let found = if longest { value.rfind(literal) } else { value.find(literal) };
        let rest = found.and_then(|at| value.get(at + literal.len()..)).unwrap_or(value);
        return Some(rest.to_owned());
    }
    let Some(literal) = pattern.strip_suffix('*').filter(|text| plain(text)) else {
        let rest = plain(pattern).then(|| value.strip_suffix(pattern).unwrap_or(value));
        return rest.map(str::to_owned);
    };
    let found = if longest { value.find(literal) } else { value.rfind(literal) };
    Some(found.and_then(|at| value.get(..at)).unwrap_or(value).to_owned())
}

/// `a{b,c}d` with plain braces, not nested; the text itself if it has none.
fn braces(text: &str) -> Option<Vec<String>> {
    if text.contains(['*', '?']) {
        return None;
    }
    let Some((before, rest)) = text.split_once('{') else { return Some(vec![text.to_owned()]) };
    let (inside, after) = rest.split_once('}')?;
    if inside.contains('{') || inside.contains("..") || after.contains('{') || !inside.contains(',')
    {
        return None;
    }
    let choices = inside.split(',').map(|choice| format!("{before}{choice}{after}")).collect();
    Some(choices)
}

fn combine(all: &[String], choices: &[String]) -> Option<Vec<String>> {
    if all.len() * choices.len() > MAX_BRACES {
        return None;
    }
    let each = |value: &String| {
        choices.iter().map(|choice| format!("{value}{choice}")).collect::<Vec<_>>()
    };
    Some(all.iter().flat_map(each).collect())
}
