//! The results of a search as they stand in a reply.
#![expect(clippy::ref_option_ref, reason = "bitcode's derive writes it for `Option<&str>`")]

use bitcode::{Decode, Encode};
use omg_core::{AurFacts, Source, Summary};

/// The results of a search, best first.
///
/// A thousand results come from a handful of repositories and architectures, so those words stand
/// once in a table: a fifth of the bytes less, and half of the time.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Found<'a> {
    /// Matches before the limit cut them.
    pub total: u32,
    /// Words that [`Hit`]s point to.
    words: Vec<&'a str>,
    hits: Vec<Hit<'a>>,
}

/// A [`Summary`] on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
struct Hit<'a> {
    name: &'a str,
    version: &'a str,
    source: Source,
    /// Index into the words.
    repository: u16,
    /// Index into the words.
    architecture: u16,
    description: &'a str,
    installed_version: Option<&'a str>,
    score: u32,
    aur: Option<AurFacts<'a>>,
}

impl<'a> Found<'a> {
    /// Takes results in their order.
    pub fn new(total: u32, packages: impl IntoIterator<Item = Summary<'a>>) -> Self {
        let mut words = Vec::new();
        let hits = packages.into_iter().map(|package| Hit {
            name: package.name,
            version: package.version,
            source: package.source,
            repository: number(&mut words, package.repository),
            architecture: number(&mut words, package.architecture),
            description: package.description,
            installed_version: package.installed_version,
            score: package.score,
            aur: package.aur,
        });
        let hits = hits.collect();
        Self { total, words, hits }
    }

    /// How many results there are.
    pub fn len(&self) -> usize {
        self.hits.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    /// The results.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = Summary<'a>> {
        let word = |number: u16| self.words.get(usize::from(number)).copied().unwrap_or_default();
        self.hits.iter().map(move |hit| Summary {
            name: hit.name,
            version: hit.version,
            source: hit.source,
            repository: word(hit.repository),
            architecture: word(hit.architecture),
            description: hit.description,
            installed_version: hit.installed_version,
            score: hit.score,
            aur: hit.aur,
        })
    }
}

/// The number of a word, added if it is new. There are far fewer than 65,536 repositories and
/// architectures; a word beyond that would be shown as none.
fn number<'a>(words: &mut Vec<&'a str>, word: &'a str) -> u16 {
    let at = words.iter().position(|known| *known == word).unwrap_or_else(|| {
        words.push(word);
        words.len() - 1
    });
    u16::try_from(at).unwrap_or(u16::MAX)
}
