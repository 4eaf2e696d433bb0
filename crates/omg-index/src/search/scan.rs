//! One search over one index.

use crate::Index;
use crate::classify::Kind;

use super::query::{Wants, Word};
use super::score::{self, Class};
use super::tables::View;
use super::{alias, fuzzy, query};

/// With fewer matches than this, looser readings of the query are tried as well.
const FEW: usize = 10;
/// A word that stands in this many descriptions or names is known.
const KNOWN: usize = 4;
const UNTOUCHED: i32 = i32::MIN;

/// Points per entry, kept between searches so that none allocates. Only what was touched is reset.
#[derive(Default)]
pub(crate) struct Scratch {
    points: Vec<i32>,
    touched: Vec<u32>,
    candidates: Vec<u32>,
    pub(crate) fuzzy: fuzzy::Scratch,
}

impl Scratch {
    fn begin(&mut self, entries: u32) {
        self.drain(|_, _| {});
        if self.points.len() < entries as usize {
            self.points.resize(entries as usize, UNTOUCHED);
        }
    }

    pub(crate) fn found(&self) -> usize {
        self.touched.len()
    }

    fn has(&self, entry: u32) -> bool {
        self.points.get(entry as usize).is_some_and(|&points| points != UNTOUCHED)
    }

    fn raise(&mut self, entry: u32, points: i32) {
        let Some(place) = self.points.get_mut(entry as usize) else { return };
        if *place == UNTOUCHED {
            self.touched.push(entry);
        }
        *place = (*place).max(points);
    }

    /// Hands out what was found and forgets it.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(u32, i32)) {
        for entry in self.touched.drain(..) {
            if let Some(place) = self.points.get_mut(entry as usize) {
                each(entry, std::mem::replace(place, UNTOUCHED));
            }
        }
    }
}

/// A search under way.
pub(crate) struct Searcher<'a> {
    pub(crate) index: &'a Index,
    pub(crate) view: View<'a>,
    pub(crate) phrase: &'a str,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) wants: Wants,
    /// Taken off every score: words that were left out.
    pub(crate) malus: i32,
}

impl<'a> Searcher<'a> {
    pub(crate) fn new(
        index: &'a Index,
        view: &View<'a>,
        phrase: &'a str,
        scratch: &'a mut Scratch,
    ) -> Self {
        scratch.begin(view.entries());
        Self { index, view: *view, phrase, scratch, wants: Wants::default(), malus: 0 }
    }

    /// Searches; true if nothing matches as typed.
    pub(crate) fn run(&mut self) -> bool {
        let words: Vec<Word<'_>> = self.phrase.split(' ').map(Word::new).collect();
        self.wants = Wants::of(&words);
        let certain = self.names(&words);
        self.provided(&words, self.phrase);
        if let [word] = words.as_slice() {
            if word.text.len() <= 2 {
                self.beginnings(word);
                return false;
            }
            let (named, known) = self.single(word);
            self.replaced(&words);
            let loose = self.scratch.found() == 0;
            if !certain && named < fuzzy::ENOUGH {
                let malus = if known { score::EDIT } else { 0 };
                self.malus += malus;
                self.misspelt(word.text);
                self.malus -= malus;
            }
            if self.scratch.found() == 0 {
                self.scattered();
            }
            return loose;
        }
        self.matching(&words, self.phrase);
        self.replaced(&words);
        let found = self.scratch.found();
        if found < FEW {
            self.stemmed(&words);
        }
        if self.scratch.found() == 0 {
            self.loosely(&words);
        }
        found == 0
    }

