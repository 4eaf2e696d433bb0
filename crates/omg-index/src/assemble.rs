//! Sorts what a [`Builder`] collected and lays it out as an image.

use omg_core::Priority;

use crate::builder::{Builder, Draft, ESSENTIAL, NAME_BITS, ORIGIN, ORIGIN_BITS, TASK};
use crate::classify::{self, Kind, Signals};
use crate::image::{self, Image, NONE, NameRecord, ProvideRecord, RowRecord};
use crate::intern::Interner;
use crate::{Error, text};

/// Lays out the image. Its bytes depend on nothing but the packages and their order.
pub(crate) fn image(builder: Builder, warnings: &mut Vec<String>) -> Result<Vec<u8>, Error> {
    let mut image = Image::default();
    let order = sort_rows(&builder, warnings);
    let number = names(&builder, &mut image);
    rows(&builder, &order, &number, &mut image);
    entries(&builder, &order, &number, &mut image);
    reverse(&builder, &order, &number, &mut image);
    words(&mut image);
    virtuals(&mut image);
    ranks(&builder, &order, &number, &mut image);
    image.architectures = strings(&builder.architectures);
    image.sections = strings(&builder.sections);
    image.repositories = builder.repositories;
    image.strings = builder.strings;
    image.facts = builder.facts;
    let arenas = image.names.len() + image.strings.len() + image.folded_names.len();
    let capacity = arenas
        + image.folded_descriptions.len()
        + image.rows.len() * 128
        + image.relations.len() * 8;
    image::seal(&image, capacity)
}

fn strings(interner: &Interner) -> Vec<String> {
    (0..interner.len() as u32).map(|id| interner.get(id).to_owned()).collect()
}

/// Numbers of drafts in the order of rows; a repeated name and architecture is left out.
fn sort_rows(builder: &Builder, warnings: &mut Vec<String>) -> Vec<u32> {
    let mut frequency = vec![0_u32; builder.architectures.len()];
    for draft in &builder.drafts {
        if let Some(count) = frequency.get_mut(draft.architecture as usize) {
            *count += 1;
        }
    }
    let commonness = |draft: &Draft| {
        (std::cmp::Reverse(frequency.get(draft.architecture as usize).copied()), draft.architecture)
    };
    let mut keyed: Vec<(String, u32)> = Vec::with_capacity(builder.drafts.len());
    for (at, draft) in builder.drafts.iter().enumerate() {
        keyed.push((text::fold(builder.names.get(draft.name)), at as u32));
    }
    let draft = |at: u32| builder.drafts.get(at as usize);
    keyed.sort_by(|(a, a_at), (b, b_at)| {
        a.cmp(b).then_with(|| match (draft(*a_at), draft(*b_at)) {
            (Some(a), Some(b)) => {
                let key = |draft: &Draft| (draft.flags >> ORIGIN & ORIGIN_BITS, commonness(draft));
                let names = builder.names.get(a.name).cmp(builder.names.get(b.name));
                names.then_with(|| (key(a), *a_at).cmp(&(key(b), *b_at)))
            }
            _ => a_at.cmp(b_at),
        })
    });
    let mut order: Vec<u32> = Vec::with_capacity(keyed.len());
    for (_, at) in keyed {
        let same =
            order.last().and_then(|&last| draft(last)).zip(draft(at)).filter(|(last, this)| {
                last.name == this.name && last.architecture == this.architecture
            });
        if let Some((_, this)) = same {
            warnings.push(format!(
                "package {} comes twice; the first is kept",
                builder.names.get(this.name)
            ));
        } else {
            order.push(at);
        }
    }
    order
}

/// Writes the sorted names and says which number each interned name got.
fn names(builder: &Builder, image: &mut Image) -> Vec<u32> {
    let count = builder.names.len() as u32;
    let sorted = sorted(&builder.names);
    let mut number = vec![0; count as usize];
    image.names.reserve_exact(builder.names.bytes());
    image.name_records.reserve_exact(count as usize);
    for (new, &old) in sorted.iter().enumerate() {
        let name = builder.names.get(old);
        image.name_records.push(NameRecord {
            at: image.names.len() as u32,
            len: name.len() as u16,
            entry: NONE,
        });
        image.names.push_str(name);
        if let Some(place) = number.get_mut(old as usize) {
            *place = new as u32;
        }
    }
    number
}

