//! Finding packages as apt does from the command line.

use regex::bytes::{Regex, RegexBuilder};
use rust_apt::{Cache, Package, Version};

use crate::settings::Settings;

/// Size in bytes that a compiled pattern may have.
const PATTERN_SIZE: usize = 1 << 20;

/// The package that `name` means when no architecture is given: one with versions if there is any,
/// of the first architecture that has one.
pub(crate) fn preferred<'a>(
    cache: &'a Cache,
    settings: &Settings,
    name: &str,
) -> Option<Package<'a>> {
    let all = || {
        let architectures = settings.architectures.iter().map(String::as_str);
        architectures.chain(["none"]).filter_map(|architecture| of(cache, name, architecture))
    };
    all().find(Package::has_versions).or_else(|| all().next())
}

/// A package of one architecture.
pub(crate) fn of<'a>(cache: &'a Cache, name: &str, architecture: &str) -> Option<Package<'a>> {
    if name.is_empty() || name.contains(':') {
        return None;
    }
    cache.get(&format!("{name}:{architecture}"))
}

/// A package by its name with or without an architecture.
pub(crate) fn by_name<'a>(
    cache: &'a Cache,
    settings: &Settings,
    text: &str,
) -> Option<Package<'a>> {
    match text.rsplit_once(':') {
        None => preferred(cache, settings, text),
        Some((name, "any" | "*")) => preferred(cache, settings, name),
        Some((name, "all" | "native")) => of(cache, name, settings.native()),
        Some((name, architecture)) => of(cache, name, architecture),
    }
}

/// All packages whose names match, in order of name.
pub(crate) fn matching<'a>(
    cache: &'a Cache,
    settings: &Settings,
    pattern: &Regex,
) -> Vec<Package<'a>> {
    let mut names: Vec<String> = cache
        .iter()
        .map(|package| package.name().to_owned())
        .filter(|name| pattern.is_match(name.as_bytes()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .iter()
        .filter_map(|name| {
            of(cache, name, settings.native()).or_else(|| preferred(cache, settings, name))
        })
        .collect()
}

/// A shell pattern as apt takes it: `*`, `?`, `[…]`, whatever the case.
pub(crate) fn glob(pattern: &str) -> Option<Regex> {
    let mut text = String::from("^");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            '[' if rest.as_str().contains(']') => {
                text.push('[');
                for (at, inner) in rest.by_ref().enumerate() {
                    match inner {
                        ']' if at > 0 => break,
                        '!' | '^' if at == 0 => text.push('^'),
                        '[' | '\\' | '&' | '~' | ']' => text.extend(['\\', inner]),
                        other => text.push(other),
                    }
                }
                text.push(']');
            }
            other => text.push_str(&regex::escape(&other.to_string())),
        }
    }
    text.push('$');
    compile(&text)
}

/// An extended regular expression that matches anywhere, whatever the case.
pub(crate) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .case_insensitive(true)
        .size_limit(PATTERN_SIZE)
        .build()
        .ok()
}

/// Is it the version, or does it match the shell pattern?
pub(crate) fn version_matches(version: &str, wanted: &str) -> bool {
    if version.eq_ignore_ascii_case(wanted) {
        return true;
    }
    if !wanted.contains(['*', '?', '[']) {
        return false;
    }
    let exact = glob(wanted).is_some_and(|pattern| pattern.is_match(version.as_bytes()));
    exact
        || wanted.strip_suffix('*').is_some_and(|head| {
            version.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
        })
}

/// Does the version come from the suite, named by its suite or its codename?
pub(crate) fn in_release(version: &Version<'_>, wanted: &str) -> bool {
    if wanted == "*" {
        return true;
    }
    let matches = |name: Option<&str>| name.is_some_and(|name| version_matches(name, wanted));
    version.package_files().any(|file| {
        if file.is_downloadable() {
            matches(file.archive()) || matches(file.codename())
        } else {
            // dpkg's status has no suite; apt calls it `now`.
            matches(file.component())
        }
    })
}

/// Name as apt shows it: with the architecture unless that is the native one.
pub(crate) fn pretty(package: &Package<'_>) -> String {
    package.fullname(true)
}

/// Is it the same version record?
pub(crate) fn same(one: Option<&Version<'_>>, other: Option<&Version<'_>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.index() == other.index(),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_a_shell() {
        let matches = |pattern: &str, text: &str| glob(pattern).unwrap().is_match(text.as_bytes());
        assert!(matches("lib*-dev", "libc6-dev"));
        assert!(matches("g++*", "g++-12"));
        assert!(!matches("g++", "gg"));
        assert!(matches("vim-[!t]*", "vim-nox") && !matches("vim-[!t]*", "vim-tiny"));
        assert!(matches("a.c", "a.c") && !matches("a.c", "abc"));
        assert!(version_matches("1:2.0-1", "1:2.0-1") && version_matches("2.36-9", "2.36*"));
        assert!(!version_matches("2.36-9", "2.3"));
    }
}
