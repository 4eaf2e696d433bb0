//! Long descriptions, which archives keep apart from the lists of packages: `Translation-en`.

use std::path::Path;

use ahash::AHashMap;

use super::lists;
use super::lists::ListText;
use crate::deb822;

/// Descriptions by the digest that records name them with.
#[derive(Debug, Default)]
pub(crate) struct Translations<'a> {
    by_digest: AHashMap<&'a str, &'a str>,
}

/// Reads the lists of translations; those that can't be read become warnings.
pub(crate) fn read(files: &[&Path], warnings: &mut Vec<String>) -> Vec<ListText> {
    let mut texts = Vec::new();
    for result in lists::read_all(files) {
        match result {
            Ok(text) => texts.push(text),
            Err(error) => warnings.push(error.with_cause()),
        }
    }
    texts
}

impl<'a> Translations<'a> {
    /// Finds the descriptions in lists.
    pub(crate) fn new(texts: &'a [ListText]) -> Self {
        let mut by_digest = AHashMap::new();
        for block in texts.iter().flat_map(ListText::pieces).flat_map(|piece| deb822::scan(piece)) {
            let (mut digest, mut text) = ("", "");
            for field in block.fields() {
                match field.name {
                    "Description-md5" => digest = field.value,
                    "Description-en" => text = field.value,
                    _ => {}
                }
            }
            if !digest.is_empty() && !text.is_empty() {
                by_digest.entry(digest).or_insert(text);
            }
        }
        Self { by_digest }
    }

    /// The description of this digest.
    pub(crate) fn get(&self, digest: &str) -> Option<&'a str> {
        self.by_digest.get(digest).copied()
    }

    /// Are there none?
    pub(crate) fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }
}
