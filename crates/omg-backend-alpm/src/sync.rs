//! Sync databases: what the repositories offer.
//!
//! `DBPath/sync/REPOSITORY.db` is a tar archive with a directory `NAME-VERSION-RELEASE` for each
//! package and in it a file `desc`; until 2016 relations were in a file `depends` of their own.
//! Name and version are those of the directory, as with libalpm.
//!
//! pacman's model of what is installed is that of one repository after the other: the candidate
//! is that of the first repository in pacman.conf that has the name, whatever its version. A
//! repository whose `Usage` is without `Install` has no candidates.

use std::path::PathBuf;

use ahash::AHashMap;
use omg_core::{Available, Offer, Priority, RepositoryId, Sink, Source};

use crate::conf::{self, Conf};
use crate::error::Error;
use crate::version;

mod arena;
mod piece;
mod read;
mod record;
#[cfg(test)]
mod tests;

use arena::Arena;
use record::{Part, Record};

/// At most this many odd records are named, the others are counted.
const MOST_NAMED: usize = 100;

/// Streams everything that the repositories offer into a sink: every package name once. What can't
/// be read becomes a warning, and the rest goes on.
pub fn read<S: Sink>(conf: &Conf, sink: &mut S) -> Result<(), Error> {
    for warning in &conf.warnings {
        sink.warning(warning.clone());
    }
    let paths: Vec<PathBuf> = conf.repositories.iter().map(|one| one.database(conf)).collect();
    let arena = Arena::new();
    let mut catalogue =
        Catalogue { conf, ids: Vec::new(), offers: Vec::new(), names: AHashMap::new() };
    let mut warnings = Warnings::default();
    let databases = read::databases(&arena, &paths)?;
    for (number, (repository, database)) in conf.repositories.iter().zip(&databases).enumerate() {
        catalogue.ids.push(sink.repository(&describe(repository))?);
        match database {
            Ok(parts) => {
                let path = paths.get(number).map(|path| path.display().to_string());
                catalogue.add(
                    number,
                    parts,
                    path.unwrap_or_default().as_str(),
                    &mut warnings,
                    sink,
                );
            }
            Err(error) => sink.warning(left_out(error)),
        }
    }
    if warnings.unnamed > 0 {
        sink.warning(format!("{} more odd records are not named", warnings.unnamed));
    }
    catalogue.emit(sink)
}

fn left_out(error: &Error) -> String {
    if let Error::Io { source, path, .. } = error
        && source.kind() == std::io::ErrorKind::NotFound
    {
        return format!("{} is not there (try: omg sync)", path.display());
    }
    let hint = error.hint().map_or_else(String::new, |hint| format!(" (try: {hint})"));
    format!("{}{hint}; the repository is left out", error.with_cause())
}

fn describe(repository: &conf::Repository) -> omg_core::Repository {
    omg_core::Repository {
        name: repository.name.clone(),
        source: Source::Alpm,
        security: false,
        searched: repository.usage.search,
        uri: repository.servers.first().map_or_else(String::new, |uri| without_credentials(uri)),
    }
}

