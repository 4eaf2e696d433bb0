//! From lists to packages: versions of one name and architecture brought together, ranked, and
//! handed on in order of name.

use std::cmp::Ordering;

use omg_core::{Available, Fault, Offer, RepositoryId, Sink};

use super::names::Names;
use super::record::Record;
use super::settings::Settings;
use super::translation::Translations;
use crate::version;

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
    start: u128,
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

/// The first bytes of a name, which sort as the name does and seldom need the rest of it.
fn start(name: &str) -> u128 {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    u128::from_be_bytes(bytes)
}

/// One version, and the records of it, those of the lists that come first in the sources first.
struct Version<'a> {
    first: &'a Record<'a>,
    others: Vec<&'a Record<'a>>,
    priority: i32,
}

/// Buffers that are used again for each package.
#[derive(Default)]
struct Scratch<'a> {
    versions: Vec<Version<'a>>,
    names: Names<'a>,
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
        let Scratch { versions, names } = scratch;
        merge(group, versions);
        for version in versions.iter_mut() {
            version.priority = self.priority(version);
        }
        let chosen = best(versions);
        let Some(shown) = versions.get(chosen.unwrap_or(0)).map(|version| version.first) else {
            return Ok(());
        };
        let texts: Vec<Option<String>> = if self.translations.is_empty() {
            Vec::new()
        } else {
            versions.iter().map(|version| self.translated(version.first)).collect()
        };
        let mut offers = Vec::with_capacity(group.len());
        let mut candidate = None;
        for (at, version) in versions.iter().enumerate() {
            if chosen == Some(at) {
                candidate = Some(offers.len());
            }
            let text = texts.get(at).and_then(Option::as_deref);
            self.offers(version, text.unwrap_or(version.first.text), &mut offers);
        }
        names.fill(shown);
        let description = self.translations.get(shown.description_md5).unwrap_or(shown.description);
        sink.package(&Available {
            name: shown.name,
            architecture: shown.architecture,
            description: first_line(description),
            section: shown.section,
            priority: shown.priority,
            task: shown.task || is_task(shown.section),
            essential: shown.essential,
            download_size: shown.size,
            installed_size: shown.installed_size,
            provides: &names.provides,
            relations: &names.relations,
            versions: &offers,
            candidate,
            aur: None,
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

/// Brings equal builds of one version together; newest first, as apt sorts them.
fn merge<'a>(group: &[&'a Record<'a>], versions: &mut Vec<Version<'a>>) {
    versions.clear();
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

/// The first line, without white space at its end.
fn first_line(text: &str) -> &str {
    let end = memchr::memchr(b'\n', text.as_bytes()).unwrap_or(text.len());
    text.get(..end).unwrap_or(text).trim_end()
}

/// Sections of packages that exist to pull in others.
fn is_task(section: &str) -> bool {
    let is = |name: &str| {
        section.strip_suffix(name).is_some_and(|start| start.is_empty() || start.ends_with('/'))
    };
    is("tasks") || is("metapackages")
}
