//! The fake's records, versions and patterns.

use std::cmp::Ordering;
use std::fmt::Write as _;

use omg_core::{Details, Source};

use super::FakePackage;

pub(super) fn write(package: &FakePackage, version: &str) -> String {
    let mut text = String::new();
    let list = [("Depends", &package.depends), ("Provides", &package.provides)];
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "Package: {}\nVersion: {version}\nArchitecture: all\nSection: fakes\nPriority: optional",
        package.name
    );
    for (field, items) in list {
        if !items.is_empty() {
            let _ = writeln!(text, "{field}: {}", items.join(", "));
        }
    }
    let _ = writeln!(text, "Description: {}", package.description);
    debug_assert!(!package.version().is_empty(), "a package needs a version");
    text
}

pub(super) fn details(record: &str) -> Details<'_> {
    let get = |field: &str| {
        record
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(": "))
            .filter(|value| !value.is_empty())
    };
    let list =
        |field: &str| get(field).map(|value| value.split(", ").collect()).unwrap_or_default();
    Details {
        name: get("Package").unwrap_or(""),
        version: get("Version").unwrap_or(""),
        source: Source::Apt,
        repository: "",
        architecture: get("Architecture").unwrap_or(""),
        description: get("Description").unwrap_or(""),
        installed_version: None,
        candidate_version: None,
        long_description: None,
        url: None,
        maintainer: None,
        licenses: Vec::new(),
        section: get("Section"),
        groups: Vec::new(),
        priority: get("Priority"),
        source_package: None,
        multi_arch: None,
        essential: false,
        depends: list("Depends"),
        pre_depends: Vec::new(),
        recommends: Vec::new(),
        suggests: Vec::new(),
        enhances: Vec::new(),
        conflicts: Vec::new(),
        breaks: Vec::new(),
        replaces: Vec::new(),
        provides: list("Provides"),
        download_size: Some(1000),
        installed_size: Some(4096),
        filename: None,
        sha256: None,
        purl: String::new(),
        install_reason: None,
        installed_at: None,
        held: false,
        state: None,
        versions: Vec::new(),
        aur: None,
    }
}

/// `a (>= 1) | b` is `a`, `b`.
pub(super) fn alternatives(item: &str) -> Vec<&str> {
    item.split('|')
        .map(|one| one.split([' ', '(', ':']).find(|word| !word.is_empty()).unwrap_or(""))
        .filter(|name| !name.is_empty())
        .collect()
}

/// Number by number; what is not a number counts as 0, then as text.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u64> {
        version.split(['.', '-']).map(|part| part.parse().unwrap_or(0)).collect()
    };
    numbers(a).cmp(&numbers(b)).then_with(|| a.cmp(b))
}

/// `*` is any text, `?` any character.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let after = rest.as_str();
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| glob(after, text.get(at..).unwrap_or("")))
        }
        Some(wanted) => {
            let mut text = text.chars();
            text.next().is_some_and(|c| wanted == '?' || c == wanted)
                && glob(rest.as_str(), text.as_str())
        }
    }
}
