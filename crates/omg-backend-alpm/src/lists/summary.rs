//! What tells how old a database is: when its packages were built, and their versions.

use std::path::Path;

use ahash::AHashMap;

use crate::archive::{self, Limits, Visit};
use crate::desc;
use crate::error::Error;

/// A database in short.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// When the newest package was built, seconds since the epoch.
    pub(super) newest: Option<u64>,
    /// Versions by name.
    pub(super) versions: AHashMap<String, String>,
}

/// Reads a whole database, also to see that it is one.
pub(super) fn of(path: &Path, files: bool) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let limits = if files { Limits::FILES } else { Limits::DATABASE };
    archive::walk(path, limits, &mut summary)?;
    Ok(summary)
}

impl Visit for Summary {
    fn wanted(&mut self, path: &[u8]) -> bool {
        path.ends_with(b"/desc")
    }

    fn file(&mut self, path: &[u8], content: &[u8]) -> Result<(), Error> {
        let path = String::from_utf8_lossy(path);
        let directory = path.trim_end_matches("/desc").rsplit('/').next().unwrap_or("");
        let Some((name, version)) = desc::split_entry(directory) else { return Ok(()) };
        let text = String::from_utf8_lossy(content);
        let built = desc::first(&text, "BUILDDATE").and_then(|date| date.parse().ok());
        self.newest = self.newest.max(built);
        self.versions.insert(name.to_owned(), version.to_owned());
        Ok(())
    }
}
