//! What a match is worth.
//!
//! Points say how well the words match: the class of the match decides most, then how much of the
//! name the words cover, then what the archive says of the package's popularity and what kind of
//! package it is. Nothing depends on the other packages of the index, so scores of two indexes
//! compare.

use super::query::{Wants, Word};
use crate::classify::Kind;
use crate::text;

/// The query is the name.
pub(crate) const EXACT: i32 = 20_000;
/// The words, joined, are the name: `docker compose`.
pub(crate) const JOINED: i32 = 16_000;
/// The query is a common name of the package: `node`.
pub(crate) const ALIAS: i32 = 14_000;
/// The query is a name that the package provides.
pub(crate) const PROVIDED: i32 = 1500;
/// All words are words of a name that the package provides.
pub(crate) const PROVIDED_WORDS: i32 = 1150;
/// Best possible misspelt name; each edit costs [`EDIT`].
pub(crate) const MISSPELT: i32 = 1500;
pub(crate) const EDIT: i32 = 300;
/// From here on, some word matched in the name.
pub(crate) const NAMED: i32 = 700;
/// Letters of the query in order.
pub(crate) const SCATTERED: i32 = 300;
/// What is already installed wins ties.
pub(crate) const INSTALLED: i32 = 20;
/// Each word that had to be left out of account.
pub(crate) const DROPPED: i32 = 600;
/// Every score is raised by this, so that none is negative.
const FLOOR: i32 = 2000;

/// How a word lies in a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(crate) enum Class {
    Absent,
    /// Inside a word.
    Inside,
    /// At the beginning of a word.
    Start,
    /// A word of its own.
    Whole,
    /// The text begins with it.
    Prefix,
    /// The text's first word.
    First,
}

/// The best class of any occurrence of `word`.
pub(crate) fn class(word: &Word<'_>, text: &[u8]) -> Class {
    let mut best = Class::Absent;
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| word.finder.find(rest)).map(|at| at + from) {
        let end = at + word.len;
        // The plural that was cut off the query may stand in the text as well.
        let whole = text::word_ends(text, end) || (text.get(end) == Some(&b's') && text::word_ends(text, end + 1));
        let class = match (at == 0, text::word_starts(text, at), whole) {
            (true, _, true) => return Class::First,
            (true, _, false) => Class::Prefix,
            (false, true, true) => Class::Whole,
            (false, true, false) => Class::Start,
            (false, false, _) => Class::Inside,
        };
        best = best.max(class);
        from = at + 1;
    }
    best
}

fn name_points(class: Class) -> i32 {
    match class {
        Class::Absent => 0,
        Class::Inside => 700,
        Class::Start => 1000,
        Class::Whole => 1200,
        Class::Prefix => 1300,
        Class::First => 1450,
    }
}

fn description_points(class: Class) -> i32 {
    match class {
        Class::Absent => 0,
        Class::Inside => 200,
        Class::Start => 450,
        Class::Whole | Class::Prefix => 600,
        Class::First => 650,
    }
}

/// Points for an entry whose every word occurs in its name or description; `None` if one doesn't.
pub(crate) fn all_words(words: &[Word<'_>], phrase: &str, name: &[u8], mask: u64, description: &[u8]) -> Option<i32> {
    let mut points = 0;
    let mut named = 0;
    let mut unnamed = 0;
    for word in words {
        let in_name = if word.mask & mask == word.mask { class(word, name) } else { Class::Absent };
        if in_name > Class::Absent && !(word.len < 2 && in_name < Class::Whole) {
            points += name_points(in_name);
            named += word.len;
            continue;
        }
        let in_description = class(word, description);
        // Short strings occur inside all sorts of words.
        if in_description == Class::Absent || (word.len < 4 && in_description == Class::Inside)
            || (word.len < 3 && in_description < Class::Whole) {
            return None;
        }
        points += description_points(in_description);
        unnamed += 1;
    }
    points /= words.len().max(1) as i32;
    if unnamed == 0 {
        let letters = name.iter().filter(|&&byte| text::is_word(byte)).count().max(1);
        points += (named.min(letters) * 400 / letters) as i32;
        return Some(points);
    }
    Some(points + phrase_points(phrase, words.len(), description))
}

/// More for a description that has the words side by side, begins with them, or is not much more.
fn phrase_points(phrase: &str, words: usize, description: &[u8]) -> i32 {
    let mut points = (phrase.len() * 200 / description.len().max(1)).min(200) as i32;
    if let Some(at) = memchr::memmem::find(description, phrase.as_bytes()) {
        if words > 1 {
            points += 150;
        }
        if at == 0 {
            points += 200;
        }
    }
    points
}

/// Points that don't depend on how the words match.
pub(crate) fn standing(rank: u16, kind: Kind, wants: Wants) -> i32 {
    let kind = match kind {
        Kind::Program => 0,
        Kind::Task => -100,
        Kind::Binding if wants.binding => 0,
        Kind::Binding => -350,
        Kind::Library if wants.library => 0,
        Kind::Library => -350,
        Kind::Data if wants.data => 0,
        Kind::Data => -300,
        Kind::Development if wants.development => 0,
        Kind::Development => -400,
        Kind::Documentation if wants.documentation => 0,
        Kind::Documentation => -450,
        Kind::Locale if wants.locale => 0,
        Kind::Locale => -400,
        Kind::Debug if wants.debug => 0,
        Kind::Debug => -600,
        Kind::Transitional => -600,
    };
    kind + i32::from(rank) / 2
}

/// A score as it leaves the crate.
pub(crate) fn score(points: i32) -> u32 {
    (points + FLOOR).max(1) as u32
}
