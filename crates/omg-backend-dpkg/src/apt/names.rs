//! The names in a record's dependency fields, each once per field.

use omg_core::{Relation, RelationKind};

use super::record::Record;

const KINDS: [RelationKind; 5] = [
    RelationKind::PreDepends,
    RelationKind::Depends,
    RelationKind::Recommends,
    RelationKind::Suggests,
    RelationKind::Enhances,
];

/// The names of one package; used again for each, to keep the buffers.
#[derive(Debug, Default)]
pub(crate) struct Names<'a> {
    pub(crate) provides: Vec<&'a str>,
    pub(crate) relations: Vec<Relation<'a>>,
    seen: Seen<'a>,
}

impl<'a> Names<'a> {
    /// Replaces the names by those of a record.
    pub(crate) fn fill(&mut self, record: &Record<'a>) {
        self.provides.clear();
        self.relations.clear();
        if !record.provides.is_empty() {
            self.seen.clear();
            self.provides.extend(names(record.provides).filter(|name| self.seen.is_new(name)));
        }
        for (kind, field) in KINDS.into_iter().zip(record.relations) {
            if !field.is_empty() {
                self.seen.clear();
                let new = names(field).filter(|name| self.seen.is_new(name));
                self.relations.extend(new.map(|name| Relation { kind, name }));
            }
        }
    }
}

/// Names of one field so far. Some packages have hundreds, most have a few; comparing one number
/// for each costs next to nothing either way.
#[derive(Debug, Default)]
struct Seen<'a> {
    keys: Vec<u64>,
    names: Vec<&'a str>,
}

impl<'a> Seen<'a> {
    fn clear(&mut self) {
        self.keys.clear();
        self.names.clear();
    }

    /// Notes a name, and tells whether it was not noted before.
    fn is_new(&mut self, name: &&'a str) -> bool {
        let key = key(name.as_bytes());
        if self.keys.contains(&key) && self.names.contains(name) {
            return false;
        }
        self.keys.push(key);
        self.names.push(name);
        true
    }
}

/// A number that seldom is the same for two names of one field: both ends and the length.
#[inline]
fn key(name: &[u8]) -> u64 {
    let (start, end) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(start), Some(end)) => (u64::from_le_bytes(*start), u64::from_le_bytes(*end)),
        _ => (name.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)), 0),
    };
    start.rotate_left(5) ^ end.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((name.len() as u64) << 56)
}

/// What ends a name.
const ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let mut bytes: &[u8] = b"\t\n\x0c\r ,|:([<";
    while let [first, rest @ ..] = bytes {
        ends[*first as usize] = true;
        bytes = rest;
    }
    ends
};

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
            while bytes.get(at).is_some_and(|&byte| !ENDS[usize::from(byte)]) {
                at += 1;
            }
            let name = field.get(start..at)?;
            // Short as a rule: a search with wide registers would take longer to begin.
            while bytes.get(at).is_some_and(|byte| !matches!(byte, b',' | b'|')) {
                at += 1;
            }
            if !name.is_empty() {
                return Some(name);
            }
            if at >= bytes.len() {
                return None;
            }
        }
    })
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
        fn each_name_is_kept_once(all in proptest::collection::vec(r"[ab]{1,3}|longname[a-c]{1,2}longname", 0..40)) {
            let mut wanted: Vec<&str> = Vec::new();
            for name in &all {
                if !wanted.contains(&name.as_str()) {
                    wanted.push(name);
                }
            }
            let mut seen = Seen::default();
            let kept: Vec<&str> = all.iter().map(String::as_str).filter(|name| seen.is_new(name)).collect();
            prop_assert_eq!(kept, wanted);
        }

        #[test]
        fn no_field_panics(field in any::<String>()) {
            prop_assert!(names(&field).count() <= field.len());
        }
    }
}
