//! The image: one checksummed byte vector that holds the whole index, read in place.
//!
//! Layout: magic (8 bytes), format (`u32`), length of the payload (`u64`), BLAKE3 of all that but
//! the hash itself (32 bytes), then an rkyv archive of [`Image`] with its root at the end. Integers
//! are little-endian and need no alignment. `docs/formats.md` describes each table.
#![expect(
    unsafe_code,
    reason = "an archive that was checked once is not checked again on each access"
)]

use rkyv::{Archive, Serialize, rancor};

use crate::Error;
use crate::facts::FactsRecord;

/// Written by [`seal`]; a reader of another format rebuilds the index from its source.
const FORMAT: u32 = 3;
const MAGIC: [u8; 8] = *b"OMGINDEX";
const PREFIX: usize = 8 + 4 + 8;
const HEADER: usize = PREFIX + 32;

/// No candidate: every version is pinned away.
pub(crate) const NONE: u32 = u32::MAX;

/// A name: of a package, of something provided, or only of something asked for.
#[derive(Archive, Serialize, Clone, Copy)]
pub(crate) struct NameRecord {
    /// First byte in [`Image::names`].
    pub(crate) at: u32,
    pub(crate) len: u16,
    /// The entry of this name, or [`NONE`].
    pub(crate) entry: u32,
}

/// One package of one architecture.
#[derive(Archive, Serialize, Clone, Copy)]
pub(crate) struct RowRecord {
    /// Number of its name.
    pub(crate) name: u32,
    /// First byte of the description in [`Image::strings`].
    pub(crate) description_at: u32,
    pub(crate) description_len: u16,
    /// Index into [`Image::architectures`].
    pub(crate) architecture: u16,
    /// Index into [`Image::sections`].
    pub(crate) section: u16,
    /// 0 (required) to 4 (extra).
    pub(crate) priority: u8,
    /// See [`crate::builder`]: task, essential, kind of origin, unsearched.
    pub(crate) flags: u8,
    /// Index among the row's offers, or [`NONE`].
    pub(crate) candidate: u32,
    pub(crate) download_size: u64,
    pub(crate) installed_size: u64,
    /// Index into [`Image::facts`], or [`NONE`].
    pub(crate) facts: u32,
}

/// One version in one repository.
#[derive(Archive, Serialize, Clone, Copy)]
pub(crate) struct OfferRecord {
    /// First byte of the version in [`Image::strings`].
    pub(crate) version_at: u32,
    pub(crate) version_len: u16,
    /// Index into [`Image::repositories`].
    pub(crate) repository: u16,
    pub(crate) priority: i32,
    pub(crate) block: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

/// Where packages come from.
#[derive(Archive, Serialize, Clone)]
pub(crate) struct RepositoryRecord {
    pub(crate) name: String,
    pub(crate) uri: String,
    /// 0 apt, 1 alpm, 2 aur, 3 runtime.
    pub(crate) source: u8,
    pub(crate) security: bool,
    pub(crate) searched: bool,
}

/// The part of a folded name that is not a marker like `python3-` or `-dev`.
#[derive(Archive, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Core {
    pub(crate) at: u8,
    pub(crate) len: u8,
}

/// A package that provides a name.
#[derive(Archive, Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProvideRecord {
    pub(crate) name: u32,
    pub(crate) row: u32,
}

/// Everything. Tables that end in `_at` hold one more number than the things they divide: item `i`
/// owns `table[i]..table[i + 1]` of the table or arena named beside them.
#[derive(Archive, Serialize, Default)]
pub(crate) struct Image {
    /// Bytes of every name, in the order of `name_records`.
    pub(crate) names: String,
    /// Sorted by the name's bytes.
    pub(crate) name_records: Vec<NameRecord>,
    /// Descriptions and versions.
    pub(crate) strings: String,
    pub(crate) architectures: Vec<String>,
    pub(crate) sections: Vec<String>,
    pub(crate) repositories: Vec<RepositoryRecord>,
    /// Sorted by folded name, name, kind of origin, then architecture with the commonest first.
    pub(crate) rows: Vec<RowRecord>,
    /// Of rows that the AUR offers.
    pub(crate) facts: Vec<FactsRecord>,
    /// Row → `offers`.
    pub(crate) offer_at: Vec<u32>,
    /// Newest first in each row.
    pub(crate) offers: Vec<OfferRecord>,
    /// Row → `relations`.
    pub(crate) relation_at: Vec<u32>,
    /// Kind in the upper 3 bits, name below; in the record's order.
    pub(crate) relations: Vec<u32>,
    /// Name → `dependents`.
    pub(crate) dependent_at: Vec<u32>,
    /// Kind in the upper 3 bits, row below; sorted by row.
    pub(crate) dependents: Vec<u32>,
    /// Sorted by name, then row.
    pub(crate) provides: Vec<ProvideRecord>,
    /// Entry → `rows`. An entry is every row of one name.
    pub(crate) entry_at: Vec<u32>,
    /// Entry → bytes of `folded_names`, each followed by a newline.
    pub(crate) folded_name_at: Vec<u32>,
    pub(crate) folded_names: String,
    /// Entry → bytes of `folded_descriptions`, each followed by a newline.
    pub(crate) folded_description_at: Vec<u32>,
    pub(crate) folded_descriptions: String,
    /// Entry → characters of its folded name.
    pub(crate) masks: Vec<u64>,
    /// Entry → what the archive itself says of its popularity.
    pub(crate) ranks: Vec<u16>,
    /// Entry → [`crate::classify::Kind`].
    pub(crate) kinds: Vec<u8>,
    /// Entry → what of its folded name is no marker.
    pub(crate) cores: Vec<Core>,
    /// Distinct words of folded names, sorted → bytes of `words`. Numbers and single letters are left out.
    pub(crate) word_at: Vec<u32>,
    /// Each followed by a newline.
    pub(crate) words: String,
    /// Word → its characters.
    pub(crate) word_masks: Vec<u64>,
    /// Word → `posting`.
    pub(crate) posting_at: Vec<u32>,
    /// Entries whose name has the word, in order.
    pub(crate) postings: Vec<u32>,
    /// Provided names that have no entry of their own → bytes of `virtual_names`.
    pub(crate) virtual_at: Vec<u32>,
    /// Folded, each followed by a newline.
    pub(crate) virtual_names: String,
    /// The same names' numbers in `name_records`.
    pub(crate) virtual_ids: Vec<u32>,
}

