//! Checks, once, every number that later reads rely on.

use rkyv::Archived;
use rkyv::string::ArchivedString;
use rkyv::vec::ArchivedVec;

use crate::builder::NAME_BITS;
use crate::classify::Kind;
use crate::image::{ArchivedImage, NONE};
use crate::{Error, facts};

type Numbers = ArchivedVec<Archived<u32>>;

/// Checks every table of an image whose checksum and archive structure hold.
pub(crate) fn check(image: &ArchivedImage) -> Result<(), Error> {
    names(image)?;
    rows(image)?;
    graph(image)?;
    entries(image)
}

fn ensure(holds: bool, table: &'static str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Invariant { table }) }
}

fn is_text(arena: &ArchivedString, start: usize, len: usize) -> bool {
    start.checked_add(len).is_some_and(|end| arena.as_str().get(start..end).is_some())
}

/// `bounds` divides `total` things among `items`, in order and without a gap.
fn divides(bounds: &Numbers, items: usize, total: usize, each_has_some: bool) -> bool {
    let first = bounds.first().map(|first| first.to_native() as usize);
    let last = bounds.last().map(|last| last.to_native() as usize);
    bounds.len() == items + 1
        && first == Some(0)
        && last == Some(total)
        && bounds.as_slice().is_sorted_by(|a, b| {
            let (a, b) = (a.to_native(), b.to_native());
            if each_has_some { a < b } else { a <= b }
        })
}

/// Each piece is text that ends with its only newline.
fn lines(bounds: &Numbers, arena: &ArchivedString, items: usize) -> bool {
    let text = arena.as_str();
    divides(bounds, items, text.len(), true)
        && memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1).eq(bounds
            .as_slice()
            .iter()
            .skip(1)
            .map(|end| end.to_native() as usize))
}

fn names(image: &ArchivedImage) -> Result<(), Error> {
    let entries = image.kinds.len();
    let holds = image.name_records.len() <= NAME_BITS as usize
        && image.name_records.iter().all(|record| {
            let entry = record.entry.to_native();
            is_text(&image.names, record.at.to_native() as usize, record.len.to_native() as usize)
                && (entry == NONE || (entry as usize) < entries)
        });
    ensure(holds, "names")?;
    let text = image.names.as_str();
    let name = |record: &crate::image::ArchivedNameRecord| {
        let at = record.at.to_native() as usize;
        text.as_bytes().get(at..at + record.len.to_native() as usize)
    };
    ensure(image.name_records.as_slice().is_sorted_by(|a, b| name(a) < name(b)), "order of names")
}

fn rows(image: &ArchivedImage) -> Result<(), Error> {
    let rows = image.rows.len();
    ensure(rows <= NAME_BITS as usize, "rows")?;
    ensure(divides(&image.offer_at, rows, image.offers.len(), true), "offers of rows")?;
    let per_row = image.offer_at.as_slice().windows(2).map(|bounds| match bounds {
        [start, end] => end.to_native() - start.to_native(),
        _ => 0,
    });
    let holds = image.rows.iter().zip(per_row).all(|(row, offers)| {
        let candidate = row.candidate.to_native();
        (row.name.to_native() as usize) < image.name_records.len()
            && is_text(
                &image.strings,
                row.description_at.to_native() as usize,
                row.description_len.to_native() as usize,
            )
            && (row.architecture.to_native() as usize) < image.architectures.len()
            && (row.section.to_native() as usize) < image.sections.len()
            && row.priority <= 4
            && (candidate == NONE || candidate < offers)
            && (row.facts == NONE || (row.facts.to_native() as usize) < image.facts.len())
    });
    ensure(holds, "rows")?;
    ensure(facts::hold(image), "facts")?;
    let holds = image.offers.iter().all(|offer| {
        is_text(
            &image.strings,
            offer.version_at.to_native() as usize,
            offer.version_len.to_native() as usize,
        ) && (offer.repository.to_native() as usize) < image.repositories.len()
    });
    ensure(holds, "offers")?;
    ensure(image.repositories.iter().all(|repository| repository.source <= 3), "repositories")
}

fn graph(image: &ArchivedImage) -> Result<(), Error> {
    let (names, rows) = (image.name_records.len(), image.rows.len());
    let tagged = |table: &Numbers, limit: usize| {
        table.iter().all(|it| {
            let it = it.to_native();
            it >> 29 < 5 && ((it & NAME_BITS) as usize) < limit
        })
    };
    ensure(divides(&image.relation_at, rows, image.relations.len(), false), "relations of rows")?;
    ensure(tagged(&image.relations, names), "relations")?;
    ensure(
        divides(&image.dependent_at, names, image.dependents.len(), false),
        "dependents of names",
    )?;
    ensure(tagged(&image.dependents, rows), "dependents")?;
    let pair = |it: &crate::image::ArchivedProvideRecord| (it.name.to_native(), it.row.to_native());
    let holds = image.provides.iter().all(|it| {
        let (name, row) = pair(it);
        (name as usize) < names && (row as usize) < rows
    });
    ensure(holds && image.provides.as_slice().is_sorted_by(|a, b| pair(a) < pair(b)), "provides")
}

