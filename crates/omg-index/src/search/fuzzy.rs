//! Names that are not written as the query is: misspelt, or with letters left out.

use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::text;

use super::distance::{Pattern, tolerance};
use super::query::Word;
use super::scan::Searcher;
use super::score;
use super::tables::View;

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

    /// Could a text with these characters be meant? Each edit loses at most one character and brings
    /// at most one.
    #[inline]
    fn possible(&self, mask: u64) -> bool {
        (self.mask & !mask).count_ones() as usize <= self.limit
            && (mask & !self.mask).count_ones() as usize <= self.limit
    }

    /// Edits to a text, if they are few.
    fn edits(&self, text: &[u8]) -> Option<usize> {
        self.begins_alike(text).then(|| self.pattern.distance(text, self.limit)).flatten()
    }

    /// Points for a text that is so many edits away.
    fn points(&self, text: &[u8], edits: usize, best: i32) -> i32 {
        let first = if text.first() == self.text.first() { 100 } else { 0 };
        let same_length = if text.len() == self.text.len() { 50 } else { 0 };
        best + first + same_length - score::EDIT * edits as i32
    }

    /// The first letter is right, or swapped with the second, lost, or added: people seldom get it
    /// wrong otherwise, and this spares many comparisons and odd guesses.
    fn begins_alike(&self, word: &[u8]) -> bool {
        let (typed, meant) = (self.text.first(), word.first());
        typed == meant || self.text.get(1) == meant || typed == word.get(1)
    }

    /// Calls `found` with every entry whose name, or a word of it, is like the query, and points.
    pub(crate) fn each(&self, view: &View<'_>, mut found: impl FnMut(u32, i32)) {
        for (entry, mask) in view.masks.iter().enumerate() {
            if !self.possible(mask.to_native()) {
                continue;
            }
            let name = view.names.get(entry as u32);
            if let Some(edits) = self.edits(name) {
                found(entry as u32, self.points(name, edits, score::MISSPELT));
            }
        }
        self.each_word(view, |word, text, edits| {
            for entry in view.posting(word) {
                let name = view.names.get(entry);
                let best = score::MISSPELT - if name.starts_with(text) { 200 } else { 400 };
                let covered = (text.len() * 200 / name.len().max(1)) as i32;
                found(entry, self.points(text, edits, best) + covered);
            }
        });
    }

    /// Calls `found` with every word of a name that is like the query, its text and the edits.
    fn each_word<'v>(&self, view: &View<'v>, mut found: impl FnMut(u32, &'v [u8], usize)) {
        for (word, mask) in view.word_masks.iter().enumerate() {
            if self.possible(mask.to_native()) {
                let text = view.words.get(word as u32);
                // Two letters are one edit away from nearly any three.
                if text.len() > 2
                    && let Some(edits) = self.edits(text)
                {
                    found(word as u32, text, edits);
                }
            }
        }
    }
}

impl Searcher<'_> {
    /// Adds names that are at most two edits away.
    pub(crate) fn misspelt(&mut self, word: &str) {
        if let Some(misspelt) = Misspelt::new(word) {
            let view = self.view;
            misspelt.each(&view, |entry, points| self.add(entry, points));
        }
    }

    /// Replaces words that occur nowhere by the likeliest words of names, and searches again.
    pub(crate) fn corrected(&mut self, words: &[Word<'_>]) {
        let mut changed = 0;
        let mut better: Vec<String> = Vec::with_capacity(words.len());
        for word in words {
            let likely = if self.occurs(word) { None } else { self.likely(word.text) };
            changed += i32::from(likely.is_some());
            better.push(likely.unwrap_or_else(|| word.text.to_owned()));
        }
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

    /// The word of a name that is least edits away; of equals the one in most names.
    fn likely(&self, word: &str) -> Option<String> {
        let mut best: Option<(usize, std::cmp::Reverse<usize>, &[u8])> = None;
        Misspelt::new(word)?.each_word(&self.view, |word, text, edits| {
            let found = (edits, std::cmp::Reverse(self.view.posting(word).len()), text);
            best = Some(best.map_or(found, |best| best.min(found)));
        });
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
