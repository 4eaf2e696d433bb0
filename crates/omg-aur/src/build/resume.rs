//! What was built and what failed, on disk, so that another try does only the rest.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use omg_core::{Artifact, Grade};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::age::replace;
use super::error::BuildError;
use super::sums::hexadecimal;
use crate::recipes::{CommitId, PackageBase};

/// The file below the builder's directory.
const FILE: &str = "resume.json";
/// Bytes of the file.
const MAX_BYTES: u64 = 16 << 20;
/// Recipes in it; the first written go first.
const MAX_ENTRIES: usize = 2000;

/// What became of one commit of one recipe.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resumable {
    /// Package base.
    pub base: String,
    /// The commit.
    pub commit: String,
    /// When, seconds since the epoch.
    pub at: u64,
    /// Why it failed, one line; `None` if it was built.
    pub failed: Option<String>,
    /// Packages; empty if it failed.
    pub packages: Vec<Kept>,
}

/// A package that was built.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Kept {
    name: String,
    architecture: String,
    version: String,
    file_name: String,
    path: PathBuf,
    size: u64,
    sha256: String,
    grade: String,
}

/// The list.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
}

impl Ledger {
    pub(super) fn new(directory: &Path) -> Self {
        Self { path: directory.join(FILE) }
    }

    /// Everything in the list, oldest first. A list that makes no sense is an empty one: then things are
    /// built again.
    pub(super) fn read(&self) -> Vec<Resumable> {
        let mut text = String::new();
        let read = fs::File::open(&self.path)
            .and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
        if read.is_err() {
            return Vec::new();
        }
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Puts an entry in the place of an earlier one for this recipe. It is on disk when this returns.
    pub(super) fn note(&self, entry: Resumable) -> Result<(), BuildError> {
        let wrong = |error| BuildError::io(&self.path, "noting what was built", error);
        let lock = fs::File::create(self.path.with_extension("lock")).map_err(wrong)?;
        lock.lock().map_err(wrong)?;
        let mut entries = self.read();
        entries.retain(|it| it.base != entry.base);
        entries.push(entry);
        let surplus = entries.len().saturating_sub(MAX_ENTRIES);
        entries.drain(..surplus);
        let text = serde_json::to_vec(&entries).map_err(|error| wrong(error.into()))?;
        replace(&self.path, &text).map_err(wrong)
    }

    /// The packages of this commit, if they were built and every file is still what it was.
    pub(super) fn built(&self, base: &PackageBase, commit: &CommitId) -> Option<Vec<Artifact>> {
        let entries = self.read();
        let is_it = |it: &&Resumable| {
            it.base == base.as_str() && it.commit == commit.as_str() && it.failed.is_none()
        };
        let entry = entries.iter().find(is_it).filter(|it| !it.packages.is_empty())?;
        entry.packages.iter().map(Kept::artifact).collect()
    }
}

impl Kept {
    pub(super) fn of(artifact: &Artifact) -> Self {
        Self {
            name: artifact.name.clone(),
            architecture: artifact.architecture.clone(),
            version: artifact.version.clone(),
            file_name: artifact.file_name.clone(),
            path: artifact.path.clone().into(),
            size: artifact.size,
            sha256: artifact.sha256.clone(),
            grade: artifact.grade.as_str().to_owned(),
        }
    }

    /// The artifact, if its file has the digest that was noted.
    fn artifact(&self) -> Option<Artifact> {
        let mut file = fs::File::open(&self.path).ok()?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 17];
        loop {
            let read = file.read(&mut buffer).ok()?;
            if read == 0 {
                break;
            }
            digest.update(buffer.get(..read)?);
        }
        (hexadecimal(&digest.finalize()) == self.sha256).then_some(())?;
        Some(Artifact {
            name: self.name.clone(),
            architecture: self.architecture.clone(),
            version: self.version.clone(),
            repository: "aur".to_owned(),
            file_name: self.file_name.clone(),
            path: self.path.display().to_string(),
            size: self.size,
            sha256: self.sha256.clone(),
            signature: None,
            grade: Grade::of(&self.grade)?,
        })
    }
}