fn entries(image: &ArchivedImage) -> Result<(), Error> {
    let entries = image.kinds.len();
    ensure(divides(&image.entry_at, entries, image.rows.len(), true), "entries")?;
    ensure(lines(&image.folded_name_at, &image.folded_names, entries), "folded names")?;
    ensure(
        lines(&image.folded_description_at, &image.folded_descriptions, entries),
        "folded descriptions",
    )?;
    let columns = [image.masks.len(), image.ranks.len(), image.cores.len()];
    ensure(columns.iter().all(|&len| len == entries), "columns of entries")?;
    ensure(image.kinds.iter().all(|&kind| kind < Kind::COUNT), "kinds")?;
    ensure(
        lines(&image.virtual_at, &image.virtual_names, image.virtual_ids.len()),
        "virtual names",
    )?;
    let names = image.name_records.len();
    let words = image.word_masks.len();
    ensure(lines(&image.word_at, &image.words, words), "words")?;
    ensure(divides(&image.posting_at, words, image.postings.len(), true), "postings of words")?;
    ensure(image.postings.iter().all(|entry| (entry.to_native() as usize) < entries), "postings")?;
    ensure(image.virtual_ids.iter().all(|id| (id.to_native() as usize) < names), "virtual names")
}

#[cfg(test)]
mod tests {
    use omg_core::{
        AurFacts, Available, Offer, Priority, Relation, RelationKind, Repository, Sink, Source,
    };

    use crate::image::{PAYLOAD, forge};
    use crate::{Builder, Index, Marks, RowId};

    fn small() -> Vec<u8> {
        let mut builder = Builder::new();
        let repository = Repository {
            name: "a/main".into(),
            source: Source::Apt,
            security: true,
            searched: true,
            uri: "file:".into(),
        };
        let repository = builder.repository(&repository).unwrap();
        for (name, description) in
            [("café", "Un éditeur"), ("libab-dev", "ab files"), ("ab", "the ab editor")]
        {
            let versions =
                [Offer { version: "1:2-3", repository, priority: 500, record: "Package: x" }];
            let relations = [Relation { kind: RelationKind::Depends, name: "ab" }];
            builder
                .package(&Available {
                    name,
                    architecture: "amd64",
                    description,
                    section: "utils",
                    priority: Priority::Standard,
                    task: true,
                    essential: false,
                    download_size: 1,
                    installed_size: 2,
                    provides: &["ab-editor"],
                    relations: &relations,
                    versions: &versions,
                    candidate: Some(0),
                    aur: None,
                })
                .unwrap();
        }
        recipe(&mut builder);
        builder.finish().unwrap().image
    }

    /// A name that a repository has, too, and what the AUR knows of it.
    fn recipe(builder: &mut Builder) {
        let repository = Repository {
            name: "aur".into(),
            source: Source::Aur,
            security: false,
            searched: true,
            uri: "https://aur.invalid".into(),
        };
        let repository = builder.repository(&repository).unwrap();
        let facts = AurFacts {
            package_base: "ab-base",
            maintainer: Some("somebody"),
            votes: 7,
            popularity: 1,
            first_submitted: 2,
            last_modified: 3,
            out_of_date: Some(4),
        };
        builder
            .package(&Available {
                name: "ab",
                architecture: "",
                description: "ab, made here",
                section: "",
                priority: Priority::Optional,
                task: false,
                essential: false,
                download_size: 0,
                installed_size: 0,
                provides: &[],
                relations: &[],
                versions: &[Offer { version: "2-1", repository, priority: 0, record: "" }],
                candidate: Some(0),
                aur: Some(facts),
            })
            .unwrap();
    }

    /// Touches everything that can be asked for.
    fn ask_everything(index: &Index) {
        let marks = Marks::new(index.len());
        for row in (0..index.len() as u32 + 2).map(RowId) {
            index.row(row);
            index.offers(row).count();
            index.relations(row).count();
        }
        for name in ["ab", "café", "libab-dev", "ab-editor", "b", ""] {
            index.find(name).count();
            index.providers(name).count();
            index.dependents(name).count();
            for query in [name, "ab dev", "editro", "a e", "xabx"] {
                index.search(query, Some(3), &marks);
                index.suggest(query, 3);
            }
        }
    }

    #[test]
    fn a_changed_byte_is_refused() {
        let image = small();
        ask_everything(&Index::open(image.clone()).unwrap());
        for at in 0..image.len() {
            let mut changed = image.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(Index::open(changed).is_err(), "byte {at}");
        }
        for end in 0..image.len() {
            assert!(Index::open(image[..end].to_vec()).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_forged_image_is_refused_or_harmless() {
        let image = small();
        let mut accepted = 0;
        for at in 0..image.len() - PAYLOAD {
            for flip in [0x01, 0x80, 0xff] {
                if let Ok(index) = Index::open(forge(&image, |payload| payload[at] ^= flip)) {
                    accepted += 1;
                    ask_everything(&index);
                }
            }
        }
        assert!(accepted > 0, "some bytes are mere text");
    }
}
