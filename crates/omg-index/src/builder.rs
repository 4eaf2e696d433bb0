//! Takes a catalogue package by package and turns it into an image and blocks of records.

use omg_core::{Available, Fault, Repository, RepositoryId, Sink, Source};

use crate::facts::FactsRecord;
use crate::image::{NONE, OfferRecord, RepositoryRecord};
use crate::intern::Interner;
use crate::records::Packer;
use crate::{Error, assemble};

/// Rows flagged so are part of a task.
pub(crate) const TASK: u8 = 1;
/// Rows flagged so may not be removed.
pub(crate) const ESSENTIAL: u8 = 2;
/// The two bits above say where a row is from: 0 apt, 1 alpm, 2 aur, 3 runtime.
pub(crate) const ORIGIN: u8 = 2;
pub(crate) const ORIGIN_BITS: u8 = 3;
/// Rows flagged so are in no repository that searches look into.
pub(crate) const UNSEARCHED: u8 = 16;

/// Longest name, bytes; a package of a longer one is skipped.
const MAX_NAME: usize = 1024;
/// Longest description or version kept, bytes.
const MAX_STRING: usize = 4096;
/// Most warnings that are kept; the rest are counted.
const MAX_WARNINGS: usize = 1000;

/// What was built.
#[derive(Debug, Default)]
pub struct Built {
    /// The checksummed image for [`Index::open`](crate::Index::open). Equal input gives equal bytes.
    pub image: Vec<u8>,
    /// Compressed blocks of raw records, for [`unpack`](crate::unpack).
    pub records: Vec<Vec<u8>>,
    /// What was skipped or cut, with file and line where the catalogue gave them.
    pub warnings: Vec<String>,
}

/// One package as it came in; texts and lists are ranges of the builder's arenas.
pub(crate) struct Draft {
    pub(crate) name: u32,
    pub(crate) architecture: u32,
    pub(crate) section: u32,
    pub(crate) description_at: u32,
    pub(crate) description_len: u16,
    pub(crate) priority: u8,
    pub(crate) flags: u8,
    pub(crate) candidate: u32,
    pub(crate) download_size: u64,
    pub(crate) installed_size: u64,
    pub(crate) offers: (u32, u32),
    pub(crate) relations: (u32, u32),
    pub(crate) provides: (u32, u32),
    pub(crate) facts: u32,
}

