//! Looks through a script, command by command, for what attacks are made of.

use omg_core::Severity::{self, Caution, Danger};

use super::disguise::disguised;
use super::effects;
use super::lexer::lex;
use super::programs::{self, Call};
use super::risk::{Found, Risk};
use super::script::{Command, assignment, commands};
use super::values::Values;
use super::words::{Piece, Token, Word};

/// Bytes of a script that are looked through, at most.
pub const MAX_SCRIPT: usize = 256 << 10;
/// Scripts inside arguments of scripts, at most.
const MAX_NESTED: usize = 6;
/// Spaces in a row that push text out of sight.
const FAR: usize = 80;
/// Characters of text without a space that no reader can check.
const LONG: usize = 240;

/// What of a script is looked through: its beginning, up to the limit.
pub(super) fn start(text: &str) -> &str {
    let mut end = text.len().min(MAX_SCRIPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Where a script stands, which says how bad things are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// `PKGBUILD`: functions run as the builder, the rest whenever it is read.
    Recipe,
    /// An install script or a hook: runs as root.
    Install,
    /// Another script or a command of a unit: runs if somebody calls it.
    Script,
}

/// One command, and everything that is known around it.
pub(super) struct Sight<'a> {
    pub(super) file: &'a str,
    pub(super) place: Place,
    pub(super) command: &'a Command<'a>,
    pub(super) values: &'a Values,
    /// The command whose output it reads.
    pub(super) fed_by: Option<Call>,
}

impl Sight<'_> {
    /// Runs before anybody said yes, or as root.
    pub(super) fn grave(&self) -> bool {
        self.place == Place::Install || self.sourced()
    }

    pub(super) fn sourced(&self) -> bool {
        self.place == Place::Recipe && self.command.function.is_none()
    }

    /// `severity`, or [`Danger`] where it runs unasked or as root.
    pub(super) fn at_least(&self, severity: Severity) -> Severity {
        if self.grave() { Danger } else { severity }
    }

    pub(super) fn mark(&self, found: &mut Found, risk: Risk, severity: Severity) {
        let words = self.command.words.iter().map(|word| word.raw.as_str());
        let redirects = self.command.redirects.iter().flat_map(|(sign, word)| [*sign, &word.raw]);
        let text = words.chain(redirects).collect::<Vec<_>>().join(" ");
        found.add(risk, severity, self.file, self.command.line, &text);
    }
}

/// Looks through a script whose first line has the number `line`.
pub(super) fn scan(found: &mut Found, file: &str, text: &str, line: u32, place: Place) {
    characters(found, file, text, line);
    script(found, file, text, line, place, None, 0);
}

fn script(
    found: &mut Found,
    file: &str,
    text: &str,
    line: u32,
    place: Place,
    function: Option<&str>,
    nested: usize,
) {
    let read = start(text);
    let lexed = lex(read, line);
    if !lexed.complete || read.len() < text.len() {
        found.add(
            Risk::NotReadInFull,
            Danger,
            file,
            line,
            "the script is too long or too deeply nested",
        );
    }
    each_word(&lexed.tokens, &mut |word| {
        let text = word.text();
        let value = assignment(word).and_then(|_| text.split_once('=')).map(|(_, value)| value);
        let value = value.unwrap_or(&text);
        if is_encoded(value) {
            found.add(Risk::EncodedText, Caution, file, word.line, value);
        }
    });
    let all = commands(&lexed.tokens);
    let mut values = Values::default();
    let mut calls: Vec<Option<Call>> = Vec::with_capacity(all.len());
    for command in &all {
        let mut command = command.clone();
        command.function = command.function.or(function);
        note_values(&mut values, &command);
        let fed_by = command.fed_by.and_then(|at| calls.get(at).cloned().flatten());
        let call = Call::of(&command, &values);
        let sight = Sight { file, place, command: &command, values: &values, fed_by };
        disguises(found, &sight);
        redirects(found, &sight);
        if let Some(call) = &call {
            for inner in programs::look(found, &sight, call) {
                if nested < MAX_NESTED {
                    let function = command.function;
                    script(found, file, &inner.text, inner.line, place, function, nested + 1);
                } else {
                    sight.mark(found, Risk::NotReadInFull, Danger);
                }
            }
        }
        calls.push(call);
    }
}

