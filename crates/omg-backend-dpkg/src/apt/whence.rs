//! Where versions can be had: the records of lists that have them.

use std::path::Path;

use ahash::AHashMap;

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
        for block in deb822::blocks(text) {
            let Some(numbers) = block.get("Package").and_then(|name| names.get(name)) else {
                continue;
            };
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
