//! Git repositories among sources: fetched as recipes are, into bare repositories of the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::BuildError;
use super::super::source::Reference;
use super::super::sums::{Sum, differing, hexadecimal};
use crate::recipes::git::{Git, Run, private_directory};
use crate::recipes::{CommitId, RecipeError};

/// How long one run of git may take; large projects are large.
const DEADLINE: Duration = Duration::from_mins(30);
/// Bytes of an archive whose checksum is computed.
const MAX_ARCHIVE: usize = 512 << 20;
const FETCHING: &str = "fetching a source";

/// Repositories that were fetched.
#[derive(Debug)]
pub(in crate::build) struct Repositories {
    directory: PathBuf,
    home: PathBuf,
    limit: u64,
}

impl Repositories {
    /// Repositories below this directory, each of at most `limit` bytes.
    pub(in crate::build) fn new(directory: &Path, limit: u64) -> Result<Self, BuildError> {
        let home = directory.join("home");
        private_directory(&home)?;
        Ok(Self { directory: directory.to_path_buf(), home, limit })
    }

    fn git(&self, url: &str) -> Git {
        let scheme = match url.split(':').next() {
            Some("http") => "http",
            Some("git") => "git",
            Some("file") => "file",
            _ => "https",
        };
        Git { home: self.home.clone(), scheme, deadline: DEADLINE, max_repository: self.limit }
    }

    fn place(&self, url: &str) -> PathBuf {
        let name = hexadecimal(blake3::hash(url.as_bytes()).as_bytes());
        self.directory.join(format!("{name}.git"))
    }

    /// Fetches all branches and tags, and makes sure that what is wanted is among them.
    pub(super) fn fetch(
        &self,
        name: &str,
        url: &str,
        reference: &Reference,
    ) -> Result<PathBuf, BuildError> {
        let (git, place) = (self.git(url), self.place(url));
        if let Reference::Commit(commit) = reference
            && place.join("HEAD").exists()
            && commit_of(&git, &place, commit.as_str())?.is_some()
        {
            return Ok(place);
        }
        let fresh = !place.join("HEAD").exists();
        if fresh {
            let init = ["init", "--quiet", "--bare", "--template=", "--initial-branch=master"];
            git.succeed(&place, &Run::of("making a repository", &init))?;
        }
        let fetched = update(&git, &place, url);
        if fetched.is_err() && fresh {
            let _left = fs::remove_dir_all(&place);
        }
        fetched.map_err(|error| BuildError::source(name, error.to_string()))?;
        let wanted = match reference {
            Reference::Newest => "HEAD",
            Reference::Commit(commit) => commit.as_str(),
            Reference::Name(name) => name,
        };
        if commit_of(&git, &place, wanted)?.is_none() {
            return Err(BuildError::source(name, format!("the repository has no '{wanted}'")));
        }
        Ok(place)
    }

    /// Compares the checksums of pacman 6.1 and later: those of `git archive`.
    pub(in crate::build) fn differing<'a>(
        &self,
        url: &str,
        reference: &Reference,
        sums: &'a [Sum],
    ) -> Result<Option<&'a Sum>, BuildError> {
        let name = match reference {
            Reference::Newest => "HEAD",
            Reference::Commit(commit) => commit.as_str(),
            Reference::Name(name) => name,
        };
        let arguments = ["-c", "core.abbrev=no", "archive", "--format=tar", name];
        let run = Run {
            max_output: MAX_ARCHIVE,
            ..Run::of("making the archive of a source", &arguments)
        };
        let place = self.place(url);
        let output = self.git(url).succeed(&place, &run)?;
        differing(&output.bytes[..], sums)
            .map_err(|error| BuildError::io(&place, "computing a checksum", error))
    }
}

/// Everything that the other side has, and which of its branches is the usual one.
fn update(git: &Git, place: &Path, url: &str) -> Result<(), RecipeError> {
    let listing = ["ls-remote", "--quiet", "--symref", "--end-of-options", url, "HEAD"];
    let listed = git.succeed(place, &Run::of(FETCHING, &listing))?;
    let arguments = [
        "fetch",
        "--quiet",
        "--prune",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
        "--no-auto-gc",
        "--force",
        "--end-of-options",
        url,
        "+refs/heads/*:refs/heads/*",
        "+refs/tags/*:refs/tags/*",
    ];
    git.succeed(place, &Run::of(FETCHING, &arguments))?;
    let text = String::from_utf8_lossy(&listed.bytes).into_owned();
    let head = text.lines().find_map(|line| line.strip_prefix("ref: ")?.strip_suffix("\tHEAD"));
    if let Some(head) = head.filter(|head| head.starts_with("refs/heads/")) {
        let set = ["symbolic-ref", "--", "HEAD", head];
        git.succeed(place, &Run::of("noting the branch of a source", &set))?;
    }
    Ok(())
}

fn commit_of(git: &Git, place: &Path, name: &str) -> Result<Option<CommitId>, BuildError> {
    let revision = format!("{name}^{{commit}}");
    let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &revision];
    let output = git.run(place, &Run::of("finding a commit", &arguments))?;
    let text = String::from_utf8_lossy(&output.bytes).into_owned();
    // Newer versions of git repeat the option.
    let id = text.lines().map(str::trim).find(|line| !line.starts_with('-'));
    Ok(id.filter(|_| output.status.success()).and_then(|id| CommitId::new(id).ok()))
}

/// Copies a bare repository that is ours; at most `limit` bytes.
pub(super) fn copy(from: &Path, to: &Path, limit: u64) -> Result<u64, BuildError> {
    let wrong = |path: &Path, error| BuildError::io(path, "copying a repository", error);
    let mut taken: u64 = 0;
    let mut left = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = left.pop() {
        fs::create_dir(&to).map_err(|error| wrong(&to, error))?;
        for entry in fs::read_dir(&from).map_err(|error| wrong(&from, error))? {
            let entry = entry.map_err(|error| wrong(&from, error))?;
            let (path, target) = (entry.path(), to.join(entry.file_name()));
            let kind = entry.file_type().map_err(|error| wrong(&path, error))?;
            if kind.is_dir() {
                left.push((path, target));
            } else if kind.is_file() {
                taken += fs::copy(&path, &target).map_err(|error| wrong(&target, error))?;
            }
            if taken > limit {
                let reason = format!("the sources are more than {} MiB", limit >> 20);
                return Err(BuildError::source(&from.display().to_string(), reason));
            }
        }
    }
    Ok(taken)
}
