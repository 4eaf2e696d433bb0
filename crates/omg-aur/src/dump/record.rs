//! One package of the dump as a text of lines, which is what the index keeps and `info` reads.
//!
//! JSON strings have escapes, so nothing could be borrowed from them; here each line is `Key:
//! value` with the key of the RPC, one line for each value, control characters as spaces.

use std::fmt::Write as _;

use omg_core::{AurFacts, Details, Source};

use crate::package::Entry;

/// What stands where a repository's package has its architecture: a recipe is none's.
pub const ARCHITECTURE: &str = "source";

/// Writes the record of an entry over `record`.
pub(super) fn write(entry: &Entry<'_>, record: &mut String) {
    record.clear();
    push(record, "Name", &entry.name);
    push(record, "Version", &entry.version);
    push(record, "PackageBase", &entry.package_base);
    let single = [
        ("Description", &entry.description),
        ("URL", &entry.url),
        ("Maintainer", &entry.maintainer),
    ];
    for (key, value) in single {
        if let Some(value) = value {
            push(record, key, value);
        }
    }
    let facts = entry.facts();
    let numbers = [
        ("NumVotes", u64::from(facts.votes)),
        ("Popularity", u64::from(facts.popularity)),
        ("FirstSubmitted", facts.first_submitted),
        ("LastModified", facts.last_modified),
        ("OutOfDate", facts.out_of_date.unwrap_or(0)),
    ];
    for (key, number) in numbers.into_iter().filter(|(_, number)| *number != 0) {
        // Writing to a String can't fail.
        let _ = writeln!(record, "{key}: {number}");
    }
    let lists = [
        ("Depends", &entry.depends),
        ("MakeDepends", &entry.make_depends),
        ("CheckDepends", &entry.check_depends),
        ("OptDepends", &entry.opt_depends),
        ("Provides", &entry.provides),
        ("Conflicts", &entry.conflicts),
        ("Replaces", &entry.replaces),
        ("Groups", &entry.groups),
        ("License", &entry.license),
    ];
    for (key, values) in lists {
        // Recipes with `depends=('')` exist, and mean nothing by it.
        let said = values.iter().filter(|value| !value.trim().is_empty());
        said.for_each(|value| push(record, key, value));
    }
}

fn push(record: &mut String, key: &str, value: &str) {
    record.push_str(key);
    record.push_str(": ");
    if value.bytes().any(|byte| byte < b' ') {
        record.extend(value.chars().map(|c| if c.is_control() { ' ' } else { c }));
    } else {
        record.push_str(value);
    }
    record.push('\n');
}

/// Reads a record. Lines that it does not know are left out.
pub fn details(record: &str) -> Details<'_> {
    let mut details = Details { architecture: ARCHITECTURE, ..Details::empty(Source::Aur) };
    let mut facts = AurFacts::default();
    for line in record.lines() {
        let Some((key, value)) = line.split_once(": ") else { continue };
        match key {
            "Name" => details.name = value,
            "Version" => details.version = value,
            "PackageBase" => facts.package_base = value,
            "Description" => details.description = value,
            "URL" => details.url = Some(value),
            "Maintainer" => facts.maintainer = Some(value),
            "NumVotes" => facts.votes = value.parse().unwrap_or(0),
            "Popularity" => facts.popularity = value.parse().unwrap_or(0),
            "FirstSubmitted" => facts.first_submitted = value.parse().unwrap_or(0),
            "LastModified" => facts.last_modified = value.parse().unwrap_or(0),
            "OutOfDate" => facts.out_of_date = value.parse().ok(),
            "Depends" => details.depends.push(value),
            "OptDepends" => details.suggests.push(value),
            "Provides" => details.provides.push(value),
            "Conflicts" => details.conflicts.push(value),
            "Replaces" => details.replaces.push(value),
            "Groups" => details.groups.push(value),
            "License" => details.licenses.push(value),
            _ => {}
        }
    }
    details.maintainer = facts.maintainer;
    details.source_package = Some(facts.package_base).filter(|base| *base != details.name);
    details.aur = Some(facts);
    details
}

/// The values of one key of a record, such as `MakeDepends`, which [`details`] has no place for.
pub fn values<'a>(record: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    record.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix(": "))
}