/// `https://user:password@host/path` without what is before the `@`.
fn without_credentials(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[derive(Default)]
struct Warnings {
    named: usize,
    unnamed: usize,
}

impl Warnings {
    fn say(&mut self, sink: &mut impl Sink, path: &str, what: &str) {
        if self.named < MOST_NAMED {
            self.named += 1;
            sink.warning(format!("{path}: {what}"));
        } else {
            self.unnamed += 1;
        }
    }
}

/// Packages by name.
struct Catalogue<'c, 'a> {
    conf: &'c Conf,
    ids: Vec<RepositoryId>,
    /// In the order of repositories and of their entries.
    offers: Vec<Found<'c, 'a>>,
    /// First and last offer of a name.
    names: AHashMap<&'a str, (usize, usize)>,
}

/// A package of one repository.
struct Found<'c, 'a> {
    repository: usize,
    part: &'c Part<'a>,
    record: &'c Record<'a>,
    /// The same name in a later repository.
    next: Option<usize>,
    /// It is the first of its name.
    first: bool,
}

impl<'c, 'a> Catalogue<'c, 'a> {
    fn add(
        &mut self,
        repository: usize,
        parts: &'c [Part<'a>],
        path: &str,
        warnings: &mut Warnings,
        sink: &mut impl Sink,
    ) {
        let count: usize = parts.iter().map(|part| part.records.len()).sum();
        self.offers.reserve(count);
        self.names.reserve(count);
        for part in parts {
            for warning in &part.warnings {
                warnings.say(sink, path, warning);
            }
            warnings.unnamed += part.unnamed;
            for record in &part.records {
                let number = self.offers.len();
                let mut found = Found { repository, part, record, next: None, first: true };
                if let Some((_, last)) = self.names.get_mut(record.name) {
                    if let Some(before) = self.offers.get_mut(*last) {
                        if before.repository == repository {
                            let what =
                                format!("'{}' is there twice; the first one counts", record.name);
                            warnings.say(sink, path, &what);
                            continue;
                        }
                        before.next = Some(number);
                    }
                    *last = number;
                    found.first = false;
                } else {
                    self.names.insert(record.name, (number, number));
                }
                self.offers.push(found);
            }
        }
    }

    fn emit(&self, sink: &mut impl Sink) -> Result<(), Error> {
        let mut same: Vec<&Found<'c, 'a>> = Vec::new();
        let mut versions: Vec<Offer<'_>> = Vec::new();
        let mut section = String::new();
        for first in self.offers.iter().filter(|found| found.first) {
            same.clear();
            same.push(first);
            let mut next = first.next;
            while let Some(found) = next.and_then(|number| self.offers.get(number)) {
                same.push(found);
                next = found.next;
            }
            let chosen = same.iter().copied().find(|found| self.installs(found));
            version::sort_newest_first(&mut same, |found| found.record.version);
            versions.clear();
            versions.extend(same.iter().map(|found| self.offer(found)));
            let candidate = chosen
                .and_then(|chosen| same.iter().position(|one| one.repository == chosen.repository));
            let found = chosen.unwrap_or(first);
            let record = found.record;
            sink.package(&Available {
                name: record.name,
                architecture: record.architecture,
                description: record.description,
                section: joined(record.groups, &mut section),
                priority: Priority::Optional,
                task: false,
                essential: false,
                download_size: record.download_size,
                installed_size: record.installed_size,
                provides: range(&found.part.provides, record.provides),
                relations: range(&found.part.relations, record.relations),
                versions: &versions,
                candidate,
                aur: None,
            })?;
        }
        Ok(())
    }

    fn installs(&self, found: &Found<'_, '_>) -> bool {
        let repository = self.conf.repositories.get(found.repository);
        repository.is_some_and(|repository| repository.usage.install)
    }

    fn offer(&self, found: &Found<'_, 'a>) -> Offer<'a> {
        let below = self.conf.repositories.len() - found.repository;
        Offer {
            version: found.record.version,
            repository: self.ids.get(found.repository).copied().unwrap_or(RepositoryId(0)),
            priority: i32::try_from(below).unwrap_or(i32::MAX),
            record: found.record.text,
        }
    }
}

fn range<T>(all: &[T], (start, end): (usize, usize)) -> &[T] {
    all.get(start..end).unwrap_or_default()
}

/// Lines with spaces between them.
fn joined<'t>(lines: &'t str, buffer: &'t mut String) -> &'t str {
    let lines = lines.trim_end_matches('\n');
    if !lines.contains('\n') {
        return lines;
    }
    buffer.clear();
    buffer.extend(lines.chars().map(|c| if c == '\n' { ' ' } else { c }));
    buffer
}
