//! First stage: sources come here, with the network and without the recipe's code.

mod repository;
mod web;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use omg_core::{Fault, Progress};

use super::Heard;
use super::error::{BuildError, shown};
use super::source::{Place, Source};
use super::sums::{differing, hexadecimal};
use crate::recipes::Files;

pub(super) use repository::Repositories;
pub use web::Web;

/// Something that gets files from servers.
///
/// It follows redirects as it sees fit, and asks nobody who is named by an address of this network.
pub trait Downloader: Send + Sync {
    /// Writes what is at `url` to `into`, at most `limit` bytes, and says how far it is: bytes here, bytes
    /// in all where that is known. It blocks.
    ///
    /// # Errors
    /// If it can't be had whole, or is larger.
    fn download(
        &self,
        url: &str,
        into: &mut File,
        limit: u64,
        heard: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Fault>;
}

/// Sources as they are kept between builds, and the limits for them.
pub(super) struct Fetching<'a> {
    pub(super) downloader: &'a dyn Downloader,
    pub(super) repositories: &'a Repositories,
    /// Downloads, by what they are.
    pub(super) kept: PathBuf,
    /// Bytes of all sources of one recipe.
    pub(super) limit: u64,
    /// Addresses on this machine may be asked.
    pub(super) local: bool,
}

impl Fetching<'_> {
    /// Puts every source into `into`: files as they are, repositories bare.
    pub(super) fn fetch(
        &self,
        sources: &[Source],
        recipe: &Files,
        into: &Path,
        heard: &Heard<'_>,
    ) -> Result<(), BuildError> {
        let mut left = self.limit;
        for (item, source) in (0_u32..).zip(sources) {
            let target = into.join(&source.name);
            let mut say = |done, total, finished| {
                heard(Progress::File { item, name: shown(&source.name), done, total, finished });
            };
            let taken = match &source.place {
                Place::Recipe => {
                    if recipe.get(&source.name).is_none() {
                        return Err(BuildError::source(
                            &source.name,
                            "the recipe has no such file",
                        ));
                    }
                    continue;
                }
                Place::Web { url } => self.file(url, source, &target, left, &mut say)?,
                Place::Git { url, reference, .. } => {
                    if url.starts_with("file:") && !self.local {
                        let reason = "a repository on this machine is not asked";
                        return Err(BuildError::source(&source.name, reason));
                    }
                    say(0, None, false);
                    let kept = self.repositories.fetch(&source.name, url, reference)?;
                    repository::copy(&kept, &target, left)?
                }
            };
            left = left.saturating_sub(taken);
            say(taken, Some(taken), true);
        }
        Ok(())
    }

    /// One file; a kept one if its checksums fit and mean something.
    fn file(
        &self,
        url: &str,
        source: &Source,
        target: &Path,
        limit: u64,
        say: &mut dyn FnMut(u64, Option<u64>, bool),
    ) -> Result<u64, BuildError> {
        if url.starts_with("http://") && !source.is_pinned() && !self.local {
            let reason = "without TLS it needs a checksum that means something";
            return Err(BuildError::source(&source.name, reason));
        }
        let key = blake3::hash(format!("{url}\n{:?}", source.sums).as_bytes());
        let kept = self.kept.join(hexadecimal(key.as_bytes()));
        if source.is_pinned() && fits(&kept, source) {
            return copy(&kept, target);
        }
        let new = kept.with_extension("part");
        let fetched = self.download(url, source, &new, limit, say);
        if fetched.is_err() {
            let _left = fs::remove_file(&new);
        }
        fetched?;
        fs::rename(&new, &kept)
            .map_err(|error| BuildError::io(&kept, "keeping a source", error))?;
        let taken = copy(&kept, target)?;
        if !source.is_pinned() {
            // The next time it may be another file.
            let _left = fs::remove_file(&kept);
        }
        Ok(taken)
    }

    fn download(
        &self,
        url: &str,
        source: &Source,
        new: &Path,
        limit: u64,
        say: &mut dyn FnMut(u64, Option<u64>, bool),
    ) -> Result<(), BuildError> {
        let mut file = File::create(new)
            .map_err(|error| BuildError::io(new, "making a file for a source", error))?;
        self.downloader
            .download(url, &mut file, limit, &mut |done, total| say(done, total, false))
            .map_err(|fault| BuildError::source(&source.name, fault.to_string()))?;
        file.flush().map_err(|error| BuildError::io(new, "writing a source", error))?;
        let size = file.metadata().map_or(u64::MAX, |it| it.len());
        if size > limit {
            let reason = format!("the sources are more than {} MiB", self.limit >> 20);
            return Err(BuildError::source(&source.name, reason));
        }
        Ok(())
    }
}

fn fits(kept: &Path, source: &Source) -> bool {
    let compared = File::open(kept).and_then(|file| differing(file, &source.sums));
    matches!(compared, Ok(None))
}

/// Copies a file that is ours; a link would give the build the kept one to write to.
fn copy(from: &Path, to: &Path) -> Result<u64, BuildError> {
    fs::copy(from, to).map_err(|error| BuildError::io(to, "copying a source", error))
}