/// Writes the image with its header.
pub(crate) fn seal(image: &Image, capacity: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(capacity);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&[0; 8 + 32]);
    let mut bytes = rkyv::api::high::to_bytes_in::<_, rancor::Error>(image, bytes)?;
    let length = (bytes.len() - HEADER) as u64;
    if let Some(place) = bytes.get_mut(PREFIX - 8..PREFIX) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    let sum = checksum(&bytes);
    if let Some(place) = bytes.get_mut(PREFIX..HEADER) {
        place.copy_from_slice(sum.as_bytes());
    }
    Ok(bytes)
}

fn checksum(bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(bytes.get(..PREFIX).unwrap_or(&[]));
    hasher.update(bytes.get(HEADER..).unwrap_or(&[]));
    hasher.finalize()
}

/// An image whose checksum and archive structure hold.
pub(crate) struct Checked(Vec<u8>);

impl Checked {
    /// Checks header, checksum and archive; not yet the numbers inside the tables.
    pub(crate) fn open(bytes: Vec<u8>) -> Result<Self, Error> {
        let format = Error::Format { expected: FORMAT };
        if bytes.len() < HEADER || !bytes.starts_with(&MAGIC) {
            return Err(format);
        }
        if bytes.get(8..12) != Some(&FORMAT.to_le_bytes()) {
            return Err(format);
        }
        let stated = bytes
            .get(12..)
            .and_then(|rest| rest.first_chunk::<8>())
            .map_or(0, |n| u64::from_le_bytes(*n));
        let found = (bytes.len() - HEADER) as u64;
        if stated != found {
            return Err(Error::Length { stated, found });
        }
        if bytes.get(PREFIX..HEADER) != Some(checksum(&bytes).as_bytes()) {
            return Err(Error::Checksum { what: "index image" });
        }
        rkyv::access::<ArchivedImage, rancor::Error>(bytes.get(HEADER..).unwrap_or(&[]))?;
        Ok(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn image(&self) -> &ArchivedImage {
        let payload = self.0.get(HEADER..).unwrap_or(&[]);
        // SAFETY: `open` is the only way to make a `Checked`; there `rkyv::access` accepted exactly
        // these bytes as an `ArchivedImage`. The vector is private, never handed out mutably and
        // never changed afterwards, so they are still the bytes that were checked.
        unsafe { rkyv::access_unchecked::<ArchivedImage>(payload) }
    }
}

/// An image around any payload, with a header and checksum that fit, for the fuzz target.
#[cfg(fuzzing)]
pub fn reseal(payload: &[u8]) -> Vec<u8> {
    let mut bytes =
        [MAGIC.as_slice(), &FORMAT.to_le_bytes(), &(payload.len() as u64).to_le_bytes(), &[0; 32]]
            .concat();
    bytes.extend_from_slice(payload);
    let sum = checksum(&bytes);
    bytes[PREFIX..HEADER].copy_from_slice(sum.as_bytes());
    bytes
}

/// Replaces the payload of an image and makes header and checksum fit: what a forger would do.
#[cfg(test)]
pub(crate) fn forge(image: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = image.to_vec();
    change(&mut bytes[HEADER..]);
    let sum = checksum(&bytes);
    bytes[PREFIX..HEADER].copy_from_slice(sum.as_bytes());
    bytes
}

/// Bytes before the payload.
#[cfg(test)]
pub(crate) const PAYLOAD: usize = HEADER;