    /// Several words that no entry has all of.
    fn loosely(&mut self, words: &[Word<'_>]) {
        self.corrected(words);
        if self.scratch.found() == 0 {
            self.fewer(words);
        }
        if self.scratch.found() == 0 {
            self.scattered();
        }
    }

    /// Adds an entry whose words match as `points` says.
    pub(crate) fn add(&mut self, entry: u32, points: i32) {
        let rank = self.view.ranks.get(entry as usize).map_or(0, |rank| rank.to_native());
        let kind = self
            .view
            .kinds
            .get(entry as usize)
            .map_or(Kind::Program, |&kind| Kind::from_byte(kind));
        self.scratch.raise(entry, points - self.malus + score::standing(rank, kind, self.wants));
    }

    /// Exact names, and names that people use for a package. True if there was one.
    fn names(&mut self, words: &[Word<'_>]) -> bool {
        let mut certain = self.exact(self.phrase, score::EXACT);
        if words.len() > 1 {
            certain |= self.exact(&self.phrase.replace(' ', "-"), score::JOINED);
            certain |= self.exact(&self.phrase.replace(' ', ""), score::JOINED);
        }
        for (place, name) in alias::packages(self.phrase).enumerate() {
            certain |= self.exact(name, score::ALIAS - 1000 * (place as i32).min(5));
        }
        for name in alias::virtuals(self.phrase) {
            self.providing(name);
        }
        self.providing(&self.phrase.replace(' ', "-"));
        certain
    }

    /// Packages that provide exactly this name.
    fn providing(&mut self, name: &str) {
        let index = self.index;
        for entry in index.providers(name).filter_map(|row| index.row_entry(row)) {
            self.add(entry, score::PROVIDED);
        }
    }

    fn exact(&mut self, name: &str, points: i32) -> bool {
        let range = self.view.prefixed(name.as_bytes());
        let mut found = false;
        for entry in range.take_while(|&entry| self.view.names.get(entry) == name.as_bytes()) {
            // Not `add`: an exact name is first whatever kind of package it is.
            self.scratch.raise(entry, points - self.malus);
            found = true;
        }
        found
    }

    fn beginnings(&mut self, word: &Word<'_>) {
        for entry in self.view.prefixed(word.text.as_bytes()) {
            let (class, _) = score::class(word, self.view.names.get(entry), false, 0);
            let letters = self.view.names.get(entry).len().max(1);
            let whole = if class == Class::First { 150 } else { 0 };
            self.add(entry, 1300 + whole + (word.text.len() * 400 / letters) as i32);
        }
    }

    /// Packages that provide a name in which every word is a word.
    pub(crate) fn provided(&mut self, words: &[Word<'_>], phrase: &str) {
        let Some(anchor) = anchor(words) else { return };
        let view = self.view;
        let joined = |name: &[u8]| {
            name.len() == phrase.len()
                && name.iter().zip(phrase.bytes()).all(|(&a, b)| a == b || (b == b' ' && a == b'-'))
        };
        let letters = words.iter().map(|word| word.text.len()).sum::<usize>() as i32;
        view.virtuals.containing(&anchor.finder, |line, _| {
            let name = view.virtuals.get(line);
            let covered = score::PROVIDED_COVERED * letters / name.len().max(1) as i32;
            let points = if joined(name) {
                score::PROVIDED
            } else if covered * 2 >= score::PROVIDED_COVERED
                && words.iter().all(|word| score::class(word, name, true, 0).0 >= Class::Whole)
            {
                score::PROVIDED_WORDS + covered
            } else {
                return true;
            };
            let image = self.index.image();
            let Some(id) = image.virtual_ids.get(line as usize) else { return true };
            for row in self.index.providers_of(id.to_native()) {
                if let Some(entry) = self.index.row_entry(row) {
                    self.add(entry, points);
                }
            }
            true
        });
    }

    /// Every entry in which the only word occurs. Gives how many have it at the beginning of a word
    /// of their name, and whether it is a known word.
    fn single(&mut self, word: &Word<'_>) -> (usize, bool) {
        let view = self.view;
        let text = view.descriptions.text;
        let mut candidates = std::mem::take(&mut self.scratch.candidates);
        let mut whole = 0;
        view.descriptions.containing(&word.finder, |entry, at| {
            let class = score::class_at(word, text, at, true, usize::MAX);
            whole += usize::from(class == Class::Whole);
            let counts = word.len > 3 || class > Class::Inside;
            if counts {
                candidates.push(entry);
            }
            counts
        });
        let known = whole >= KNOWN || view.frequency(word.text.as_bytes()) >= KNOWN;
        let word = Word { known, ..word.clone() };
        let words = std::slice::from_ref(&word);
        let mut named = 0;
        view.names.containing(&word.finder, |entry, _| {
            if let Some(points) = score::all_words(words, word.text, view.texts(entry)) {
                self.add(entry, points);
                named += usize::from(points >= score::NAMED);
            }
            true
        });
        for entry in candidates.drain(..) {
            if !self.scratch.has(entry)
                && let Some(points) = score::all_words(words, word.text, view.texts(entry))
            {
                self.add(entry, points);
            }
        }
        self.scratch.candidates = candidates;
        (named, known)
    }

    /// Every entry in which all words occur.
    pub(crate) fn matching(&mut self, words: &[Word<'_>], phrase: &str) {
        let view = self.view;
        // The rarest word first: it is scanned for, and the others are soon found absent.
        let mut order: Vec<(usize, std::cmp::Reverse<usize>, usize)> =
            Vec::with_capacity(words.len());
        for (at, word) in words.iter().enumerate() {
            order.push((view.frequency(word.text.as_bytes()), std::cmp::Reverse(word.len), at));
        }
        order.sort_unstable();
        let sorted: Vec<&Word<'_>> = order.iter().filter_map(|&(_, _, at)| words.get(at)).collect();
        // Single letters occur everywhere; they make no good start however rare they are in names.
        let Some(anchor) = sorted.iter().find(|word| word.len > 2).or(sorted.first()) else {
            return;
        };
        let mut consider = |entry: u32, _| {
            if let Some(points) = score::all_words(&sorted, phrase, view.texts(entry)) {
                self.add(entry, points);
            }
            true
        };
        view.names.containing(&anchor.finder, &mut consider);
        if anchor.len > 2 {
            view.descriptions.containing(&anchor.finder, &mut consider);
        }
    }

    /// Searches again with each word that has a twin of like meaning replaced by it.
    fn replaced(&mut self, words: &[Word<'_>]) {
        for at in 0..words.len() {
            let Some(twins) = words.get(at).map(|word| alias::twins(word.text)) else { continue };
            for twin in twins {
                let texts = words
                    .iter()
                    .enumerate()
                    .map(|(place, word)| if place == at { twin } else { word.text });
                let texts: Vec<&str> = texts.flat_map(|text| text.split(' ')).collect();
                self.variant(texts, score::REPLACED);
            }
        }
    }

    /// Searches again for what the words have in common with others of their family: `model` for
    /// `modeling`.
    fn stemmed(&mut self, words: &[Word<'_>]) {
        let texts: Vec<&str> = words.iter().map(|word| query::root(word.text)).collect();
        if texts.iter().zip(words).any(|(root, word)| *root != word.text) {
            self.variant(texts, score::STEMMED);
        }
    }

    /// When no package has all the words: those that have all but one, else any.
    fn fewer(&mut self, words: &[Word<'_>]) {
        let keep: Vec<&str> =
            words.iter().map(|word| word.text).filter(|word| word.len() > 1).collect();
        if keep.len() > 2 {
            for without in 0..keep.len() {
                let rest =
                    keep.iter().enumerate().filter(|&(at, _)| at != without).map(|(_, word)| *word);
                self.variant(rest.collect(), score::DROPPED);
            }
        }
        if self.scratch.found() == 0 {
            for word in keep {
                self.variant(vec![word], score::DROPPED * 2);
            }
        }
    }

    fn variant(&mut self, rest: Vec<&str>, malus: i32) {
        let phrase = rest.join(" ");
        let words: Vec<Word<'_>> = rest.into_iter().map(Word::new).collect();
        self.malus += malus;
        self.provided(&words, &phrase);
        self.matching(&words, &phrase);
        self.malus -= malus;
    }
}

/// The word to scan for: the longest is the rarest, as a rule.
fn anchor<'w, 'q>(words: &'w [Word<'q>]) -> Option<&'w Word<'q>> {
    words.iter().rev().max_by_key(|word| word.len)
}
