//! What a match is worth.
//!
//! Points say how well the words match: the class of the match decides most, then how much of the
//! name the words cover or whether the description calls the package just that, then what the
//! archive says of its popularity and what kind of package it is. Nothing depends on the other
//! packages of the index, so scores of two indexes compare.

use std::borrow::Borrow;

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
pub(crate) const PROVIDED: i32 = 2000;
/// All words are words of a name that the package provides.
pub(crate) const PROVIDED_WORDS: i32 = 1000;
/// The same, for as much of that name as the words cover.
pub(crate) const PROVIDED_COVERED: i32 = 800;
/// Best possible misspelt name; each edit costs [`EDIT`].
pub(crate) const MISSPELT: i32 = 1500;
/// One edit.
pub(crate) const EDIT: i32 = 300;
/// From here on, some word matched at the beginning of a word of the name.
pub(crate) const NAMED: i32 = 1000;
/// Letters of the query in order.
pub(crate) const SCATTERED: i32 = 300;
/// What is already installed wins ties.
pub(crate) const INSTALLED: i32 = 20;
/// The name is in another kind of origin, too, that comes first.
pub(crate) const ELSEWHERE: i32 = 1;
/// Each word that had to be left out of account.
pub(crate) const DROPPED: i32 = 600;
/// Each word that was replaced by another of like meaning.
pub(crate) const REPLACED: i32 = 250;
/// The words were cut to their roots.
pub(crate) const STEMMED: i32 = 150;
/// The words cover all of the name that is not a marker like `python3-` or `-dev`.
const WHOLE_CORE: i32 = 300;
/// The name begins with a word that is known in full, but goes on.
const KNOWN_PREFIX: i32 = 300;
/// All words are in the name and in the description.
const BOTH: i32 = 100;
/// Every score is raised by this, so that none is negative.
const FLOOR: i32 = 4000;

/// How a word lies in a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(crate) enum Class {
    Absent,
    /// Inside a word.
    Inside,
    /// At the beginning of a word.
    Start,
    /// The text begins with it.
    Prefix,
    /// A word of its own.
    Whole,
    /// The text's first word.
    First,
}

/// The best class of any occurrence of `word`, and where that is.
///
/// In running text (`plural`) a word may have an `s` more than what is looked for. A word of a name
/// may also begin at `core`, behind a marker: `dbi` in `libdbi-perl`.
pub(crate) fn class(word: &Word<'_>, text: &[u8], plural: bool, core: usize) -> (Class, usize) {
    let mut best = (Class::Absent, 0);
    for at in word.occurrences(text) {
        let class = class_at(word, text, at, plural, core);
        if class == Class::First {
            return (class, at);
        }
        if class > best.0 {
            best = (class, at);
        }
    }
    best
}

/// The class of one occurrence.
pub(crate) fn class_at(
    word: &Word<'_>,
    text: &[u8],
    at: usize,
    plural: bool,
    core: usize,
) -> Class {
    let end = at + word.len;
    let whole = text::word_ends(text, end)
        || (plural && text.get(end) == Some(&b's') && text::word_ends(text, end + 1));
    match (at == 0, at == core || text::word_starts(text, at), whole) {
        (true, _, true) => Class::First,
        (true, _, false) => Class::Prefix,
        (false, true, true) => Class::Whole,
        (false, true, false) => Class::Start,
        (false, false, _) => Class::Inside,
    }
}

/// Points if every word is in the name.
fn name_points(class: Class, words: i32) -> i32 {
    match class {
        Class::Absent => 0,
        Class::Inside if words > 1 => 300,
        Class::Inside => 700,
        Class::Start => 1000,
        Class::Whole => 1200,
        Class::Prefix => 1300,
        Class::First => 1450,
    }
}

/// Points for a word in the name while another is not: parts of words tell less then.
fn mixed_points(class: Class) -> i32 {
    match class {
        Class::Absent => 0,
        Class::Inside => 300,
        Class::Start => 600,
        Class::Prefix => 650,
        Class::Whole => 750,
        Class::First => 800,
    }
}

fn description_points(class: Class) -> i32 {
    match class {
        Class::Absent => 0,
        Class::Inside => 200,
        Class::Start => 450,
        Class::Prefix => 500,
        Class::Whole | Class::First => 600,
    }
}

/// What is compared of one entry.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    pub(crate) name: &'a [u8],
    /// First byte and length of what is not a marker.
    pub(crate) core: (usize, usize),
    pub(crate) mask: u64,
    pub(crate) description: &'a [u8],
}

