//! From lists to packages: versions of one name and architecture brought together, ranked, and
//! handed on in order of name.

use std::cmp::Ordering;

use omg_core::{Available, Fault, Offer, Relation, RelationKind, RepositoryId, Sink};

use super::record::Record;
use super::settings::Settings;
use super::translation::Translations;
use crate::version;

const KINDS: [RelationKind; 5] = [
    RelationKind::PreDepends,
    RelationKind::Depends,
    RelationKind::Recommends,
    RelationKind::Suggests,
    RelationKind::Enhances,
];

/// What is needed to make packages of records.
pub(crate) struct Merge<'a> {
    pub(crate) settings: &'a Settings,
    /// Ids that the sink gave to the settings' repositories.
    pub(crate) repositories: Vec<RepositoryId>,
    pub(crate) translations: &'a Translations<'a>,
    /// Records in the order of the sources.
    pub(crate) records: &'a [Vec<Record<'a>>],
}

/// What packages are sorted by, kept apart from the records, which are large.
struct Key<'a> {
    start: u64,
    name: &'a str,
    filed: &'a str,
    record: &'a Record<'a>,
}

impl Key<'_> {
    fn order(one: &Self, two: &Self) -> Ordering {
        one.start
            .cmp(&two.start)
            .then_with(|| one.name.cmp(two.name))
            .then_with(|| one.filed.cmp(two.filed))
    }
}

/// The first eight bytes of a name, which sort as the name does.
fn start(name: &str) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    u64::from_be_bytes(bytes)
}

/// One version, and the records of it, those of the lists that come first in the sources first.
struct Version<'a> {
    first: &'a Record<'a>,
    others: Vec<&'a Record<'a>>,
    priority: i32,
}

impl<'a> Merge<'a> {
    /// Streams every package into a sink, sorted by name and architecture.
    pub(crate) fn emit<S: Sink>(&self, sink: &mut S) -> Result<(), Fault> {
        let wanted = self.settings.conf.architectures();
        let native = self.settings.conf.architecture();
        let mut order = Vec::with_capacity(self.records.iter().map(Vec::len).sum());
        for record in self.records.iter().flatten() {
            // apt files packages for all architectures under the native one.
            let filed = if record.architecture == "all" { native } else { record.architecture };
            if wanted.iter().any(|name| name == filed) {
                order.push(Key { start: start(record.name), name: record.name, filed, record });
            }
        }
        // Stable: records of one package stay in the order of the sources.
        order.sort_by(Key::order);
        let mut scratch = Scratch::default();
        let mut group = Vec::new();
        for keys in order.chunk_by(|one, two| Key::order(one, two).is_eq()) {
            group.clear();
            group.extend(keys.iter().map(|key| key.record));
            self.package(&group, &mut scratch, sink)?;
        }
        Ok(())
    }

    fn package<S: Sink>(
        &self,
        group: &[&'a Record<'a>],
        scratch: &mut Scratch<'a>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let mut versions = merged(group);
        for version in &mut versions {
            version.priority = self.priority(version);
        }
        let chosen = best(&versions);
        let Some(shown) = versions.get(chosen.unwrap_or(0)).map(|version| version.first) else {
            return Ok(());
        };
        let texts: Vec<Option<String>> =
            versions.iter().map(|version| self.translated(version.first)).collect();
        let mut offers = Vec::with_capacity(group.len());
        let mut candidate = None;
        for (at, (version, text)) in versions.iter().zip(&texts).enumerate() {
            if chosen == Some(at) {
                candidate = Some(offers.len());
            }
            self.offers(version, text.as_deref().unwrap_or(version.first.text), &mut offers);
        }
        scratch.fill(shown);
        let description = self.translations.get(shown.description_md5).unwrap_or(shown.description);
        sink.package(&Available {
            name: shown.name,
            architecture: shown.architecture,
            description: description.lines().next().unwrap_or("").trim_end(),
            section: shown.section,
            priority: shown.priority,
            task: shown.task || is_task(shown.section),
            essential: shown.essential,
            download_size: shown.size,
            installed_size: shown.installed_size,
            provides: &scratch.provides,
            relations: &scratch.relations,
            versions: &offers,
            candidate,
        })
    }

