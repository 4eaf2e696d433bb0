//! Names that are not written as the query is: misspelt, or with letters left out.

use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::text;

use super::distance::{Pattern, tolerance};
use super::query::Word;
use super::scan::Searcher;
use super::score;

/// With this many names that contain the query, nobody needs guesses.
pub(crate) const ENOUGH: usize = 30;
/// Most guesses that are added.
const MOST: usize = 100;

/// What nucleo needs between searches; made on first use, it has some 100 KiB.
#[derive(Default)]
pub(crate) struct Scratch {
    matcher: Option<Box<Matcher>>,
    guesses: Vec<(i32, u32)>,
}

/// How a misspelt query is like a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Likeness {
    pub(crate) edits: usize,
    pub(crate) points: i32,
}

/// A misspelt word, prepared.
pub(crate) struct Misspelt<'q> {
    text: &'q [u8],
    mask: u64,
    pattern: Pattern,
    limit: usize,
}

impl<'q> Misspelt<'q> {
    /// `None` if the word is too short or too long to guess at.
    pub(crate) fn new(word: &'q str) -> Option<Self> {
        let limit = tolerance(word.chars().count());
        let pattern = Pattern::new(word.as_bytes()).filter(|_| limit > 0)?;
        Some(Self { text: word.as_bytes(), mask: text::mask(word), pattern, limit })
    }

    /// Could a name with these characters be meant? Each edit brings at most one missing character.
    #[inline]
    pub(crate) fn possible(&self, mask: u64) -> bool {
        (self.mask & !mask).count_ones() as usize <= self.limit
    }

    /// The best likeness of the query to a name or to one of its words.
    pub(crate) fn likeness(&self, name: &[u8]) -> Option<Likeness> {
        let whole = self.compare(name, score::MISSPELT);
        let mut best = whole;
        for (at, word) in words(name) {
            let points = if at == 0 { score::MISSPELT - 200 } else { score::MISSPELT - 400 };
            let found = self.compare(word, points).map(|found| {
                let covered = (word.len() * 200 / name.len().max(1)) as i32;
                Likeness { points: found.points + covered, ..found }
            });
            if best.is_none_or(|best| found.is_some_and(|found| found.points > best.points)) {
                best = found;
            }
        }
        best
    }

    /// Compares with one word of a text.
    pub(crate) fn edits(&self, word: &[u8]) -> Option<usize> {
        self.begins_alike(word).then(|| self.pattern.distance(word, self.limit)).flatten()
    }

    fn compare(&self, text: &[u8], points: i32) -> Option<Likeness> {
        let edits = self.edits(text)?;
        let first = if text.first() == self.text.first() { 100 } else { 0 };
        let swapped = if text.len() == self.text.len() { 50 } else { 0 };
        Some(Likeness { edits, points: points + first + swapped - score::EDIT * edits as i32 })
    }

    /// The first letter is right, or swapped with the second, lost, or doubled before: people seldom
    /// get it wrong, and it spares nearly all comparisons.
    fn begins_alike(&self, word: &[u8]) -> bool {
        let (typed, meant) = (self.text.first(), word.first());
        typed == meant || self.text.get(1) == meant || typed == word.get(1)
    }
}

/// Words of a folded name, with their places.
pub(crate) fn words(name: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while name.get(at).is_some_and(|&byte| !text::is_word(byte)) {
            at += 1;
        }
        let start = at;
        name.get(at)?;
        at += 1;
        while at < name.len() && !text::word_ends(name, at) {
            at += 1;
        }
        name.get(start..at).map(|word| (start, word))
    })
}

impl Searcher<'_> {
    /// Adds names that are at most two edits away.
    pub(crate) fn misspelt(&mut self, word: &str) {
        let Some(misspelt) = Misspelt::new(word) else { return };
        for entry in 0..self.view.entries() {
            if misspelt.possible(self.view.mask(entry))
                && let Some(likeness) = misspelt.likeness(self.view.names.get(entry))
            {
                self.add(entry, likeness.points);
            }
        }
    }

    /// Replaces words that occur nowhere by the likeliest words of names, and searches again.
    pub(crate) fn corrected(&mut self, words: &[Word<'_>]) {
        let mut changed = 0;
        let better: Vec<String> = words
            .iter()
            .map(|word| {
                match self.occurs(word).then_some(None).unwrap_or_else(|| self.likely(word.text)) {
                    Some(better) => {
                        changed += 1;
                        better
                    }
                    None => word.text.to_owned(),
                }
            })
            .collect();
        if changed == 0 {
            return;
        }
        let phrase = better.join(" ");
        let words: Vec<Word<'_>> = better.iter().map(|word| Word::new(word)).collect();
        self.malus += score::EDIT * changed;
        self.provided(&words, &phrase);
        self.matching(&words, &phrase);
        self.malus -= score::EDIT * changed;
    }

    fn occurs(&self, word: &Word<'_>) -> bool {
        word.finder.find(self.view.names.text).is_some()
            || word.finder.find(self.view.descriptions.text).is_some()
    }

    /// The word of a name that is least edits away; of equals the one with the most popular package.
    fn likely(&self, word: &str) -> Option<String> {
        let misspelt = Misspelt::new(word)?;
        let mut best: Option<(usize, std::cmp::Reverse<u16>, &[u8])> = None;
        for entry in 0..self.view.entries() {
            if !misspelt.possible(self.view.mask(entry)) {
                continue;
            }
            let rank = self.view.ranks.get(entry as usize).map_or(0, |rank| rank.to_native());
            for (_, word) in words(self.view.names.get(entry)) {
                if let Some(edits) = misspelt.edits(word) {
                    let found = (edits, std::cmp::Reverse(rank), word);
                    best = Some(best.map_or(found, |best| best.min(found)));
                }
            }
        }
        best.and_then(|(_, _, word)| std::str::from_utf8(word).ok()).map(str::to_owned)
    }

    /// Adds names that have all letters in the order of the query.
    pub(crate) fn scattered(&mut self) {
        let letters: String = self.phrase.chars().filter(|c| *c != ' ').collect();
        if letters.chars().count() < 3 {
            return;
        }
        let mask = text::mask(&letters);
        let mut state = std::mem::take(&mut self.scratch.fuzzy);
        let matcher = state.matcher.get_or_insert_with(|| Box::new(Matcher::new(Config::DEFAULT)));
        let (mut name_chars, mut letter_chars) = (Vec::new(), Vec::new());
        let needle = Utf32Str::new(&letters, &mut letter_chars);
        state.guesses.clear();
        for entry in 0..self.view.entries() {
            if self.view.mask(entry) & mask != mask {
                continue;
            }
            let Ok(name) = std::str::from_utf8(self.view.names.get(entry)) else { continue };
            if let Some(score) = matcher.fuzzy_match(Utf32Str::new(name, &mut name_chars), needle) {
                state.guesses.push((i32::from(score), entry));
            }
        }
        if state.guesses.len() > MOST {
            state.guesses.select_nth_unstable_by_key(MOST, |&(score, entry)| (-score, entry));
            state.guesses.truncate(MOST);
        }
        for &(score, entry) in &state.guesses {
            self.add(entry, score::SCATTERED + score);
        }
        self.scratch.fuzzy = state;
    }
}