/// Collects a catalogue. It is a [`Sink`], so a backend can stream straight into it.
pub struct Builder {
    pub(crate) names: Interner,
    pub(crate) architectures: Interner,
    pub(crate) sections: Interner,
    pub(crate) strings: String,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) offers: Vec<OfferRecord>,
    pub(crate) relations: Vec<u32>,
    pub(crate) provides: Vec<u32>,
    pub(crate) facts: Vec<FactsRecord>,
    pub(crate) repositories: Vec<RepositoryRecord>,
    packer: Packer,
    warnings: Vec<String>,
    unsaid: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// An empty catalogue.
    pub fn new() -> Self {
        Self {
            names: Interner::with_capacity(1024),
            architectures: Interner::with_capacity(8),
            sections: Interner::with_capacity(64),
            strings: String::new(),
            drafts: Vec::new(),
            offers: Vec::new(),
            relations: Vec::new(),
            provides: Vec::new(),
            facts: Vec::new(),
            repositories: Vec::new(),
            packer: Packer::new(),
            warnings: Vec::new(),
            unsaid: 0,
        }
    }

    /// Builds the image and waits for the last block of records.
    pub fn finish(mut self) -> Result<Built, Error> {
        let packer = std::mem::replace(&mut self.packer, Packer::idle());
        let packing = packer.close()?;
        let mut warnings = std::mem::take(&mut self.warnings);
        if self.unsaid > 0 {
            warnings.push(format!("{} more warnings", self.unsaid));
        }
        let image = assemble::image(self, &mut warnings)?;
        Ok(Built { image, records: packing.collect()?, warnings })
    }

    fn keep(&mut self, text: &str) -> Result<(u32, u16), Error> {
        let text = memchr::memchr(b'\n', text.as_bytes())
            .map_or(text, |end| text.get(..end).unwrap_or(""));
        let mut end = text.len().min(MAX_STRING);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let at = u32::try_from(self.strings.len()).map_err(|_| Error::TooLarge { what: "text" })?;
        self.strings.push_str(text.get(..end).unwrap_or(""));
        Ok((at, end as u16))
    }

    fn offer(&mut self, package: &Available<'_>) -> Result<(u32, u32), Error> {
        let start = self.offers.len() as u32;
        for offer in package.versions {
            let (version_at, version_len) = self.keep(offer.version)?;
            let (place, cut) = self.packer.add(offer.record)?;
            if cut {
                self.warning(format!(
                    "{}: record of version {} is cut",
                    package.name, offer.version
                ));
            }
            if offer.repository.0 as usize >= self.repositories.len() {
                return Err(Error::Invariant { table: "offers: unknown repository" });
            }
            self.offers.push(OfferRecord {
                version_at,
                version_len,
                repository: offer.repository.0,
                priority: offer.priority,
                block: place.block,
                offset: place.offset,
                length: place.length,
            });
        }
        Ok((start, self.offers.len() as u32))
    }

    fn names_of(&mut self, package: &Available<'_>) -> ((u32, u32), (u32, u32)) {
        let relations = self.relations.len() as u32;
        for relation in package.relations.iter().filter(|relation| relation.name.len() <= MAX_NAME)
        {
            let name = self.names.intern(relation.name);
            self.relations.push((relation.kind as u32) << 29 | name & NAME_BITS);
        }
        let provides = self.provides.len() as u32;
        for name in package.provides.iter().filter(|name| name.len() <= MAX_NAME) {
            let name = self.names.intern(name);
            self.provides.push(name);
        }
        ((relations, self.relations.len() as u32), (provides, self.provides.len() as u32))
    }

    /// The number of what the AUR knows of it.
    fn facts_of(&mut self, package: &Available<'_>) -> Result<u32, Error> {
        let Some(facts) = &package.aur else { return Ok(NONE) };
        let record = FactsRecord::new(package.name, facts, |text| self.keep(text))?;
        self.facts.push(record);
        Ok(self.facts.len() as u32 - 1)
    }

    /// Where its first version is from, as in [`RepositoryRecord::source`].
    fn origin(&self, package: &Available<'_>) -> u8 {
        let first = package.versions.get(package.candidate.unwrap_or(0)).map(|it| it.repository.0);
        first
            .and_then(|at| self.repositories.get(at as usize))
            .map_or(0, |it| it.source & ORIGIN_BITS)
    }

    /// Is one of its repositories searched?
    fn is_searched(&self, package: &Available<'_>) -> bool {
        package.versions.iter().any(|offer| {
            let repository = self.repositories.get(offer.repository.0 as usize);
            repository.is_some_and(|repository| repository.searched)
        })
    }

    fn add(&mut self, package: &Available<'_>) -> Result<(), Error> {
        if package.name.is_empty() || package.name.len() > MAX_NAME || package.versions.is_empty() {
            self.warning(format!(
                "package '{}' is skipped",
                package.name.chars().take(80).collect::<String>()
            ));
            return Ok(());
        }
        // Far above any archive; below it no table can outgrow its 32-bit (or 29-bit) numbers.
        if self.names.len() >= NAME_BITS as usize / 2
            || self.names.bytes() >= u32::MAX as usize / 2
            || self.relations.len().max(self.provides.len()) >= u32::MAX as usize / 2
        {
            return Err(Error::TooLarge { what: "packages" });
        }
        let name = self.names.intern(package.name);
        let architecture = self.architectures.intern(package.architecture);
        let section = self.sections.intern(package.section);
        if self.architectures.len().max(self.sections.len()) > u16::MAX as usize {
            return Err(Error::TooLarge { what: "sections or architectures" });
        }
        let (description_at, description_len) = self.keep(package.description)?;
        let offers = self.offer(package)?;
        let (relations, provides) = self.names_of(package);
        let candidate = package
            .candidate
            .filter(|&at| at < package.versions.len())
            .map_or(NONE, |at| at as u32);
        let facts = self.facts_of(package)?;
        let origin = self.origin(package);
        self.drafts.push(Draft {
            name,
            architecture,
            section,
            description_at,
            description_len,
            priority: package.priority as u8,
            flags: if package.task { TASK } else { 0 }
                | if package.essential { ESSENTIAL } else { 0 }
                | origin << ORIGIN
                | if self.is_searched(package) { 0 } else { UNSEARCHED },
            candidate,
            download_size: package.download_size,
            installed_size: package.installed_size,
            offers,
            relations,
            provides,
            facts,
        });
        Ok(())
    }
}

/// The part of a relation or dependent that is not its kind.
pub(crate) const NAME_BITS: u32 = (1 << 29) - 1;

impl Sink for Builder {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        let id = u16::try_from(self.repositories.len())
            .map_err(|_| Error::TooLarge { what: "repositories" })?;
        self.repositories.push(RepositoryRecord {
            name: repository.name.clone(),
            uri: repository.uri.clone(),
            source: match repository.source {
                Source::Apt => 0,
                Source::Alpm => 1,
                Source::Aur => 2,
                Source::Runtime => 3,
            },
            security: repository.security,
            searched: repository.searched,
        });
        Ok(RepositoryId(id))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        self.add(package).map_err(Fault::from)
    }

    fn warning(&mut self, message: String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(message);
        } else {
            self.unsaid += 1;
        }
    }
}
