//! Long descriptions, which archives keep apart from the lists of packages: `Translation-en`.

use std::path::Path;

use ahash::AHashMap;

use super::arena::Arena;
use super::lists;
use crate::deb822;

/// Descriptions by the digest that records name them with.
#[derive(Debug, Default)]
pub(crate) struct Translations<'a> {
    by_digest: AHashMap<&'a str, &'a str>,
}

impl<'a> Translations<'a> {
    /// Reads lists of translations; those that can't be read become warnings.
    pub(crate) fn read(files: &[&Path], arena: &'a Arena, warnings: &mut Vec<String>) -> Self {
        let mut by_digest = AHashMap::new();
        for result in lists::scan(arena, files, |text, _| descriptions(text)) {
            match result {
                Ok(parts) => by_digest.extend(parts.into_iter().flat_map(|part| part.made)),
                Err(error) => warnings.push(error.with_cause()),
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

/// Digests with their descriptions.
fn descriptions(text: &str) -> Vec<(&str, &str)> {
    let mut all = Vec::new();
    for block in deb822::scan(text) {
        let (mut digest, mut description) = ("", "");
        for field in block.fields() {
            match field.name {
                "Description-md5" => digest = field.value,
                "Description-en" => description = field.value,
                _ => {}
            }
        }
        if !digest.is_empty() && !description.is_empty() {
            all.push((digest, description));
        }
    }
    all
}
