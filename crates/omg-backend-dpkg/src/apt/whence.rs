//! Where versions can be had: the records of lists that have them.

use std::path::Path;

use ahash::AHashMap;
use memchr::memmem;

use super::arena::Arena;
use super::lists;
use super::settings::Settings;
use crate::deb822;
use crate::lists::{Evidence, Offered};

/// For each of these versions all lists that have it, in apt's order. Lists that can't be read have
/// nothing.
pub(crate) fn find(settings: &Settings, wanted: &[Offered]) -> Vec<Vec<Evidence>> {
    let mut found: Vec<Vec<Evidence>> = wanted.iter().map(|_| Vec::new()).collect();
    if wanted.is_empty() {
        return found;
    }
    let mut names: AHashMap<&str, Vec<usize>> = AHashMap::new();
    for (number, it) in wanted.iter().enumerate() {
        names.entry(it.name.as_str()).or_default().push(number);
    }
    let arena = Arena::new();
    let paths: Vec<&Path> = settings.places.iter().map(|place| place.file.path.as_path()).collect();
    let results = lists::scan(&arena, &paths, |text, list| {
        let mut hits = Vec::new();
        for (name, at) in named(text) {
            let Some(numbers) = names.get(name) else { continue };
            let block = deb822::blocks(record(text, at)).next();
            // A record may have the field twice; then the first counts.
            let Some(block) = block.filter(|it| it.get("Package") == Some(name)) else { continue };
            for &number in numbers {
                let Some(it) = wanted.get(number) else { continue };
                let same = block.get("Version") == Some(&it.version)
                    && block.get("Architecture") == Some(&it.architecture);
                let file_name = block.get("Filename");
                if let Some(file_name) = file_name.filter(|_| same) {
                    let sha256 = block.get("SHA256").map(str::to_ascii_lowercase);
                    let digits = |text: &String| {
                        text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
                    };
                    hits.push((
                        number,
                        Evidence {
                            list,
                            file_name: file_name.to_owned(),
                            size: block.get("Size").and_then(|size| size.parse().ok()).unwrap_or(0),
                            sha256: sha256.filter(digits),
                        },
                    ));
                }
            }
        }
        hits
    });
    for pieces in results.into_iter().flatten() {
        for (number, evidence) in pieces.into_iter().flat_map(|piece| piece.made) {
            if let Some(all) = found.get_mut(number) {
                all.push(evidence);
            }
        }
    }
    found
}

/// The names of packages in a list, each with the place of its field. Only this field is looked at: to
/// take apart tens of thousands of records for one of them would take longer than all else.
fn named(text: &str) -> impl Iterator<Item = (&str, usize)> {
    const FIELD: &str = "Package:";
    memmem::find_iter(text.as_bytes(), "ackage:").filter_map(move |at| {
        let begin = at.checked_sub(1)?;
        let before = text.get(..begin)?;
        let rest = text.get(begin..)?;
        let head = rest.get(..FIELD.len())?;
        let line = before.is_empty() || before.ends_with('\n');
        if !line || !head.eq_ignore_ascii_case(FIELD) {
            return None;
        }
        let value = rest.get(FIELD.len()..)?;
        let end = memchr::memchr(b'\n', value.as_bytes()).unwrap_or(value.len());
        let name = value.get(..end)?.trim();
        Some((name, begin))
    })
}

/// The record of the field at `at`, with what comes before the field, up to its end.
fn record(text: &str, at: usize) -> &str {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let start = memmem::rfind(before.as_bytes(), b"\n\n").map_or(0, |at| at + 2);
    let end = memmem::find(after.as_bytes(), b"\n\n").map_or(text.len(), |end| at + end + 1);
    text.get(start..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_with_their_records() {
        let text = "Package: a\nVersion: 1\nDescription: Package: x\n Package: y\n\nSection: s\npackage:b\n\n\nPackage: c";
        let found: Vec<_> = named(text).collect();
        let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(record(text, found[1].1), "Section: s\npackage:b\n");
        for (name, at) in found {
            let mut blocks = deb822::blocks(record(text, at));
            assert_eq!(blocks.next().unwrap().get("Package"), Some(name));
            assert!(blocks.next().is_none());
        }
    }
}
