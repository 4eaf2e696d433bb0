//! All lists of one state of the system, read and cut into records.

use std::path::Path;

use omg_core::{Fault, Sink};

use super::arena::Arena;
use super::lists::{self, Scanned};
use super::merge::Merge;
use super::record::Record;
use super::settings::Settings;
use super::translation::Translations;
use crate::deb822;

/// At most this many malformed records are named, per piece of a list.
const MOST_NAMED: usize = 16;

/// Everything that was read for one catalogue.
pub(crate) struct Catalogue<'a> {
    settings: &'a Settings,
    records: Vec<Vec<Record<'a>>>,
    translations: Translations<'a>,
    warnings: Vec<String>,
}

/// What one piece of a list of packages has.
struct Part<'a> {
    records: Vec<Record<'a>>,
    /// Byte offset and reason of what is malformed.
    malformed: Vec<(usize, &'static str)>,
}

impl<'a> Catalogue<'a> {
    /// Reads all lists. Those that can't be read become warnings.
    pub(crate) fn read(settings: &'a Settings, arena: &'a Arena) -> Self {
        let mut catalogue = Self {
            settings,
            records: Vec::new(),
            translations: Translations::default(),
            warnings: settings.warnings.clone(),
        };
        catalogue.read_packages(arena);
        let files: Vec<&Path> = settings.translations.iter().map(AsRef::as_ref).collect();
        catalogue.translations = Translations::read(&files, arena, &mut catalogue.warnings);
        catalogue
    }

    fn read_packages(&mut self, arena: &'a Arena) {
        let places = &self.settings.places;
        // Large lists first, so that no core ends up alone with the largest.
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&at| {
            std::cmp::Reverse(places.get(at).map_or(0, |place| place.file.size))
        });
        let paths: Vec<&Path> = order
            .iter()
            .filter_map(|&at| places.get(at))
            .map(|place| place.file.path.as_path())
            .collect();
        let numbers = &order;
        let results = lists::scan(arena, &paths, |text, file| {
            part(text, numbers.get(file).map_or(0, |&number| number as u16))
        });
        let mut results: Vec<_> = order.iter().zip(&paths).zip(results).collect();
        results.sort_by_key(|((number, _), _)| **number);
        for ((_, path), result) in results {
            match result {
                Ok(parts) => self.add(path, parts),
                Err(error) => {
                    let hint =
                        error.hint().map_or_else(String::new, |hint| format!(" (try: {hint})"));
                    self.warnings
                        .push(format!("{}{hint}; the list is left out", error.with_cause()));
                }
            }
        }
    }

    fn add(&mut self, path: &Path, parts: Vec<Scanned<'a, Part<'a>>>) {
        let texts: Vec<&str> = parts.iter().map(|part| part.text).collect();
        for (number, part) in parts.into_iter().enumerate() {
            for (offset, reason) in part.made.malformed {
                let before: usize = texts.iter().take(number).map(|text| newlines(text)).sum();
                let here = part.text.get(..offset).map_or(0, newlines);
                self.warnings.push(format!("{}:{}: {reason}", path.display(), before + here + 1));
            }
            self.records.push(part.made.records);
        }
    }

    /// Streams every package into a sink.
    pub(crate) fn emit<S: Sink>(&self, sink: &mut S) -> Result<(), Fault> {
        for warning in &self.warnings {
            sink.warning(warning.clone());
        }
        let mut repositories = Vec::with_capacity(self.settings.repositories.len());
        for repository in &self.settings.repositories {
            repositories.push(sink.repository(repository)?);
        }
        let merge = Merge {
            settings: self.settings,
            repositories,
            translations: &self.translations,
            records: &self.records,
        };
        merge.emit(sink)
    }
}

fn part(text: &str, list: u16) -> Part<'_> {
    // Debian's records have 800 bytes on average.
    let mut part = Part { records: Vec::with_capacity(text.len() / 600), malformed: Vec::new() };
    for block in deb822::scan(text) {
        match Record::parse(block, list) {
            Ok(record) => part.records.push(record),
            Err(_) if block.text.lines().all(|line| line.starts_with('#')) => {}
            Err((at, reason)) if part.malformed.len() < MOST_NAMED => {
                part.malformed.push((block.offset + at, reason));
            }
            Err(_) => {}
        }
    }
    part
}

fn newlines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}
