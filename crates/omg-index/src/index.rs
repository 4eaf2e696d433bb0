//! Looking things up in an image.

use omg_core::{AurFacts, Priority, RelationKind, Source};

use crate::builder::{NAME_BITS, ORIGIN, ORIGIN_BITS, UNSEARCHED};
use crate::image::{ArchivedImage, ArchivedOfferRecord, Checked, NONE};
use crate::records::RecordRef;
use crate::search::Tables;
use crate::{Error, assemble, facts, validate};

/// Number of a row: one package of one architecture. Rows are in the order of their names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RowId(pub u32);

/// A package as lists show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row<'a> {
    /// Name.
    pub name: &'a str,
    /// Architecture.
    pub architecture: &'a str,
    /// One line.
    pub description: &'a str,
    /// Section; may be empty.
    pub section: &'a str,
    /// Version of the candidate, else the newest.
    pub version: &'a str,
    /// Repository of that version.
    pub repository: &'a str,
    /// Does that repository carry security fixes?
    pub security: bool,
    /// Priority.
    pub priority: Priority,
    /// Kind of origin.
    pub source: Source,
    /// Bytes to download.
    pub download_size: u64,
    /// Bytes on disk.
    pub installed_size: u64,
    /// Which of [`Index::offers`] a fresh install takes.
    pub candidate: Option<usize>,
    /// What the AUR knows of it, if that is where it comes from.
    pub aur: Option<AurFacts<'a>>,
}

/// One version in one repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexedOffer<'a> {
    /// Version.
    pub version: &'a str,
    /// Repository's name.
    pub repository: &'a str,
    /// Does the repository carry security fixes?
    pub security: bool,
    /// Pin priority.
    pub priority: i32,
    /// Where the raw record is.
    pub record: RecordRef,
}

/// An image that was checked, with a few small tables derived from it. Any number of threads may
/// read it at once.
pub struct Index {
    checked: Checked,
    pub(crate) tables: Tables,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("rows", &self.len()).field("bytes", &self.bytes()).finish()
    }
}

impl Index {
    /// Checks an image: its checksum, its structure, then every number in it.
    ///
    /// # Errors
    /// Anything but the bytes that [`Builder::finish`](crate::Builder::finish) gave is refused.
    pub fn open(image: Vec<u8>) -> Result<Self, Error> {
        let checked = Checked::open(image)?;
        validate::check(checked.image())?;
        let tables = Tables::new(checked.image());
        Ok(Self { checked, tables })
    }

    pub(crate) fn image(&self) -> &ArchivedImage {
        self.checked.image()
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.image().rows.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the index takes in memory.
    pub fn bytes(&self) -> usize {
        self.checked.bytes() + self.tables.bytes()
    }

    /// One row; `None` beyond the last.
    pub fn row(&self, id: RowId) -> Option<Row<'_>> {
        let image = self.image();
        let row = image.rows.get(id.0 as usize)?;
        let candidate =
            Some(row.candidate.to_native()).filter(|&at| at != NONE).map(|at| at as usize);
        let offer = self.offer_records(id).get(candidate.unwrap_or(0))?;
        let repository = image.repositories.get(offer.repository.to_native() as usize)?;
        let at = row.description_at.to_native() as usize;
        let name = self.name(row.name.to_native());
        Some(Row {
            name,
            architecture: image.architectures.get(row.architecture.to_native() as usize)?,
            description: image.strings.get(at..at + row.description_len.to_native() as usize)?,
            section: image.sections.get(row.section.to_native() as usize)?,
            version: self.offered(offer).version,
            repository: &repository.name,
            security: repository.security,
            priority: assemble::priority_of(row.priority),
            source: match repository.source {
                0 => Source::Apt,
                1 => Source::Alpm,
                2 => Source::Aur,
                _ => Source::Runtime,
            },
            download_size: row.download_size.to_native(),
            installed_size: row.installed_size.to_native(),
            candidate,
            aur: facts::read(image, row.facts.to_native(), name),
        })
    }

