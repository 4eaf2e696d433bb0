//! The dump of all packages, `packages-meta-ext-v1.json.gz`, as the AUR publishes it every few
//! minutes: kept on disk packed as it came, read in one pass.
//!
//! Format: <https://wiki.archlinux.org/title/Aurweb_RPC_interface#Dataset>, a gzip file of one JSON
//! list of the objects that the RPC's `info` gives.

mod read;
pub mod record;
mod store;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use ahash::AHashSet;
use flate2::read::MultiGzDecoder;
use omg_core::{
    Available, Fault, Offer, Priority, Relation, RelationKind, Repository, RepositoryId,
};
use omg_core::{Sink, Source};

use crate::constraint::bare;
use crate::error::Error;
use crate::package::{Entry, Package};
use crate::text::Text;

use read::Element;
pub use read::{MOST_ELEMENT_BYTES, MOST_ELEMENTS};
pub(crate) use store::{Dump, FILE, Incoming, Origin};

/// Bytes of the dump as it is fetched, at most. It has some 12 million.
pub const MOST_PACKED_BYTES: u64 = 64 << 20;
/// Bytes of the dump unpacked, at most. It has some 90 million.
pub const MOST_UNPACKED_BYTES: u64 = 256 << 20;
/// Malformed packages that are told one by one.
const MOST_WARNINGS: usize = 32;
/// The name that the AUR has as a repository.
pub const REPOSITORY: &str = "aur";

/// Streams a packed dump into a sink as the repository `aur` and gives the number of packages.
/// Malformed ones, and names that come a second time, become warnings.
///
/// # Errors
/// What the sink says; a damaged or too large dump; see [`Error`].
pub fn emit<S: Sink + ?Sized>(
    packed: impl Read,
    what: &str,
    uri: &str,
    sink: &mut S,
) -> Result<u64, Fault> {
    let id = announce(uri, sink)?;
    let mut names = AHashSet::new();
    let mut buffers = Buffers::default();
    let mut warnings = Warnings::default();
    let done = elements(packed, what, MOST_UNPACKED_BYTES, |element| -> Result<(), Stop> {
        match element {
            Ok(entry) if names.insert(Box::<str>::from(&*entry.name)) => {
                buffers.send(&entry, id, sink).map_err(Stop::Sink)?;
            }
            Ok(entry) => warnings.add(format!("{what}: '{}' is there twice", &*entry.name)),
            Err(reason) => warnings.add(format!("{what}: {reason}")),
        }
        Ok(())
    });
    warnings.tell(what, sink);
    match done {
        Ok(_) => Ok(names.len() as u64),
        Err(Stop::Sink(fault)) => Err(fault),
        Err(Stop::Read(error)) => Err(error.fault()),
    }
}

/// Tells a sink of the repository alone.
pub(crate) fn announce<S: Sink + ?Sized>(uri: &str, sink: &mut S) -> Result<RepositoryId, Fault> {
    sink.repository(&Repository {
        name: REPOSITORY.into(),
        source: Source::Aur,
        security: false,
        searched: true,
        uri: uri.into(),
    })
}

/// Packages of a packed dump that the predicate wants, in its order, `most` at most.
pub(crate) fn select(
    packed: impl Read,
    what: &str,
    most: usize,
    wanted: impl Fn(&Entry<'_>) -> bool,
) -> Result<Vec<Package>, Error> {
    let mut found = Vec::new();
    elements(packed, what, MOST_UNPACKED_BYTES, |element| -> Result<(), Error> {
        match element {
            Ok(entry) if wanted(&entry) && found.len() >= most => {
                let what = format!("the answer from {what}");
                return Err(Error::TooLarge { what, limit: most as u64, unit: "packages" });
            }
            Ok(entry) if wanted(&entry) => found.push(entry.to_package()),
            Ok(_) => {}
            Err(reason) => tracing::debug!("{what}: {reason}"),
        }
        Ok(())
    })?;
    Ok(found)
}

/// Reads a packed dump to its end, to see whether it is whole. Gives the number of good packages.
pub(crate) fn check(packed: impl Read, what: &str, most_bytes: u64) -> Result<u64, Error> {
    let mut good = 0;
    elements(packed, what, most_bytes, |element| -> Result<(), Error> {
        good += u64::from(element.is_ok());
        Ok(())
    })?;
    if good == 0 {
        let reason = "there is no package in it".into();
        return Err(Error::Malformed { what: what.into(), line: 0, reason });
    }
    Ok(good)
}

pub(crate) fn open(path: &Path) -> Result<Option<BufReader<File>>, Error> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::with_capacity(64 << 10, file))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, "reading the list of the AUR's packages", error)),
    }
}

fn elements<E: From<Error>>(
    packed: impl Read,
    what: &str,
    most_bytes: u64,
    take: impl FnMut(Element<'_>) -> Result<(), E>,
) -> Result<u64, E> {
    read::elements(MultiGzDecoder::new(packed), what, most_bytes, take)
}

/// Why a stream ends early.
enum Stop {
    Sink(Fault),
    Read(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Read(error)
    }
}

/// The first warnings, and how many there are.
#[derive(Default)]
struct Warnings {
    first: Vec<String>,
    count: usize,
}

impl Warnings {
    fn add(&mut self, text: String) {
        self.count += 1;
        if self.first.len() < MOST_WARNINGS {
            self.first.push(text);
        }
    }

    fn tell<S: Sink + ?Sized>(self, what: &str, sink: &mut S) {
        let more = self.count - self.first.len();
        self.first.into_iter().for_each(|text| sink.warning(text));
        if more > 0 {
            sink.warning(format!("{what}: {more} more packages were left out"));
        }
    }
}

/// Text that is used again for every package.
#[derive(Default)]
struct Buffers {
    record: String,
    description: String,
}

impl Buffers {
    fn send<S: Sink + ?Sized>(
        &mut self,
        entry: &Entry<'_>,
        repository: RepositoryId,
        sink: &mut S,
    ) -> Result<(), Fault> {
        record::write(entry, &mut self.record);
        let description = entry.description.as_deref().unwrap_or("");
        let description = if description.contains(char::is_control) {
            self.description.clear();
            self.description
                .extend(description.chars().map(|c| if c.is_control() { ' ' } else { c }));
            &self.description
        } else {
            description
        };
        let mut provides: Vec<&str> = Vec::with_capacity(entry.provides.len());
        for name in entry.provides.iter().map(|item| bare(item)) {
            if !name.is_empty() && !provides.contains(&name) {
                provides.push(name);
            }
        }
        let mut relations = Vec::with_capacity(entry.depends.len() + entry.opt_depends.len());
        relate(&mut relations, RelationKind::Depends, &entry.depends);
        relate(&mut relations, RelationKind::Suggests, &entry.opt_depends);
        let offer =
            Offer { version: &entry.version, repository, priority: 0, record: &self.record };
        sink.package(&Available {
            name: &entry.name,
            architecture: record::ARCHITECTURE,
            description,
            section: "",
            priority: Priority::default(),
            task: false,
            essential: false,
            download_size: 0,
            installed_size: 0,
            provides: &provides,
            relations: &relations,
            versions: &[offer],
            candidate: Some(0),
            aur: Some(entry.facts()),
        })
    }
}

fn relate<'a>(relations: &mut Vec<Relation<'a>>, kind: RelationKind, items: &'a [Text<'_>]) {
    for item in items {
        let relation = Relation { kind, name: bare(item) };
        if !relation.name.is_empty() && !relations.contains(&relation) {
            relations.push(relation);
        }
    }
}
