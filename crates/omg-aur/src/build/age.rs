//! How long a commit has been out. What was pushed a moment ago has been looked at by nobody.
//!
//! The date in a commit is its author's word, and the AUR may not say when it was pushed. What can't be
//! argued with is when this machine saw the commit first, so that is written down.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::BuildError;
use crate::recipes::{CommitId, PackageBase};

/// The file below the builder's directory.
const FILE: &str = "first-seen";
/// Commits that are remembered; the oldest are forgotten, and then only their dates speak for them.
const MAX_SEEN: usize = 20_000;
/// Bytes of the file.
const MAX_BYTES: u64 = 8 << 20;

/// When commits were seen first: `BASE TAB COMMIT TAB SECONDS`, one a line.
#[derive(Debug)]
pub(super) struct Seen {
    path: PathBuf,
}

/// What is known of the age of a commit; seconds since the epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dates {
    /// By the commit's own word.
    pub(super) committed: u64,
    /// When the AUR says that the recipe was last changed; 0 if it does not say.
    pub(super) pushed: u64,
    /// When it was seen here first.
    pub(super) seen: u64,
}

impl Seen {
    pub(super) fn new(directory: &Path) -> Self {
        Self { path: directory.join(FILE) }
    }

    /// When this commit was seen first; now, if it was not seen before. It is on disk when this returns.
    pub(super) fn note(
        &self,
        base: &PackageBase,
        commit: &CommitId,
        now: u64,
    ) -> Result<u64, BuildError> {
        let wrong = |source| BuildError::io(&self.path, "noting when a commit was seen", source);
        let lock = fs::File::create(self.path.with_extension("lock")).map_err(wrong)?;
        lock.lock().map_err(wrong)?;
        let mut entries = self.read().map_err(wrong)?;
        let key = (base.as_str().to_owned(), commit.as_str().to_owned());
        // A clock that was set back makes nothing older.
        if let Some(seen) = entries.get(&key) {
            return Ok((*seen).min(now));
        }
        entries.insert(key, now);
        while entries.len() > MAX_SEEN {
            let oldest = entries.iter().min_by_key(|(_, seen)| **seen).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            entries.remove(&oldest);
        }
        let mut text = String::new();
        for ((base, commit), seen) in &entries {
            text.extend([base, "\t", commit, "\t", &seen.to_string(), "\n"]);
        }
        replace(&self.path, text.as_bytes()).map_err(wrong)?;
        Ok(now)
    }

    fn read(&self) -> std::io::Result<BTreeMap<(String, String), u64>> {
        let mut text = String::new();
        match fs::File::open(&self.path) {
            Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        // A line that makes no sense is one that was never written: its commit counts as new.
        Ok(text.lines().filter_map(line).take(MAX_SEEN).collect())
    }
}

fn line(line: &str) -> Option<((String, String), u64)> {
    let mut fields = line.split('\t');
    let base = PackageBase::new(fields.next()?).ok()?;
    let commit = CommitId::new(fields.next()?).ok()?;
    let seen = fields.next()?.parse().ok()?;
    Some(((base.as_str().to_owned(), commit.as_str().to_owned()), seen))
}

/// New contents or old, never half of them.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = directory.join(format!(".{name}.{}", std::process::id()));
    let written = fs::File::create(&new)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path))
        .and_then(|()| fs::File::open(directory)?.sync_all());
    if written.is_err() {
        let _left = fs::remove_file(&new);
    }
    written
}

/// Is the commit old enough?
///
/// It is if this machine has known it for so long, whatever the dates say. Else its dates count: its own,
/// and the AUR's where that says something; the newer of them. One that lies ahead is not old.
pub(super) fn check(dates: Dates, now: u64, wanted: Duration) -> Result<(), BuildError> {
    let wanted = wanted.as_secs();
    let age = |time: u64| now.saturating_sub(time);
    let newest = dates.committed.max(dates.pushed);
    if omg_failpoint::weak!("32") {
        return Ok(());
    }
    if age(dates.seen) >= wanted || (newest > 0 && age(newest) >= wanted) {
        return Ok(());
    }
    let reason = if newest == 0 {
        format!(
            "nobody says when the recipe was changed, and it was first seen here {}",
            ago(age(dates.seen))
        )
    } else {
        format!(
            "the recipe was changed {}, and changes are to be out for {}",
            ago(age(newest)),
            span(wanted)
        )
    };
    Err(BuildError::Young { reason })
}

fn ago(seconds: u64) -> String {
    format!("{} ago", span(seconds))
}

fn span(seconds: u64) -> String {
    match seconds {
        0..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const NOW: u64 = 1_800_000_000;

    fn passes(committed: u64, pushed: u64, seen: u64) -> bool {
        check(Dates { committed, pushed, seen }, NOW, Duration::from_secs(3 * DAY)).is_ok()
    }

    #[test]
    fn the_newest_date_counts_unless_the_commit_is_known_for_long() {
        assert!(passes(NOW - 4 * DAY, NOW - 4 * DAY, NOW));
        assert!(!passes(NOW - 2 * DAY, NOW - 4 * DAY, NOW));
        assert!(!passes(NOW - 4 * DAY, NOW - 2 * DAY, NOW), "an old date in a new push");
        assert!(!passes(NOW + DAY, NOW - 9 * DAY, NOW), "a date ahead");
        assert!(passes(NOW + DAY, NOW + DAY, NOW - 4 * DAY), "known for long");
        assert!(passes(NOW - 4 * DAY, 0, NOW), "the AUR does not say, the commit does");
        assert!(!passes(NOW - DAY, 0, NOW), "unknown is no pass");
        assert!(!passes(0, 0, NOW), "unknown is no pass");
        assert!(passes(0, 0, NOW - 3 * DAY));
    }

    #[test]
    fn row_32_a_commit_of_today_is_not_built() {
        let test = "build::age::tests::row_32_a_commit_of_today_is_not_built";
        if std::env::var_os("OMG_WEAKEN").is_some() {
            assert!(passes(NOW, NOW, NOW), "the attack fails without the check, too");
            return;
        }
        assert!(!passes(NOW, NOW, NOW));
        let weakened = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env("OMG_WEAKEN", "32")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&weakened.stdout);
        assert!(weakened.status.success() && said.contains("1 passed"), "{said}");
    }

    #[test]
    fn a_commit_is_seen_first_once() {
        let directory = tempfile::tempdir().unwrap();
        let seen = Seen::new(directory.path());
        let base = PackageBase::new("a").unwrap();
        let commit = CommitId::new(&"a".repeat(40)).unwrap();
        assert_eq!(seen.note(&base, &commit, 100).unwrap(), 100);
        assert_eq!(seen.note(&base, &commit, 900).unwrap(), 100);
        assert_eq!(Seen::new(directory.path()).note(&base, &commit, 50).unwrap(), 50);
        let other = CommitId::new(&"b".repeat(40)).unwrap();
        assert_eq!(seen.note(&base, &other, 900).unwrap(), 900);
    }
}