fn note_values(values: &mut Values, command: &Command<'_>) {
    let certain = !command.conditional;
    for word in &command.assignments {
        values.assign(word, certain);
    }
    let Some(first) = command.words.first() else { return };
    match first.raw.as_str() {
        "declare" | "typeset" | "local" | "export" | "readonly" => {
            command.words.iter().skip(1).for_each(|word| values.assign(word, certain));
        }
        "for" | "select" | "read" | "mapfile" | "readarray" | "unset" => {
            command.words.iter().skip(1).for_each(|word| values.forget(&word.raw));
        }
        _ => {}
    }
}

fn disguises(found: &mut Found, sight: &Sight<'_>) {
    let command = sight.command;
    let name = command.words.first().map(|word| (*word, true));
    let others =
        command.words.iter().skip(1).chain(&command.assignments).map(|word| (*word, false));
    for (word, is_command) in name.into_iter().chain(others) {
        if let Some(severity) = disguised(word, is_command) {
            found.add(Risk::Disguised, severity, sight.file, word.line, &word.raw);
        }
        if let Some(Piece::Array(words)) = word.pieces.last() {
            for word in words {
                if let Some(severity) = disguised(word, false) {
                    found.add(Risk::Disguised, severity, sight.file, word.line, &word.raw);
                }
            }
        }
    }
}

fn redirects(found: &mut Found, sight: &Sight<'_>) {
    for (sign, target) in &sight.command.redirects {
        let text = sight.values.one(target).unwrap_or_else(|| target.text());
        effects::network_file(found, sight, &text);
        effects::secret(found, sight, &text);
        if sign.contains('>') && *sign != ">&" {
            effects::written(found, sight, &text);
        }
    }
}

/// Characters and blanks that hide something.
fn characters(found: &mut Found, file: &str, text: &str, first: u32) {
    for (number, line) in (first..).zip(text.lines()) {
        let line = line.trim_end_matches('\r');
        let hidden = |c: char| omg_core::is_dangerous(c) && c != '\t' && c != '\u{feff}';
        if line.chars().any(hidden) {
            found.add(
                Risk::HiddenCharacters,
                Danger,
                file,
                number,
                &omg_core::escape(line).to_string(),
            );
        }
        let far = line.trim_start().trim_end();
        if far.contains(&" ".repeat(FAR)) && !far.starts_with('#') {
            found.add(Risk::HiddenText, Danger, file, number, far);
        }
    }
}

/// Long, without a blank, of the characters of base64 and no checksum.
fn is_encoded(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\n".contains(&byte);
    text.len() >= LONG
        && text.bytes().all(letter)
        && !text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn each_word(tokens: &[Token], look: &mut impl FnMut(&Word)) {
    fn inside(pieces: &[Piece], look: &mut impl FnMut(&Word)) {
        for piece in pieces {
            match piece {
                Piece::Array(words) => {
                    for word in words {
                        look(word);
                        inside(&word.pieces, look);
                    }
                }
                Piece::Command(tokens) => each_word(tokens, look),
                Piece::Variable { inside: pieces, .. } => inside(pieces, look),
                Piece::Text { .. } => {}
            }
        }
    }
    for token in tokens {
        if let Token::Word(word) = token {
            look(word);
            inside(&word.pieces, look);
        }
    }
}

/// What a command of a unit, a hook or a desktop file says: `Exec=…`.
pub(super) fn scan_entries(found: &mut Found, file: &str, text: &str, place: Place) {
    for (number, line) in (1..).zip(text.lines()) {
        let Some((key, value)) = line.split_once('=') else { continue };
        if key.trim_start().starts_with("Exec") {
            let value = value.trim_start_matches([' ', '@', '-', '+', '!', ':']);
            script(found, file, value, number, place, Some(""), 0);
        }
    }
}