/// Numbers of interned strings in the order of their bytes.
fn sorted(interner: &Interner) -> Vec<u32> {
    let mut keyed: Vec<(u128, u32)> =
        (0..interner.len() as u32).map(|id| (head(interner.get(id)), id)).collect();
    keyed.sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| interner.get(a.1).cmp(interner.get(b.1)))
    });
    keyed.into_iter().map(|(_, id)| id).collect()
}

/// The first 16 bytes as a number that sorts as they do: most comparisons end there, without
/// looking a string up.
fn head(text: &str) -> u128 {
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    u128::from_be_bytes(bytes)
}

fn range<T>(all: &[T], (start, end): (u32, u32)) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or(&[])
}

fn rows(builder: &Builder, order: &[u32], number: &[u32], image: &mut Image) {
    let renumber = |old: u32| number.get(old as usize).copied().unwrap_or(0);
    image.rows.reserve_exact(order.len());
    image.offers.reserve_exact(builder.offers.len());
    image.relations.reserve_exact(builder.relations.len());
    for draft in order.iter().filter_map(|&at| builder.drafts.get(at as usize)) {
        image.offer_at.push(image.offers.len() as u32);
        image.relation_at.push(image.relations.len() as u32);
        image.offers.extend_from_slice(range(&builder.offers, draft.offers));
        let relations = range(&builder.relations, draft.relations);
        image
            .relations
            .extend(relations.iter().map(|&it| it & !NAME_BITS | renumber(it & NAME_BITS)));
        image.rows.push(RowRecord {
            name: renumber(draft.name),
            description_at: draft.description_at,
            description_len: draft.description_len,
            architecture: draft.architecture as u16,
            section: draft.section as u16,
            priority: draft.priority,
            flags: draft.flags,
            candidate: draft.candidate,
            download_size: draft.download_size,
            installed_size: draft.installed_size,
            facts: draft.facts,
        });
    }
    image.offer_at.push(image.offers.len() as u32);
    image.relation_at.push(image.relations.len() as u32);
}

/// Groups rows of one name and writes what search reads.
fn entries(builder: &Builder, order: &[u32], number: &[u32], image: &mut Image) {
    let outdated = classify::OUTDATED.map(memchr::memmem::Finder::new);
    let mut last = None;
    for (row, draft) in order.iter().filter_map(|&at| builder.drafts.get(at as usize)).enumerate() {
        if last == Some(draft.name) {
            continue;
        }
        last = Some(draft.name);
        let entry = image.entry_at.len() as u32;
        let new = number.get(draft.name as usize).copied().unwrap_or(0);
        if let Some(record) = image.name_records.get_mut(new as usize) {
            record.entry = entry;
        }
        image.entry_at.push(row as u32);
        let start = image.folded_names.len();
        image.folded_name_at.push(start as u32);
        text::fold_into(builder.names.get(draft.name), &mut image.folded_names);
        let folded = image.folded_names.get(start..).unwrap_or("");
        image.masks.push(text::mask(folded));
        image.cores.push(classify::core(folded));
        image.folded_names.push('\n');
        let start = image.folded_descriptions.len();
        image.folded_description_at.push(start as u32);
        let from = draft.description_at as usize;
        let description =
            builder.strings.get(from..from + draft.description_len as usize).unwrap_or("");
        text::fold_into(description, &mut image.folded_descriptions);
        image.folded_descriptions.push('\n');
        let section = builder.sections.get(draft.section);
        let folded = image.folded_descriptions.get(start..).unwrap_or("").as_bytes();
        let old = outdated.iter().any(|finder| finder.find(folded).is_some());
        image.kinds.push(Kind::of(builder.names.get(draft.name), section, old) as u8);
    }
    image.entry_at.push(order.len() as u32);
    image.folded_name_at.push(image.folded_names.len() as u32);
    image.folded_description_at.push(image.folded_descriptions.len() as u32);
}

