//! What is taken out of a package's record.

use omg_core::{Relation, RelationKind};

use super::piece::{Entry, Piece};
use crate::desc;
use crate::relation;

/// At most this many malformed records of one piece are named, the others are counted.
const MOST_NAMED: usize = 100;
/// Longest part of a hostile name that a warning shows, characters.
const LONGEST_SHOWN: usize = 80;

/// A package in a repository.
#[derive(Clone, Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) architecture: &'a str,
    pub(super) description: &'a str,
    /// One a line.
    pub(super) groups: &'a str,
    pub(super) download_size: u64,
    pub(super) installed_size: u64,
    /// Where its names stand in the part.
    pub(super) provides: (usize, usize),
    pub(super) relations: (usize, usize),
    /// The whole record.
    pub(super) text: &'a str,
}

/// What a piece has.
#[derive(Debug, Default)]
pub(super) struct Part<'a> {
    pub(super) records: Vec<Record<'a>>,
    pub(super) provides: Vec<&'a str>,
    pub(super) relations: Vec<Relation<'a>>,
    /// What is odd about some records, without the name of the file.
    pub(super) warnings: Vec<String>,
    /// Warnings beyond those.
    pub(super) unnamed: usize,
}

impl<'a> Part<'a> {
    /// Reads the records of a piece whose text is kept at `text`.
    pub(super) fn read(text: &'a str, entries: &[Entry]) -> Self {
        let mut part = Self { records: Vec::with_capacity(entries.len()), ..Self::default() };
        for entry in entries {
            let directory = text.get(entry.directory.clone()).unwrap_or("");
            let record = text.get(entry.record.clone()).unwrap_or("");
            if let Err(reason) = part.record(directory, record) {
                part.warn(directory, reason);
            }
        }
        part
    }

    fn warn(&mut self, directory: &str, reason: &str) {
        if self.warnings.len() < MOST_NAMED {
            let shown: String = directory.chars().take(LONGEST_SHOWN).collect();
            self.warnings.push(format!("'{}' {reason}", shown.escape_debug()));
        } else {
            self.unnamed += 1;
        }
    }

    fn record(&mut self, directory: &'a str, text: &'a str) -> Result<(), &'static str> {
        // libalpm takes name and version from here, too, and goes on if the record disagrees.
        let (name, version) = desc::split_entry(directory)
            .ok_or("is not of the form name-version-release; it is left out")?;
        if !desc::valid_name(name) {
            return Err("has a name that no package may have; it is left out");
        }
        if !desc::valid_version(version) {
            return Err("has a version that no package may have; it is left out");
        }
        if text.len() as u64 > desc::LARGEST_RECORD {
            return Err("has a record of more than 1 MiB; it is left out");
        }
        let before = (self.provides.len(), self.relations.len());
        let mut record = Record { name, version, text, ..Record::default() };
        for field in desc::fields(text) {
            match field.name {
                "NAME" if field.first() != name => {
                    self.warn(directory, "has another name in its record, which does not count");
                }
                "VERSION" if field.first() != version => {
                    self.warn(directory, "has another version in its record, which does not count");
                }
                "DESC" => record.description = field.first(),
                "ARCH" => record.architecture = field.first(),
                "GROUPS" => record.groups = field.text,
                "CSIZE" => record.download_size = size(field.first()),
                "ISIZE" => record.installed_size = size(field.first()),
                "PROVIDES" => self.provides.extend(field.values().filter_map(bare)),
                "DEPENDS" => self.relate(RelationKind::Depends, &field),
                "OPTDEPENDS" => self.relate(RelationKind::Suggests, &field),
                _ => {}
            }
        }
        if self.provides.len() + self.relations.len() - before.0 - before.1 > desc::MOST_VALUES {
            self.provides.truncate(before.0);
            self.relations.truncate(before.1);
            return Err("has too many relations; it is left out");
        }
        record.provides = (before.0, self.provides.len());
        record.relations = (before.1, self.relations.len());
        self.records.push(record);
        Ok(())
    }

    fn relate(&mut self, kind: RelationKind, field: &desc::Field<'a>) {
        let names = field.values().filter_map(bare);
        self.relations.extend(names.map(|name| Relation { kind, name }));
    }
}

/// The bare name in a relation.
fn bare(line: &str) -> Option<&str> {
    let name = relation::Relation::parse(line).name;
    (!name.is_empty()).then_some(name)
}

/// A number of bytes; 0 if it is none, as with libalpm.
fn size(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

impl Piece {
    /// Takes the text out, to be kept elsewhere.
    pub(super) fn into_parts(self) -> (String, Vec<Entry>) {
        (self.text, self.entries)
    }
}
