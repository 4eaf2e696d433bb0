//! Which commit of each recipe was reviewed: kept with the user's state, not in the cache.
//!
//! The file is text, one line for each package base: name, commit, time of the review (RFC 3339,
//! UTC) and the maintainer at that time, separated by tabs; no maintainer is `-`. Lines that make no
//! sense are said and kept out; lines that begin with `#` are comments.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use omg_core::Rfc3339;

use super::error::RecipeError;
use super::git::private_directory;
use super::name::{CommitId, PackageBase};

/// Recipes remembered, at most.
pub const MAX_REVIEWED: usize = 100_000;
/// Bytes of the file, at most.
const MAX_BYTES: u64 = 16 << 20;
/// Bytes of a maintainer's name, at most.
const MAX_MAINTAINER: usize = 128;
/// Warnings that are told, at most.
const MAX_WARNINGS: usize = 100;
/// The file inside the state directory.
const FILE: &str = "aur-reviewed";
/// Held while the file is written.
const LOCK: &str = ".aur-reviewed.lock";
const HEADING: &str =
    "# Recipes reviewed: package base, commit, time, maintainer. Written by omg.\n";

/// One review that took place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReviewedCommit {
    /// The commit that was accepted.
    pub commit: CommitId,
    /// When, RFC 3339.
    pub at: String,
    /// Who maintained the package then; `None` if nobody did.
    pub maintainer: Option<String>,
}

/// The reviews remembered.
#[derive(Debug)]
pub struct Reviewed {
    directory: PathBuf,
    entries: BTreeMap<PackageBase, ReviewedCommit>,
    warnings: Vec<String>,
}

impl Reviewed {
    /// Reads what is remembered below a state directory, which is made if it is not there.
    ///
    /// # Errors
    /// If the file is there but can't be read, or is larger than 16 MiB.
    pub fn open(directory: &Path) -> Result<Self, RecipeError> {
        const DOING: &str = "reading which recipes were reviewed";
        private_directory(directory)?;
        let mut reviewed = Self {
            directory: directory.to_path_buf(),
            entries: BTreeMap::new(),
            warnings: Vec::new(),
        };
        let path = reviewed.path();
        let mut bytes = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.len() as u64 > MAX_BYTES => {
                return Err(RecipeError::Limit { doing: DOING, limit: MAX_BYTES });
            }
            Ok(_) => reviewed.take(&String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(RecipeError::io(&path, DOING, source)),
        }
        Ok(reviewed)
    }

    /// The last review of a recipe.
    pub fn get(&self, name: &PackageBase) -> Option<&ReviewedCommit> {
        self.entries.get(name)
    }

    /// Lines that made no sense when the file was read: file, line and reason.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Remembers a review, and returns when the file is on disk; on an error the old file stands.
    ///
    /// # Errors
    /// If the file can't be written, the maintainer's name is no single line of at most 128 bytes,
    /// or 100 000 recipes are remembered already.
    pub fn remember(
        &mut self,
        name: &PackageBase,
        commit: &CommitId,
        maintainer: Option<&str>,
        now: u64,
    ) -> Result<(), RecipeError> {
        if let Some(maintainer) = maintainer.filter(|maintainer| !plain(maintainer)) {
            return Err(RecipeError::Name {
                name: omg_core::escape(maintainer).to_string(),
                reason: "a maintainer's name is one word of at most 128 bytes",
            });
        }
        if self.entries.len() >= MAX_REVIEWED && !self.entries.contains_key(name) {
            let limit = MAX_REVIEWED as u64;
            return Err(RecipeError::Limit { doing: "remembering a review", limit });
        }
        let entry = ReviewedCommit {
            commit: commit.clone(),
            at: Rfc3339(now).to_string(),
            maintainer: maintainer.map(str::to_owned),
        };
        // Another process may have written since: its reviews are kept.
        let path = self.directory.join(LOCK);
        let lock = File::create(&path).and_then(|file| file.lock().map(|()| file));
        let _lock =
            lock.map_err(|source| RecipeError::io(&path, "remembering a review", source))?;
        let mut entries = Self::open(&self.directory)?.entries;
        entries.insert(name.clone(), entry);
        self.write(&entries)?;
        self.entries = entries;
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    fn take(&mut self, text: &str) {
        for (number, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let full = self.entries.len() >= MAX_REVIEWED;
            match parse(line).filter(|_| !full) {
                Some((name, entry)) => drop(self.entries.insert(name, entry)),
                None if self.warnings.len() < MAX_WARNINGS => {
                    let reason = if full { "too many reviews" } else { "not a review" };
                    let path = self.path();
                    self.warnings.push(format!("{}:{}: {reason}", path.display(), number + 1));
                }
                None => {}
            }
        }
    }

    /// New file, contents durable, name durable: after a power cut it is the old or the new one.
    fn write(&self, entries: &BTreeMap<PackageBase, ReviewedCommit>) -> Result<(), RecipeError> {
        const DOING: &str = "remembering a review";
        let mut text = String::from(HEADING);
        for (name, entry) in entries {
            let maintainer = entry.maintainer.as_deref().unwrap_or("-");
            text.extend([name.as_str(), "\t", entry.commit.as_str(), "\t"]);
            text.extend([entry.at.as_str(), "\t", maintainer, "\n"]);
        }
        let new = self.directory.join(format!(".{FILE}.{}", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, self.path()))
            .and_then(|()| File::open(&self.directory)?.sync_all());
        written.map_err(|source| {
            let _left = fs::remove_file(&new);
            RecipeError::io(&self.path(), DOING, source)
        })
    }
}

fn plain(maintainer: &str) -> bool {
    let fits = (1..=MAX_MAINTAINER).contains(&maintainer.len()) && maintainer != "-";
    fits && !maintainer.chars().any(|c| c.is_whitespace() || omg_core::is_dangerous(c))
}

fn parse(line: &str) -> Option<(PackageBase, ReviewedCommit)> {
    let mut fields = line.split('\t');
    let name = PackageBase::new(fields.next()?).ok()?;
    let commit = CommitId::new(fields.next()?).ok()?;
    let at = fields.next().filter(|at| at.len() == 20 && at.ends_with('Z'))?.to_owned();
    let maintainer = match fields.next()? {
        "-" => None,
        maintainer if plain(maintainer) => Some(maintainer.to_owned()),
        _ => return None,
    };
    let ended = fields.next().is_none();
    ended.then_some((name, ReviewedCommit { commit, at, maintainer }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in any::<String>()) {
            let _refused = parse(&line);
        }
    }
}
