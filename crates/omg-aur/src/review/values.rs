//! Values of variables that can be told without running anything.

use std::collections::HashMap;

use super::script::assignment;
use super::words::{Piece, Quote, Word};

/// Characters of a value that is worked out, at most.
const MAX_VALUE: usize = 4096;
/// Words that a brace expansion gives, at most.
const MAX_BRACES: usize = 64;

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
            for value in &mut all {
                value.push_str(&text);
            }
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