/// Dependents by name, and who provides what.
fn reverse(builder: &Builder, order: &[u32], number: &[u32], image: &mut Image) {
    let relations = image.relation_at.windows(2).enumerate().flat_map(|(row, bounds)| {
        let own =
            if let &[start, end] = bounds { range(&image.relations, (start, end)) } else { &[] };
        own.iter().map(move |it| (it & NAME_BITS, it & !NAME_BITS | row as u32))
    });
    (image.dependent_at, image.dependents) = group(image.name_records.len(), relations);
    for (row, draft) in order.iter().filter_map(|&at| builder.drafts.get(at as usize)).enumerate() {
        for &old in range(&builder.provides, draft.provides) {
            let name = number.get(old as usize).copied().unwrap_or(0);
            image.provides.push(ProvideRecord { name, row: row as u32 });
        }
    }
    image.provides.sort_unstable();
    image.provides.dedup();
}

/// The vocabulary of names, for guessing at misspelt words.
fn words(image: &mut Image) {
    let mut interner = Interner::with_capacity(64 * 1024);
    let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(image.kinds.len() * 3);
    for (entry, name) in image.folded_names.lines().enumerate() {
        let own = pairs.len();
        for word in text::words(name).filter(|word| is_vocabulary(word)) {
            let pair = (interner.intern(word), entry as u32);
            if !range(&pairs, (own as u32, pairs.len() as u32)).contains(&pair) {
                pairs.push(pair);
            }
        }
    }
    let sorted = sorted(&interner);
    let mut number = vec![0_u32; sorted.len()];
    for (new, &old) in sorted.iter().enumerate() {
        let word = interner.get(old);
        image.word_at.push(image.words.len() as u32);
        image.words.push_str(word);
        image.words.push('\n');
        image.word_masks.push(text::mask(word));
        if let Some(place) = number.get_mut(old as usize) {
            *place = new as u32;
        }
    }
    image.word_at.push(image.words.len() as u32);
    let word_of =
        |&(old, entry): &(u32, u32)| (number.get(old as usize).copied().unwrap_or(0), entry);
    (image.posting_at, image.postings) = group(sorted.len(), pairs.iter().map(word_of));
}