    /// Every version of a row, newest first. Empty beyond the last row.
    pub fn offers(&self, id: RowId) -> impl ExactSizeIterator<Item = IndexedOffer<'_>> {
        self.offer_records(id).iter().map(|offer| self.offered(offer))
    }

    /// Rows of exactly this name, one for each architecture.
    pub fn find(&self, name: &str) -> impl Iterator<Item = RowId> + use<> {
        let entry = self.name_id(name).and_then(|id| self.entry_of(id));
        let (start, end) = entry.map_or((0, 0), |entry| self.entry_rows(entry));
        (start..end).map(RowId)
    }

    /// Rows that provide this name, besides those that have it.
    pub fn providers(&self, name: &str) -> impl Iterator<Item = RowId> + use<'_> {
        self.providers_of(self.name_id(name).unwrap_or(NONE))
    }

    /// Rows that provide the name of this number.
    pub(crate) fn providers_of(&self, id: u32) -> impl Iterator<Item = RowId> + use<'_> {
        let provides = self.image().provides.as_slice();
        let start = provides.partition_point(|it| it.name.to_native() < id);
        let rest = provides.get(start..).unwrap_or(&[]);
        rest.iter()
            .take_while(move |it| it.name.to_native() == id)
            .map(|it| RowId(it.row.to_native()))
    }

    /// Rows with a relation to this name, in row order. A row may come more than once.
    pub fn dependents(&self, name: &str) -> impl Iterator<Item = (RowId, RelationKind)> + use<'_> {
        let image = self.image();
        let found = self.name_id(name).and_then(|id| {
            let start = image.dependent_at.get(id as usize)?.to_native() as usize;
            let end = image.dependent_at.get(id as usize + 1)?.to_native() as usize;
            image.dependents.get(start..end)
        });
        found
            .unwrap_or(&[])
            .iter()
            .map(|it| (RowId(it.to_native() & NAME_BITS), kind(it.to_native())))
    }

    /// Relations of a row's candidate, in the record's order.
    pub fn relations(&self, id: RowId) -> impl Iterator<Item = (RelationKind, &str)> {
        let image = self.image();
        let row = id.0 as usize;
        let start = image.relation_at.get(row).map_or(0, |at| at.to_native() as usize);
        let end = row
            .checked_add(1)
            .and_then(|next| image.relation_at.get(next))
            .map_or(start, |at| at.to_native() as usize);
        let found = image.relations.get(start..end).unwrap_or(&[]);
        found.iter().map(|it| (kind(it.to_native()), self.name(it.to_native() & NAME_BITS)))
    }

    fn offer_records(&self, id: RowId) -> &[ArchivedOfferRecord] {
        let image = self.image();
        let row = id.0 as usize;
        let start = image.offer_at.get(row).map_or(0, |at| at.to_native() as usize);
        let end = row
            .checked_add(1)
            .and_then(|next| image.offer_at.get(next))
            .map_or(start, |at| at.to_native() as usize);
        image.offers.get(start..end).unwrap_or(&[])
    }

    fn offered(&self, offer: &ArchivedOfferRecord) -> IndexedOffer<'_> {
        let image = self.image();
        let at = offer.version_at.to_native() as usize;
        let repository = image.repositories.get(offer.repository.to_native() as usize);
        IndexedOffer {
            version: image
                .strings
                .get(at..at + offer.version_len.to_native() as usize)
                .unwrap_or(""),
            repository: repository.map_or("", |it| it.name.as_str()),
            security: repository.is_some_and(|it| it.security),
            priority: offer.priority.to_native(),
            record: RecordRef {
                block: offer.block.to_native(),
                offset: offer.offset.to_native(),
                length: offer.length.to_native(),
            },
        }
    }

    /// Text of a name; empty for a number that is none.
    pub(crate) fn name(&self, id: u32) -> &str {
        let image = self.image();
        let Some(record) = image.name_records.get(id as usize) else { return "" };
        let at = record.at.to_native() as usize;
        image.names.get(at..at + record.len.to_native() as usize).unwrap_or("")
    }

    pub(crate) fn name_id(&self, name: &str) -> Option<u32> {
        let records = self.image().name_records.as_slice();
        let names = self.image().names.as_bytes();
        let found = records.binary_search_by(|record| {
            let at = record.at.to_native() as usize;
            names.get(at..at + record.len.to_native() as usize).unwrap_or(&[]).cmp(name.as_bytes())
        });
        found.ok().map(|at| at as u32)
    }

    pub(crate) fn entry_of(&self, name: u32) -> Option<u32> {
        let entry = self.image().name_records.get(name as usize)?.entry.to_native();
        (entry != NONE).then_some(entry)
    }

    /// The entry that a row belongs to.
    pub(crate) fn row_entry(&self, row: RowId) -> Option<u32> {
        self.entry_of(self.image().rows.get(row.0 as usize)?.name.to_native())
    }

    /// Where a row is from: equal numbers mean equal kinds of origin.
    pub(crate) fn origin(&self, row: RowId) -> u8 {
        self.image().rows.get(row.0 as usize).map_or(0, |row| row.flags >> ORIGIN & ORIGIN_BITS)
    }

    /// Is the row in a repository that searches look into?
    pub(crate) fn is_searched(&self, row: RowId) -> bool {
        self.image().rows.get(row.0 as usize).is_some_and(|row| row.flags & UNSEARCHED == 0)
    }

    /// First row and one past the last row of an entry.
    pub(crate) fn entry_rows(&self, entry: u32) -> (u32, u32) {
        let bounds = &self.image().entry_at;
        let start = bounds.get(entry as usize).map_or(0, |at| at.to_native());
        (start, bounds.get(entry as usize + 1).map_or(start, |at| at.to_native()))
    }
}

fn kind(tagged: u32) -> RelationKind {
    match tagged >> 29 {
        0 => RelationKind::PreDepends,
        1 => RelationKind::Depends,
        2 => RelationKind::Recommends,
        3 => RelationKind::Suggests,
        _ => RelationKind::Enhances,
    }
}
