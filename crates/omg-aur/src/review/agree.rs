//! Does `.SRCINFO` say what `PKGBUILD` does? Told from plain assignments, without running anything.

use std::collections::BTreeSet;

use omg_core::Severity::{Caution, Danger, Note};

use super::lexer::lex;
use super::risk::{Found, Risk};
use super::scan::start;
use super::script::{Command, assignment, commands};
use super::sources::{Entry, entries, is_key};
use super::values::Values;

const FILE: &str = "PKGBUILD";
/// Arrays of which every element must be the same: what is fetched, and what vouches for it.
const ARRAYS: [&str; 11] = [
    "source",
    "md5sums",
    "sha1sums",
    "sha224sums",
    "sha256sums",
    "sha384sums",
    "sha512sums",
    "b2sums",
    "cksums",
    "validpgpkeys",
    "noextract",
];

/// What a `PKGBUILD` assigns outside its functions.
struct Assigned {
    values: Values,
    /// Names and the line of their last assignment.
    lines: Vec<(String, u32)>,
    counts_version: bool,
    /// Commands that may set anything.
    opaque: BTreeSet<String>,
}

/// Compares the two; what can't be told is said.
pub(super) fn look(found: &mut Found, pkgbuild: &str, srcinfo: &str) {
    let assigned = read(start(pkgbuild));
    let entries = entries(srcinfo);
    let mut unknown = assigned.opaque.clone();
    names(found, &assigned, &entries, &mut unknown);
    version(found, &assigned, &entries, &mut unknown);
    arrays(found, &assigned, &entries, &mut unknown);
    if !unknown.is_empty() {
        let names: Vec<&str> = unknown.iter().map(String::as_str).collect();
        found.add(Risk::SrcinfoNotCompared, Note, FILE, 0, &names.join(", "));
    }
}

fn read(text: &str) -> Assigned {
    let lexed = lex(text, 1);
    let mut assigned = Assigned {
        values: Values::default(),
        lines: Vec::new(),
        counts_version: false,
        opaque: BTreeSet::new(),
    };
    for command in commands(&lexed.tokens) {
        assigned.counts_version |= command.function == Some("pkgver");
        if command.function.is_none() && !command.substituted {
            assigned.take(&command);
        }
    }
    assigned
}

impl Assigned {
    fn take(&mut self, command: &Command<'_>) {
        let first = command.words.first().map_or("", |word| word.raw.as_str());
        let declares = matches!(first, "declare" | "typeset" | "export" | "readonly");
        let changes =
            matches!(first, "for" | "select" | "read" | "mapfile" | "readarray" | "unset");
        // `x=y command` sets nothing that lasts.
        let lasting = if command.words.is_empty() { command.assignments.as_slice() } else { &[] };
        let declared = command.words.iter().filter(|_| declares);
        for word in lasting.iter().chain(declared) {
            if let Some((name, _)) = assignment(word) {
                self.lines.push((name.to_owned(), word.line));
            }
            self.values.assign(word, !command.conditional);
        }
        command.words.iter().filter(|_| changes).for_each(|word| self.values.forget(&word.raw));
        if matches!(first, "eval" | "source" | ".") {
            // Whatever it sets is not seen here; what is seen is compared all the same.
            self.opaque.insert(first.to_owned());
        }
    }

    fn line(&self, name: &str) -> u32 {
        self.lines.iter().rev().find(|(set, _)| set == name).map_or(0, |(_, line)| *line)
    }
}

fn all<'a>(entries: &'a [Entry<'_>], key: &str) -> Vec<&'a str> {
    entries.iter().filter(|entry| entry.key == key).map(|entry| entry.value).collect()
}

fn names(
    found: &mut Found,
    assigned: &Assigned,
    entries: &[Entry<'_>],
    unknown: &mut BTreeSet<String>,
) {
    let listed = all(entries, "pkgname");
    match assigned.values.get("pkgname") {
        Some(names) if *names == listed => {}
        Some(names) => differ(found, assigned, "pkgname", names, &listed),
        None => drop(unknown.insert("pkgname".into())),
    }
    let base = all(entries, "pkgbase");
    match assigned.values.get("pkgbase") {
        Some(names) if *names != base => differ(found, assigned, "pkgbase", names, &base),
        None if assigned.values.set("pkgbase") => drop(unknown.insert("pkgbase".into())),
        _ => {}
    }
}

fn differ(found: &mut Found, assigned: &Assigned, name: &str, own: &[String], listed: &[&str]) {
    let text = format!("{name}: {} — .SRCINFO: {}", own.join(" "), listed.join(" "));
    found.add(Risk::SrcinfoDisagrees, Danger, FILE, assigned.line(name), &text);
}

fn version(
    found: &mut Found,
    assigned: &Assigned,
    entries: &[Entry<'_>],
    unknown: &mut BTreeSet<String>,
) {
    for name in ["epoch", "pkgver", "pkgrel"] {
        let listed = all(entries, name);
        let Some(own) = assigned.values.get(name) else {
            if assigned.values.set(name) || !listed.is_empty() {
                unknown.insert(name.into());
            }
            continue;
        };
        if *own != listed {
            let text = format!("{name}: {} — .SRCINFO: {}", own.join(" "), listed.join(" "));
            let severity = if assigned.counts_version { Note } else { Caution };
            found.add(Risk::SrcinfoDisagrees, severity, FILE, assigned.line(name), &text);
        }
    }
}

fn arrays(
    found: &mut Found,
    assigned: &Assigned,
    entries: &[Entry<'_>],
    unknown: &mut BTreeSet<String>,
) {
    let relevant = |key: &str| ARRAYS.iter().any(|name| is_key(key, name));
    let listed = entries.iter().map(|entry| entry.key);
    let own = assigned.lines.iter().map(|(name, _)| name.as_str());
    let keys: BTreeSet<&str> = listed.chain(own).filter(|key| relevant(key)).collect();
    for key in keys {
        let listed = all(entries, key);
        match assigned.values.get(key) {
            Some(own) => {
                // makepkg leaves empty elements out.
                let own: Vec<&str> = own
                    .iter()
                    .map(|value| value.trim())
                    .filter(|value| !value.is_empty())
                    .collect();
                let only = own.iter().filter(|value| !listed.contains(value));
                let missing = listed.iter().filter(|value| !own.contains(value));
                let text: Vec<String> = only
                    .map(|value| format!("only in PKGBUILD: {value}"))
                    .chain(missing.map(|value| format!("only in .SRCINFO: {value}")))
                    .collect();
                if let Some(first) = text.first() {
                    let more = text.len() - 1;
                    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                    let text = format!("{key}: {first}{more}");
                    found.add(Risk::SrcinfoDisagrees, Danger, FILE, assigned.line(key), &text);
                } else if own != listed {
                    let text = format!("{key}: not in the same order");
                    found.add(Risk::SrcinfoDisagrees, Danger, FILE, assigned.line(key), &text);
                }
            }
            None if assigned.values.set(key) => drop(unknown.insert(key.to_owned())),
            None => {
                let text = format!("{key}: only in .SRCINFO: {}", listed.join(" "));
                found.add(Risk::SrcinfoDisagrees, Danger, FILE, 0, &text);
            }
        }
    }
}