/// Groups values by key, keeping their order: where each key's values begin, and the values.
fn group(keys: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> (Vec<u32>, Vec<u32>) {
    let mut at = vec![0_u32; keys + 1];
    let mut total = 0;
    for (key, _) in pairs.clone() {
        total += 1;
        if let Some(count) = at.get_mut(key as usize + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for count in &mut at {
        sum += *count;
        *count = sum;
    }
    let mut next = at.clone();
    let mut values = vec![0; total];
    for (key, value) in pairs {
        let Some(place) = next.get_mut(key as usize) else { continue };
        if let Some(slot) = values.get_mut(*place as usize) {
            *slot = value;
        }
        *place += 1;
    }
    (at, values)
}

/// Words that someone may misspell: longer than a letter, and no mere number.
fn is_vocabulary(word: &str) -> bool {
    word.len() > 1 && !word.starts_with(|c: char| c.is_ascii_digit())
}

/// Provided names without a package of their own, as search reads them. Left out are those that
/// begin like their providers, such as each version of a Rust crate: who finds the provider by its
/// name needs no second way, and they are nine in ten.
fn virtuals(image: &mut Image) {
    let name = |id: u32| {
        let record = image.name_records.get(id as usize);
        record
            .and_then(|it| image.names.get(it.at as usize..it.at as usize + it.len as usize))
            .unwrap_or("")
    };
    for group in image.provides.chunk_by(|a, b| a.name == b.name) {
        let Some(id) = group.first().map(|provide| provide.name) else { continue };
        let own = image.name_records.get(id as usize).is_some_and(|record| record.entry != NONE);
        let alike = |provide: &ProvideRecord| {
            let provider = image.rows.get(provide.row as usize).map_or("", |row| name(row.name));
            name(id).bytes().zip(provider.bytes()).take_while(|(a, b)| a == b).count() >= ALIKE
        };
        if own || group.iter().all(alike) {
            continue;
        }
        image.virtual_at.push(image.virtual_names.len() as u32);
        image.virtual_ids.push(id);
        text::fold_into(name(id), &mut image.virtual_names);
        image.virtual_names.push('\n');
    }
    image.virtual_at.push(image.virtual_names.len() as u32);
}

/// Names with this many equal bytes at their beginning begin alike.
const ALIKE: usize = 8;

fn ranks(builder: &Builder, order: &[u32], number: &[u32], image: &mut Image) {
    let count = |name: u32| {
        let start = image.dependent_at.get(name as usize).copied().unwrap_or(0);
        let end = image.dependent_at.get(name as usize + 1).copied().unwrap_or(start);
        let curated = range(&image.dependents, (start, end)).iter().filter(|&&it| {
            let row = image.rows.get((it & NAME_BITS) as usize);
            row.is_some_and(|row| {
                classify::is_curated(builder.sections.get(u32::from(row.section)))
            })
        });
        end - start + 3 * curated.count() as u32
    };
    let folded = |entry: usize| {
        let start = image.folded_name_at.get(entry).copied().unwrap_or(0);
        let end = image.folded_name_at.get(entry + 1).copied().unwrap_or(start);
        image.folded_names.get(start as usize..(end as usize).saturating_sub(1)).unwrap_or("")
    };
    let is_package = |name: &str| {
        let new = builder.names.find(name).and_then(|old| number.get(old as usize));
        new.and_then(|&new| image.name_records.get(new as usize))
            .is_some_and(|record| record.entry != NONE)
    };
    let mut ranks = Vec::with_capacity(image.kinds.len());
    for (entry, bounds) in image.entry_at.windows(2).enumerate() {
        let &[first, end] = bounds else { continue };
        let drafts = order.get(first as usize..end as usize).unwrap_or(&[]);
        let drafts = || drafts.iter().filter_map(|&at| builder.drafts.get(at as usize));
        let Some(row) = image.rows.get(first as usize) else { continue };
        let priority = drafts().map(|draft| draft.priority).min().unwrap_or(3);
        let flags = drafts().fold(0, |flags, draft| flags | draft.flags);
        ranks.push(classify::rank(Signals {
            priority: priority_of(priority),
            task: flags & TASK != 0,
            essential: flags & ESSENTIAL != 0,
            dependents: count(row.name),
            family: family(entry, image.kinds.len(), &folded),
            security: secured(builder, drafts()),
            superseded: classify::unversioned(folded(entry)).is_some_and(&is_package),
            votes: drafts().map(|draft| votes(builder, draft)).min().flatten(),
            part: folded(entry).rsplit_once('-').is_some_and(|(whole, _)| is_package(whole)),
        }));
    }
    image.ranks = ranks;
}

/// How many entries have this one's name, a hyphen, and something more.
fn family<'a>(entry: usize, entries: usize, name: &impl Fn(usize) -> &'a str) -> u32 {
    const MOST: usize = 1000;
    let own = name(entry);
    let kin =
        |&next: &usize| name(next).strip_prefix(own).is_some_and(|rest| rest.starts_with('-'));
    // Names that go on with `+` come before the hyphen; they are few, and counted with the rest.
    let close =
        (entry + 1..entries.min(entry + MOST)).take_while(|&next| name(next).starts_with(own));
    close.filter(kin).count() as u32
}

/// Votes in the AUR; absent for what a repository offers.
fn votes(builder: &Builder, draft: &Draft) -> Option<u32> {
    builder.facts.get(draft.facts as usize).map(|facts| facts.votes)
}

/// Does a repository of security fixes have a version?
fn secured<'d>(builder: &Builder, mut drafts: impl Iterator<Item = &'d Draft>) -> bool {
    drafts.any(|draft| {
        range(&builder.offers, draft.offers).iter().any(|offer| {
            builder
                .repositories
                .get(offer.repository as usize)
                .is_some_and(|repository| repository.security)
        })
    })
}

/// The priority that a byte of the image stands for.
pub(crate) fn priority_of(byte: u8) -> Priority {
    match byte {
        0 => Priority::Required,
        1 => Priority::Important,
        2 => Priority::Standard,
        4 => Priority::Extra,
        _ => Priority::Optional,
    }
}
