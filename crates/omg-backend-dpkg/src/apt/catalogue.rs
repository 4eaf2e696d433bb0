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

/// At most this many malformed records are named, the others are counted.
const MOST_NAMED: usize = 100;

/// Everything that was read for one catalogue.
pub(crate) struct Catalogue<'a> {
    settings: &'a Settings,
    records: Vec<Vec<Record<'a>>>,
    translations: Translations<'a>,
    warnings: Vec<String>,
    /// Malformed records that the warnings name, and those that they don't.
    named: usize,
    unnamed: usize,
}

/// What one piece of a list of packages has.
#[derive(Default)]
struct Part<'a> {
    records: Vec<Record<'a>>,
    /// Byte offset and reason of what is malformed, in order.
    malformed: Vec<(usize, &'static str)>,
    /// Malformed records beyond those.
    unnamed: usize,
}

impl<'a> Catalogue<'a> {
    /// Reads all lists. Those that can't be read become warnings.
    pub(crate) fn read(settings: &'a Settings, arena: &'a Arena) -> Self {
        let mut catalogue = Self {
            settings,
            records: Vec::new(),
            translations: Translations::default(),
            warnings: settings.warnings.clone(),
            named: 0,
            unnamed: 0,
        };
        catalogue.read_packages(arena);
        if catalogue.unnamed > 0 {
            let warning = format!("{} more malformed records are left out", catalogue.unnamed);
            catalogue.warnings.push(warning);
        }
        let files: Vec<&Path> = settings.translations.iter().map(AsRef::as_ref).collect();
        catalogue.translations = Translations::read(&files, arena, &mut catalogue.warnings);
        catalogue
    }

    fn read_packages(&mut self, arena: &'a Arena) {
        let (mut order, left_out) = numbered(&self.settings.places);
        if left_out > 0 {
            self.warnings.push(format!("{left_out} lists are left out: there are too many"));
        }
        // Large lists first, so that no core ends up alone with the largest.
        order.sort_by_key(|(_, place)| std::cmp::Reverse(place.file.size));
        let paths: Vec<&Path> = order.iter().map(|(_, place)| place.file.path.as_path()).collect();
        let results = lists::scan(arena, &paths, |text, file| {
            part(text, order.get(file).map_or(0, |(number, _)| *number))
        });
        let mut results: Vec<_> = order.iter().zip(&paths).zip(results).collect();
        results.sort_by_key(|(((number, _), _), _)| *number);
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

    /// Takes what was found in a list. Lines are counted only as far as there is something to name,
    /// each once.
    fn add(&mut self, path: &Path, parts: Vec<Scanned<'a, Part<'a>>>) {
        let last = parts.iter().rposition(|part| !part.made.malformed.is_empty());
        let mut line = 1;
        for (number, Scanned { text, made, .. }) in parts.into_iter().enumerate() {
            let room = MOST_NAMED.saturating_sub(self.named);
            let mut from = 0;
            for &(offset, reason) in made.malformed.iter().take(room) {
                line += text.get(from..offset).map_or(0, newlines);
                from = offset;
                self.named += 1;
                self.warnings.push(format!("{}:{line}: {reason}", path.display()));
            }
            self.unnamed += made.unnamed + made.malformed.len().saturating_sub(room);
            if last.is_some_and(|last| number < last) {
                line += text.get(from..).map_or(0, newlines);
            }
            self.records.push(made.records);
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

/// Things with the numbers that records name them by, and how many are beyond those.
fn numbered<T>(all: &[T]) -> (Vec<(u16, &T)>, usize) {
    let numbers = (0..all.len()).map_while(|at| u16::try_from(at).ok());
    let numbered: Vec<_> = numbers.zip(all).collect();
    let left_out = all.len() - numbered.len();
    (numbered, left_out)
}

fn part(text: &str, list: u16) -> Part<'_> {
    // Debian's records have 800 bytes on average.
    let mut part = Part { records: Vec::with_capacity(text.len() / 600), ..Part::default() };
    for block in deb822::scan(text) {
        match Record::parse(block, list) {
            Ok(record) => part.records.push(record),
            Err(_) if block.text.lines().all(|line| line.starts_with('#')) => {}
            Err((at, reason)) if part.malformed.len() < MOST_NAMED => {
                part.malformed.push((block.offset + at, reason));
            }
            Err(_) => part.unnamed += 1,
        }
    }
    part
}

fn newlines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

#[cfg(test)]
mod tests {
    use super::super::oracle;
    use super::*;
    use std::fmt::Write as _;
    use std::fs;

    fn settings(packages: &str) -> (tempfile::TempDir, Settings) {
        let root = oracle::root();
        let start = root.path().join("var/lib/apt/lists/a.example_debian_dists_x_");
        fs::write(root.path().join("etc/apt/sources.list"), "deb http://a.example/debian x main\n")
            .unwrap();
        fs::write(
            root.path().join("etc/apt/apt.conf.d/arch"),
            "APT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; };\n",
        )
        .unwrap();
        fs::write(start.with_file_name("a.example_debian_dists_x_Release"), "Codename: x\n")
            .unwrap();
        let list = "a.example_debian_dists_x_main_binary-amd64_Packages";
        fs::write(start.with_file_name(list), packages).unwrap();
        let settings = Settings::read(root.path());
        (root, settings)
    }

    #[test]
    fn lists_beyond_the_last_number_are_left_out() {
        let all: Vec<usize> = (0..70_000).collect();
        let (numbered, left_out) = numbered(&all);
        assert_eq!((numbered.len(), left_out), (1 << 16, 70_000 - (1 << 16)));
        assert!(numbered.iter().all(|(number, at)| usize::from(*number) == **at));
    }

    #[test]
    fn malformed_records_are_named_by_line_up_to_a_limit_for_all_lists() {
        let mut text = String::new();
        let mut wanted = Vec::new();
        let mut malformed = 0;
        for i in 0..30_000 {
            if i % 50 == 0 {
                wanted.push(text.matches('\n').count() + 2);
                malformed += 1;
                let _ = write!(text, "Package: bad{i}\nno colon\nVersion: 1\n\n");
            }
            let _ = write!(
                text,
                "Package: p{i}\nVersion: 1\nArchitecture: amd64\nDescription: {}\n\n",
                "long ".repeat(20)
            );
        }
        assert!(text.len() > 8 << 19, "it has several pieces");
        let (_root, settings) = settings(&text);
        let arena = Arena::new();
        let catalogue = Catalogue::read(&settings, &arena);
        let lines: Vec<usize> = catalogue
            .warnings
            .iter()
            .filter_map(|warning| warning.split(':').nth(1)?.parse().ok())
            .collect();
        assert_eq!(lines, wanted[..MOST_NAMED]);
        let more = format!("{} more malformed records are left out", malformed - MOST_NAMED);
        assert_eq!(catalogue.warnings.last(), Some(&more));
        assert_eq!(catalogue.warnings.len(), MOST_NAMED + 1);
        assert_eq!(catalogue.records.iter().map(Vec::len).sum::<usize>(), 30_000);
    }
}
