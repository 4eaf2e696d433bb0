//! A query as the searcher wants it: folded, bounded, split into words.

use memchr::memmem::Finder;

use crate::text;

/// Words beyond this many are left out of account.
pub(crate) const MAX_WORDS: usize = 16;
/// Characters beyond this many are left out of account.
pub(crate) const MAX_CHARS: usize = 128;

/// One word of a query.
#[derive(Clone)]
pub(crate) struct Word<'q> {
    /// As typed, folded.
    pub(crate) text: &'q str,
    /// What is looked for: the word without a plural `s`.
    pub(crate) finder: Finder<'q>,
    /// Bytes of what is looked for.
    pub(crate) len: usize,
    /// Its rarest byte, and where that is.
    pub(crate) rare: (u8, usize),
    /// Several descriptions have just this word: it is hardly the beginning of another, or misspelt.
    pub(crate) known: bool,
    /// Typed with the plural `s`.
    pub(crate) plural: bool,
    /// Characters that a name must have.
    pub(crate) mask: u64,
}

impl<'q> Word<'q> {
    pub(crate) fn new(text: &'q str) -> Self {
        let stem = stem(text);
        let rarity =
            |byte: u8| COMMON.iter().position(|&common| common == byte).unwrap_or(COMMON.len());
        let rarest = stem.bytes().enumerate().max_by_key(|&(_, byte)| rarity(byte));
        Self {
            rare: rarest.map_or((0, 0), |(at, byte)| (byte, at)),
            text,
            finder: Finder::new(stem.as_bytes()),
            len: stem.len(),
            known: false,
            plural: stem.len() < text.len(),
            mask: text::mask(stem),
        }
    }
}

/// Bytes by how often they occur in names and descriptions, the commonest first.
const COMMON: &[u8] = b" ertnaoisl-dcpmufbghyv.x";

impl Word<'_> {
    /// Where the word occurs in a short text. For short texts this is faster than a prepared
    /// [`Finder`], which is made for long ones.
    #[inline]
    pub(crate) fn occurrences<'t>(
        &self,
        text: &'t [u8],
    ) -> impl Iterator<Item = usize> + use<'_, 't> {
        let needle = self.finder.needle();
        let (rare, offset) = self.rare;
        memchr::memchr_iter(rare, text).filter_map(move |at| {
            let start = at.checked_sub(offset)?;
            text.get(start..start + needle.len()).filter(|found| *found == needle).map(|_| start)
        })
    }
}

/// The word without a plural ending; words of up to three letters stay whole.
fn stem(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem,
        _ => word,
    }
}

/// The word without an ending that makes it another part of speech; at least four letters stay.
pub(crate) fn root(word: &str) -> &str {
    const ENDINGS: &[&str] = &[
        "isation", "ization", "ation", "ising", "izing", "ling", "ing", "ers", "er", "ors", "or",
        "ed",
    ];
    let cut =
        ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending)).find(|root| root.len() >= 4);
    cut.unwrap_or(word)
}

/// Folds a query and cuts it to what counts.
pub(crate) fn normalise(query: &str) -> String {
    let bounded = query
        .char_indices()
        .nth(MAX_CHARS)
        .map_or(query, |(end, _)| query.get(..end).unwrap_or(""));
    let folded = text::fold(bounded);
    let mut joined = String::with_capacity(folded.len());
    for word in folded.split_whitespace().take(MAX_WORDS) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    joined
}

/// Kinds of packages that a query asks for by its words.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wants {
    pub(crate) library: bool,
    pub(crate) development: bool,
    pub(crate) documentation: bool,
    pub(crate) debug: bool,
    pub(crate) data: bool,
    pub(crate) locale: bool,
    pub(crate) binding: bool,
}

impl Wants {
    pub(crate) fn of(words: &[Word<'_>]) -> Self {
        let mut wants = Self::default();
        for word in words {
            for part in word.text.split(['-', '.']) {
                match part {
                    "dev" | "devel" | "development" | "headers" | "header" | "sdk" => {
                        wants.development = true;
                    }
                    "doc" | "docs" | "documentation" | "manual" | "handbook" => {
                        wants.documentation = true;
                    }
                    "dbg" | "dbgsym" | "symbols" => wants.debug = true,
                    "data" | "common" | "theme" | "themes" | "icons" | "plugin" | "plugins" => {
                        wants.data = true;
                    }
                    part if TONGUES.contains(&part) => wants.locale = true,
                    "l10n" | "i18n" | "locale" | "locales" | "translation" | "language" => {
                        wants.locale = true;
                    }
                    "font" | "fonts" | "dictionary" | "wordlist" | "module" | "modules"
                    | "binding" | "bindings" => {
                        wants.binding = true;
                    }
                    "library" | "libraries" => wants.library = true,
                    _ => {}
                }
                wants.library |= part.starts_with("lib") && !part.starts_with("libre");
                wants.binding |= LANGUAGES.iter().any(|language| {
                    part.strip_prefix(language)
                        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
                });
            }
        }
        wants
    }
}

/// Who names a language people speak asks for translations, dictionaries and the like.
const TONGUES: &[&str] = &[
    "arabic",
    "chinese",
    "czech",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hebrew",
    "hungarian",
    "italian",
    "japanese",
    "korean",
    "norwegian",
    "polish",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "turkish",
    "ukrainian",
    "vietnamese",
];

/// Programming languages, as names of their modules have them.
const LANGUAGES: &[&str] = &[
    "python", "perl", "ruby", "php", "rust", "golang", "node", "haskell", "lua", "ocaml", "java",
    "r", "elpa", "cran",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_bounded_and_folded() {
        assert_eq!(normalise("  Libssl\tDEV \u{7} "), "libssl dev");
        assert_eq!(normalise(&"x ".repeat(4000)).split(' ').count(), MAX_WORDS);
        assert_eq!(normalise(&"é".repeat(4000)).chars().count(), MAX_CHARS);
    }

    #[test]
    fn plurals_lose_their_ending() {
        assert_eq!(stem("fonts"), "font");
        assert_eq!(stem("ss"), "ss");
        assert_eq!(stem("access"), "access");
        assert_eq!(stem("cups"), "cup");
    }
}
