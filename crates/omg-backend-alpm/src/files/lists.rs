//! All lists in one buffer, and the search in it.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use memchr::{memchr, memmem, memrchr};
use omg_backend::glob::Glob;
use omg_core::{FileMatch, FileOrigin};

use super::{LARGEST_LIST, in_order, is_command_dir, paths};
use crate::desc;
use crate::error::Error;
use crate::local;

/// Largest sum of all lists that is read, bytes. 1,500 packages have about 30 MB.
const LARGEST: usize = 512 << 20;

/// At most this many matches are found.
const MOST_MATCHES: usize = 200_000;

/// The paths of all installed packages.
#[derive(Debug)]
pub struct Lists {
    /// Paths with their leading slash, each between two newlines.
    text: Vec<u8>,
    /// Where each package's paths start, ascending.
    owners: Vec<Owner>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Owner {
    start: usize,
    package: Box<str>,
}

impl Lists {
    pub(super) fn empty() -> Self {
        Self { text: vec![b'\n'], owners: Vec::new(), warnings: Vec::new() }
    }

    /// Reads all lists of the local database. Those that can't be read become warnings, those that
    /// are missing are passed over.
    pub fn read(local: &Path) -> Result<Self, Error> {
        let dir =
            File::open(local).map_err(|error| Error::io(local, "opening the database", error))?;
        let mut lists = Self::empty();
        let mut bytes = Vec::new();
        for entry in local::entries(local)?.names {
            let Some((package, _)) = desc::split_entry(&entry) else { continue };
            bytes.clear();
            let path = format!("{entry}/files");
            match local::read_below(dir.as_fd(), local, &path, LARGEST_LIST, &mut bytes) {
                Ok(()) => lists.push(package, &bytes),
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => lists.warnings.push(error.with_cause()),
            }
            if lists.text.len() > LARGEST {
                let limit = LARGEST as u64;
                return Err(Error::TooLarge { path: local.to_path_buf(), limit, unit: "bytes" });
            }
        }
        Ok(lists)
    }

    pub(super) fn push(&mut self, package: &str, bytes: &[u8]) {
        self.owners.push(Owner { start: self.text.len(), package: package.into() });
        // As they are told, so that what is told is found again.
        let text = String::from_utf8_lossy(bytes);
        for line in paths(text.as_bytes()) {
            self.text.push(b'/');
            self.text.extend_from_slice(line);
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

    /// Who owns a path: a text with `*`, `?` or `[` is a pattern for whole paths, or, if it has no
    /// slash, for their last part; any other is a path, or, if it has no slash, a command.
    pub fn owners(&self, query: &str) -> Vec<FileMatch> {
        if query.contains(['*', '?', '[', '\\']) {
            let pattern = match query.as_bytes().first() {
                _ if !query.contains('/') => format!("*/{query}"),
                Some(b'/' | b'*' | b'?' | b'[') => query.to_owned(),
                _ => format!("/{query}"),
            };
            return in_order(self.matching(&pattern));
        }
        let path = query.trim_matches('/');
        if query.contains('/') { self.of_path(path) } else { self.commands(query) }
    }

    /// Who owns the file or directory of this path, which has no slash at either end.
    pub(crate) fn of_path(&self, path: &str) -> Vec<FileMatch> {
        in_order(self.exact(path))
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
            if is_command_dir(self.text.get(start..at).unwrap_or_default()) {
                found.extend(self.found(start, at + needle.len() - 1));
            }
        }
        in_order(found)
    }

    fn exact(&self, path: &str) -> Vec<FileMatch> {
        let mut found = Vec::new();
        if path.is_empty() || path.contains('\n') {
            return found;
        }
        for needle in [format!("\n/{path}\n"), format!("\n/{path}/\n")] {
            let finder = memmem::Finder::new(needle.as_bytes());
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
        }
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
            let line = tail.get(..len).unwrap_or_default();
            let directory = line.strip_suffix(b"/").is_some_and(|path| glob.matches(path));
            if directory || glob.matches(line) {
                found.extend(self.found(start, start + len));
            }
            at = start + len + 1;
            if found.len() >= MOST_MATCHES || at >= self.text.len() {
                break;
            }
        }
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
            architecture: None,
            path: String::from_utf8_lossy(self.text.get(start..end)?).into_owned(),
            installed: true,
            origin: FileOrigin::Installed,
        })
    }
}