/// Points for an entry whose every word occurs in its name or description; `None` if one doesn't.
pub(crate) fn all_words<'q, W: Borrow<Word<'q>>>(
    words: &[W],
    phrase: &str,
    texts: Texts<'_>,
) -> Option<i32> {
    let Texts { name, core: (core_at, core_len), mask, description } = texts;
    let count = words.len().max(1) as i32;
    let (mut full, mut mixed) = (0, 0);
    let mut covered = 0;
    let (mut named, mut described) = (0, 0);
    for word in words {
        let word = word.borrow();
        let (in_name, at) = if word.mask & mask == word.mask {
            class(word, name, word.plural, core_at)
        } else {
            (Class::Absent, 0)
        };
        let least = match word.len {
            0 | 1 => Class::Whole,
            2 | 3 if count > 1 => Class::Start,
            _ => Class::Inside,
        };
        let in_name = if in_name < least { Class::Absent } else { in_name };
        let (found, _) = class(word, description, true, 0);
        if in_name > Class::Absent {
            named += 1;
            full += name_points(in_name, count);
            if word.known && in_name == Class::Prefix && word.len * 5 < name.len() * 4 {
                full -= KNOWN_PREFIX;
            }
            if in_name >= Class::Start && at >= core_at && at < core_at + core_len {
                covered += word.len;
            }
        }
        // Short strings occur inside all sorts of words.
        let least = match word.len {
            0..=2 => Class::Whole,
            3 if count > 1 => Class::Whole,
            3 => Class::Start,
            _ => Class::Inside,
        };
        let found = if found < least { Class::Absent } else { found };
        if in_name == Class::Absent && found == Class::Absent {
            return None;
        }
        described += i32::from(found > Class::Absent);
        mixed += mixed_points(in_name).max(description_points(found));
    }
    let mixed = mixed / count
        + if described == count { phrase_points(phrase, words.len(), description) } else { 0 };
    let letters = name
        .iter()
        .skip(core_at)
        .take(core_len)
        .filter(|&&byte| text::is_word(byte))
        .count()
        .max(1);
    if named < count {
        return Some(mixed + (covered.min(letters) * 200 / letters) as i32);
    }
    let whole = if covered >= letters { WHOLE_CORE } else { 0 };
    let named = full / count + (covered.min(letters) * 400 / letters) as i32 + whole;
    Some(named.max(mixed) + if described == count { BOTH } else { 0 })
}

/// More for a description that calls the package just what was asked for.
fn phrase_points(phrase: &str, words: usize, description: &[u8]) -> i32 {
    let Some(at) = memchr::memmem::find(description, phrase.as_bytes()) else { return 0 };
    let end = at + phrase.len();
    if !text::word_starts(description, at) {
        return 0;
    }
    let mut points = (phrase.len() * 250 / description.len().max(1)).min(250) as i32;
    if words > 1 {
        points += 250;
    }
    if at == 0 {
        points += 100;
    }
    if ends_noun(description.get(end..).unwrap_or(&[])) {
        points += 500;
    }
    points
}

/// Does a noun phrase end where `rest` goes on? Descriptions are noun phrases: what stands before
/// "for", "with" or a bracket is what the package is, "a PDF viewer for …".
fn ends_noun(rest: &[u8]) -> bool {
    const FOLLOWERS: &[&str] = &[
        "for ",
        "with ",
        "based ",
        "and ",
        "or ",
        "on ",
        "in ",
        "written ",
        "using ",
        "that ",
        "to ",
        "from ",
        "which ",
        "like ",
        "by ",
        "aimed ",
        "designed ",
        "supporting ",
        "(",
        "-",
        "–",
        "program",
        "application",
        "tool",
        "system",
        "software",
        "suite",
        "utility",
        "server",
        "client",
        "daemon",
    ];
    let rest = rest.strip_prefix(b"s").unwrap_or(rest);
    match rest.split_first() {
        None | Some((b',' | b'.' | b';' | b':' | b'(' | b')' | b'/', _)) => true,
        Some((b' ', rest)) => FOLLOWERS.iter().any(|word| rest.starts_with(word.as_bytes())),
        Some(_) => false,
    }
}

/// Points that don't depend on how the words match.
pub(crate) fn standing(rank: u16, kind: Kind, wants: Wants) -> i32 {
    let (wanted, malus) = match kind {
        Kind::Program => (true, 0),
        Kind::Task => (false, 100),
        Kind::Binding => (wants.binding, 350),
        Kind::Library => (wants.library, 450),
        Kind::Data => (wants.data, 300),
        Kind::Development => (wants.development, 500),
        Kind::Documentation => (wants.documentation, 450),
        Kind::Locale => (wants.locale, 400),
        Kind::Debug => (wants.debug, 600),
        Kind::Transitional => (false, 600),
    };
    let malus = if wanted { 0 } else { malus };
    // What other packages need says little of what people look for.
    let share = if malus > 100 { 4 } else { 10 };
    i32::from(rank) * share / 10 - malus
}

/// A score as it leaves the crate.
pub(crate) fn score(points: i32) -> u32 {
    (points + FLOOR).max(1) as u32
}
