//! All lists in one buffer, and the search in it.

use std::fs;
use std::path::Path;

use ahash::AHashMap;
use memchr::{memchr, memmem, memrchr};
use omg_backend::glob::Glob;
use omg_core::{FileMatch, FileOrigin, Installed};

use super::diversions::{self, Diversion};
use super::{in_order, merged_alias};
use crate::error::Error;
use crate::status::read_settled;

/// Largest sum of all lists that is read, bytes. 3,000 packages have about 30 MB.
const LARGEST: u64 = 512 << 20;

/// At most this many matches are found.
const MOST_MATCHES: usize = 200_000;

/// The paths of all installed packages.
#[derive(Debug, Default)]
pub struct Lists {
    /// Paths, each between two newlines.
    text: Vec<u8>,
    /// Where each package's paths start, ascending.
    owners: Vec<Owner>,
    diversions: Vec<Diversion>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Owner {
    start: usize,
    package: Box<str>,
    architecture: Option<Box<str>>,
}

impl Lists {
    /// Reads all lists below dpkg's directory. With `installed`, only those of packages that are
    /// in it. Lists that can't be read become warnings.
    pub fn read(admin: &Path, installed: Option<&Installed>) -> Result<Self, Error> {
        let known = installed.map(known);
        let dir = admin.join("info");
        let entries = fs::read_dir(&dir).map_err(|error| Error::io(&dir, "listing it", error))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> =
            names.filter(|name| name.strip_suffix(".list").is_some()).collect();
        names.sort_unstable();
        let mut lists = Self { text: vec![b'\n'], ..Self::default() };
        let mut left = LARGEST;
        for name in &names {
            let Some(stem) = name.strip_suffix(".list") else { continue };
            let (package, qualifier) =
                stem.split_once(':').map_or((stem, None), |(a, b)| (a, Some(b)));
            let architecture = match &known {
                None => qualifier,
                Some(known) => match known.get(package) {
                    None => continue,
                    Some(have) => match qualifier {
                        Some(qualifier) if !have.contains(&qualifier) => continue,
                        Some(qualifier) => Some(qualifier),
                        None => have.first().copied(),
                    },
                },
            };
            match read_settled(&dir.join(name), &mut left) {
                Ok(bytes) => lists.push(package, architecture, &bytes),
                Err(error @ Error::TooLarge { .. }) => return Err(error),
                Err(error) => lists.warnings.push(error.with_cause()),
            }
        }
        lists.diversions = diversions::read(&admin.join("diversions"), &mut lists.warnings);
        Ok(lists)
    }

    fn push(&mut self, package: &str, architecture: Option<&str>, bytes: &[u8]) {
        let owner = Owner {
            start: self.text.len(),
            package: package.into(),
            architecture: architecture.map(Into::into),
        };
        self.owners.push(owner);
        if memmem::find(bytes, b"/\n").is_none() && memmem::find(bytes, b"\n\n").is_none() {
            self.text.extend_from_slice(bytes);
        } else {
            for line in bytes
                .split(|byte| *byte == b'\n')
                .map(without_slash)
                .filter(|line| !line.is_empty())
            {
                self.text.extend_from_slice(line);
                self.text.push(b'\n');
            }
        }
        if self.text.last() != Some(&b'\n') {
            self.text.push(b'\n');
        }
    }

    /// Bytes of all paths.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Lists that could not be read, and why.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Who owns a path, as `dpkg -S` answers: a text that begins with `/` is a path, one with `*`,
    /// `?` or `[` a pattern for whole paths, and any other a part of a path.
    ///
    /// A path that nobody owns is also looked for under its other name where `/bin` is a link to
    /// `/usr/bin`. Diversions are told by where they move the file to.
    pub fn owners(&self, query: &str) -> Vec<FileMatch> {
        let pattern = match query.as_bytes().first() {
            None => return Vec::new(),
            Some(b'*' | b'[' | b'?' | b'/') => query.to_owned(),
            Some(_) => format!("*{query}*"),
        };
        if pattern.contains(['*', '[', '?', '\\']) {
            return in_order(self.matching(&pattern));
        }
        let path = trim_slashes(&pattern);
        let mut found = self.exact(path);
        if found.is_empty()
            && let Some(alias) = merged_alias(path)
        {
            found = self.exact(&alias);
        }
        in_order(found)
    }

