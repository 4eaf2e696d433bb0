//! What the AUR knows of a package beyond what repositories do: one record for each of its rows.

use omg_core::AurFacts;
use rkyv::{Archive, Serialize};

use crate::image::ArchivedImage;

/// No maintainer.
const NOBODY: u16 = u16::MAX;

/// Facts of one row. Texts lie in [`crate::image::Image::strings`].
#[derive(Archive, Serialize, Clone, Copy)]
pub(crate) struct FactsRecord {
    /// Length 0 if the base is called like the package.
    pub(crate) base_at: u32,
    pub(crate) base_len: u16,
    /// [`NOBODY`] for an orphaned recipe.
    pub(crate) maintainer_len: u16,
    pub(crate) maintainer_at: u32,
    pub(crate) votes: u32,
    pub(crate) popularity: u32,
    pub(crate) first_submitted: u64,
    pub(crate) last_modified: u64,
    /// 0 if it is not.
    pub(crate) out_of_date: u64,
}

impl FactsRecord {
    /// Lays facts out; `keep` stores a text and says where.
    pub(crate) fn new<E>(
        name: &str,
        facts: &AurFacts<'_>,
        mut keep: impl FnMut(&str) -> Result<(u32, u16), E>,
    ) -> Result<Self, E> {
        let base = if facts.package_base == name { "" } else { facts.package_base };
        let (base_at, base_len) = keep(base)?;
        let (maintainer_at, maintainer_len) = match facts.maintainer {
            Some(maintainer) => keep(maintainer)?,
            None => (0, NOBODY),
        };
        Ok(Self {
            base_at,
            base_len,
            maintainer_len,
            maintainer_at,
            votes: facts.votes,
            popularity: facts.popularity,
            first_submitted: facts.first_submitted,
            last_modified: facts.last_modified,
            out_of_date: facts.out_of_date.unwrap_or(0),
        })
    }
}

/// The facts of this number, of the package called `name`.
pub(crate) fn read<'a>(
    image: &'a ArchivedImage,
    number: u32,
    name: &'a str,
) -> Option<AurFacts<'a>> {
    let record = image.facts.get(number as usize)?;
    let text = |at: u32, len: u16| image.strings.get(at as usize..at as usize + len as usize);
    let base = text(record.base_at.to_native(), record.base_len.to_native())?;
    let maintainer = match record.maintainer_len.to_native() {
        NOBODY => None,
        len => Some(text(record.maintainer_at.to_native(), len)?),
    };
    Some(AurFacts {
        package_base: if base.is_empty() { name } else { base },
        maintainer,
        votes: record.votes.to_native(),
        popularity: record.popularity.to_native(),
        first_submitted: record.first_submitted.to_native(),
        last_modified: record.last_modified.to_native(),
        out_of_date: Some(record.out_of_date.to_native()).filter(|&time| time != 0),
    })
}

/// Do all records point to text?
pub(crate) fn hold(image: &ArchivedImage) -> bool {
    let text = |at: u32, len: u16| {
        let end = (at as usize).checked_add(len as usize);
        end.is_some_and(|end| image.strings.get(at as usize..end).is_some())
    };
    image.facts.iter().all(|record| {
        let maintainer = record.maintainer_len.to_native();
        text(record.base_at.to_native(), record.base_len.to_native())
            && (maintainer == NOBODY || text(record.maintainer_at.to_native(), maintainer))
    })
}