    /// Adds the offers of one version, one for each repository that has it; one with security
    /// fixes comes first, so that a fix counts as such wherever else it was copied to.
    fn offers<'t>(&self, version: &Version<'t>, record: &'t str, offers: &mut Vec<Offer<'t>>) {
        let start = offers.len();
        let mut security = start;
        for file in std::iter::once(&version.first).chain(&version.others) {
            let Some(place) = self.settings.places.get(usize::from(file.list)) else { continue };
            let Some(&repository) = self.repositories.get(place.repository) else { continue };
            if offers.iter().skip(start).any(|offer| offer.repository == repository) {
                continue;
            }
            let offer = Offer {
                version: version.first.version,
                repository,
                priority: version.priority,
                record,
            };
            if place.security {
                offers.insert(security, offer);
                security += 1;
            } else {
                offers.push(offer);
            }
        }
    }

    fn priority(&self, version: &Version<'_>) -> i32 {
        let first = version.first;
        if version.others.is_empty() {
            return self.settings.policy.priority(first, &[first.list]);
        }
        let mut places = vec![first.list];
        places.extend(version.others.iter().map(|record| record.list));
        self.settings.policy.priority(first, &places)
    }

    /// The record with its description replaced by the long one, where there is one.
    fn translated(&self, record: &Record<'_>) -> Option<String> {
        if self.translations.is_empty() || record.description.contains('\n') {
            return None;
        }
        let long = self.translations.get(record.description_md5)?;
        let (before, after) = record.text.split_once("\nDescription: ")?;
        let after = after.find('\n').and_then(|at| after.get(at..)).unwrap_or("");
        Some(format!("{before}\nDescription: {long}{after}"))
    }
}

/// Buffers that are used again for each package.
#[derive(Default)]
struct Scratch<'a> {
    provides: Vec<&'a str>,
    relations: Vec<Relation<'a>>,
}

impl<'a> Scratch<'a> {
    fn fill(&mut self, record: &Record<'a>) {
        self.provides.clear();
        self.relations.clear();
        for name in names(record.provides) {
            if !self.provides.contains(&name) {
                self.provides.push(name);
            }
        }
        for (kind, field) in KINDS.into_iter().zip(record.relations) {
            let start = self.relations.len();
            for name in names(field) {
                if !self.relations.iter().skip(start).any(|known| known.name == name) {
                    self.relations.push(Relation { kind, name });
                }
            }
        }
    }
}

/// The bare names in a dependency field: what follows a comma or bar, up to the first character
/// that no name has. Versions and architectures are passed over unread, which is three times as
/// fast as reading them, and there are 400,000.
fn names(field: &str) -> impl Iterator<Item = &str> {
    let bytes = field.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            while bytes
                .get(at)
                .is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b'|'))
            {
                at += 1;
            }
            let start = at;
            while bytes.get(at).is_some_and(|&byte| !is_end(byte)) {
                at += 1;
            }
            let name = field.get(start..at)?;
            at = memchr::memchr2(b',', b'|', bytes.get(at..)?).map_or(bytes.len(), |len| at + len);
            if !name.is_empty() {
                return Some(name);
            }
            if at >= bytes.len() {
                return None;
            }
        }
    })
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'|' | b':' | b'(' | b'[' | b'<')
}

/// Brings equal builds of one version together; newest first, as apt sorts them.
fn merged<'a>(group: &[&'a Record<'a>]) -> Vec<Version<'a>> {
    let mut versions: Vec<Version<'a>> = Vec::with_capacity(group.len());
    for &record in group {
        let mut place = versions.len();
        let mut same = None;
        for (at, known) in versions.iter().enumerate() {
            match version::compare(record.version, known.first.version) {
                Ordering::Greater => {
                    place = at;
                    break;
                }
                Ordering::Equal if record.is_same_build(known.first) => {
                    same = Some(at);
                    break;
                }
                _ => {}
            }
        }
        match same.and_then(|at| versions.get_mut(at)) {
            Some(known) => known.others.push(record),
            None => {
                versions.insert(place, Version { first: record, others: Vec::new(), priority: 0 });
            }
        }
    }
    versions
}

/// What a fresh install takes: the highest priority above zero, the newest of several.
fn best(versions: &[Version<'_>]) -> Option<usize> {
    let mut best = None;
    let mut highest = 0;
    for (at, version) in versions.iter().enumerate() {
        if version.priority > highest {
            highest = version.priority;
            best = Some(at);
        }
    }
    best
}

/// Sections of packages that exist to pull in others.
fn is_task(section: &str) -> bool {
    matches!(section.rsplit('/').next(), Some("tasks" | "metapackages"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relation;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_are_those_that_the_full_parser_finds(
            items in proptest::collection::vec(r"[a-z][a-z0-9+.-]{1,8}(:any)?( \((>=|<<|=) 1[0-9.:~-]{0,5}\))?", 0..6),
            bars in proptest::collection::vec(any::<bool>(), 6),
        ) {
            let mut field = String::new();
            for (item, bar) in items.iter().zip(bars) {
                if !field.is_empty() {
                    field.push_str(if bar { " | " } else { ", " });
                }
                field.push_str(item);
            }
            let wanted: Vec<&str> = relation::items(&field).flat_map(relation::names).collect();
            prop_assert_eq!(names(&field).collect::<Vec<_>>(), wanted);
        }

        #[test]
        fn no_field_panics(field in any::<String>()) {
            prop_assert!(names(&field).count() <= field.len());
        }
    }
}