    /// Who has a command of this name: a file in a directory called `bin`, `sbin` or `games`.
    pub fn commands(&self, name: &str) -> Vec<FileMatch> {
        if name.is_empty() || name.contains(['/', '\n']) {
            return Vec::new();
        }
        let needle = format!("/{name}\n");
        let mut found = Vec::new();
        for at in memmem::find_iter(&self.text, needle.as_bytes()) {
            let start = self.line_start(at);
            let dir = self.text.get(start..at).unwrap_or_default();
            if [&b"/bin"[..], b"/sbin", b"/games"].iter().any(|end| dir.ends_with(end)) {
                found.extend(self.found(start, at + needle.len() - 1));
            }
        }
        in_order(found)
    }

    fn exact(&self, path: &str) -> Vec<FileMatch> {
        if path.contains('\n') {
            return Vec::new();
        }
        let needle = format!("\n{path}\n");
        let finder = memmem::Finder::new(needle.as_bytes());
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(hit) = self.text.get(at..).and_then(|rest| finder.find(rest)) {
            // The newline that ends this line begins the next one.
            let end = at + hit + needle.len() - 1;
            found.extend(self.found(at + hit + 1, end));
            at = end;
            if found.len() >= MOST_MATCHES {
                break;
            }
        }
        found.extend(
            self.diversions
                .iter()
                .filter(|diversion| diversion.concerns(path))
                .map(Diversion::as_match),
        );
        found
    }

    /// Looks for the longest plain part of the pattern, and then at the lines that have it.
    fn matching(&self, pattern: &str) -> Vec<FileMatch> {
        let glob = Glob::new(pattern);
        let plain = memmem::Finder::new(glob.longest_plain());
        let mut found = Vec::new();
        let mut at = 1;
        while let Some(rest) = self.text.get(at..) {
            let Some(hit) = plain.find(rest) else { break };
            let start = self.line_start(at + hit);
            let tail = self.text.get(start..).unwrap_or_default();
            let Some(len) = memchr(b'\n', tail) else { break };
            if glob.matches(tail.get(..len).unwrap_or_default()) {
                found.extend(self.found(start, start + len));
            }
            at = start + len + 1;
            if found.len() >= MOST_MATCHES || at >= self.text.len() {
                break;
            }
        }
        let diverted = self.diversions.iter().filter(|diversion| diversion.matches(&glob));
        found.extend(diverted.map(Diversion::as_match));
        found
    }

    fn line_start(&self, at: usize) -> usize {
        memrchr(b'\n', self.text.get(..at).unwrap_or_default()).map_or(0, |newline| newline + 1)
    }

    fn found(&self, start: usize, end: usize) -> Option<FileMatch> {
        let after = self.owners.partition_point(|owner| owner.start <= start);
        let owner = self.owners.get(after.checked_sub(1)?)?;
        Some(FileMatch {
            package: owner.package.to_string(),
            architecture: owner.architecture.as_deref().map(str::to_owned),
            path: String::from_utf8_lossy(self.text.get(start..end)?).into_owned(),
            installed: true,
            origin: FileOrigin::Installed,
        })
    }
}

/// Names with the architectures that they are there for.
fn known(installed: &Installed) -> AHashMap<&str, Vec<&str>> {
    let mut known: AHashMap<&str, Vec<&str>> = AHashMap::with_capacity(installed.packages.len());
    for package in &installed.packages {
        known.entry(&package.name).or_default().push(&package.architecture);
    }
    known
}

/// A line as dpkg reads it: directories lose their slash.
pub(super) fn without_slash(line: &[u8]) -> &[u8] {
    match line {
        [path @ .., b'/'] if !path.is_empty() => path,
        _ => line,
    }
}

/// A path without `/` and `/.` at its end.
fn trim_slashes(path: &str) -> &str {
    let mut path = path;
    while path.len() > 1 {
        match path.strip_suffix("/.").or_else(|| path.strip_suffix('/')) {
            Some("") => return "/",
            Some(shorter) => path = shorter,
            None => break,
        }
    }
    path
}
