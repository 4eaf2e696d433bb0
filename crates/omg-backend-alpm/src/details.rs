//! A record, of a sync database or of the local one, as what `omg info` shows.

use omg_core::{Details, Source};

use crate::desc::{self, MOST_VALUES};

#[cfg(test)]
mod tests;

/// Reads the fields of a record. What a record can't say is left empty: the repository, which
/// version is installed or a candidate, the package URL.
///
/// Optional dependencies are its `suggests`, with what they are for; what is needed only to build
/// or test it is not shown.
pub fn read<'a>(record: &'a str) -> Details<'a> {
    let mut details = Details::empty(Source::Alpm);
    for field in desc::fields(record) {
        let one = field.first();
        let word = (!one.is_empty()).then_some(one);
        let extend = |list: &mut Vec<&'a str>| {
            let room = MOST_VALUES.saturating_sub(list.len());
            list.extend(field.values().take(room));
        };
        match field.name {
            "NAME" => details.name = one,
            "VERSION" => details.version = one,
            "BASE" => details.source_package = word,
            "DESC" => details.description = one,
            "ARCH" => details.architecture = one,
            "URL" => details.url = word,
            "PACKAGER" => details.maintainer = word,
            "GROUPS" => extend(&mut details.groups),
            "LICENSE" => extend(&mut details.licenses),
            "DEPENDS" => extend(&mut details.depends),
            "OPTDEPENDS" => extend(&mut details.suggests),
            "CONFLICTS" => extend(&mut details.conflicts),
            "REPLACES" => extend(&mut details.replaces),
            "PROVIDES" => extend(&mut details.provides),
            "CSIZE" => details.download_size = one.parse().ok(),
            "ISIZE" | "SIZE" => details.installed_size = one.parse().ok(),
            "FILENAME" => details.filename = word,
            "SHA256SUM" => details.sha256 = word,
            _ => {}
        }
    }
    details.source_package = details.source_package.filter(|source| *source != details.name);
    details
}

/// The groups that a record says the package is in.
pub fn groups(record: &str) -> impl Iterator<Item = &str> {
    desc::values(record, "GROUPS").take(MOST_VALUES)
}
