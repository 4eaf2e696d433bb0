//! `Sync`: lists are fetched into a directory, from which the engine puts them into place.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use omg_backend::PackageManager;
use omg_core::{Code, Fault, Progress, Reporter};
use omg_proto::Reply;

use crate::catalogue::Catalogue;

/// A directory whose client never came back for it goes after this time.
const KEPT: Duration = Duration::from_hours(1);

pub(crate) async fn answer<B: PackageManager>(
    catalogue: &Catalogue<B>,
    reporter: &Reporter,
) -> Result<Reply<'static>, Fault> {
    let downloads = catalogue.downloads().await?;
    let directory = Directory::make(&downloads.lists, KEPT)?;
    let heard = |event| reporter.report(event);
    let fetched =
        catalogue.backend().fetch_lists(&downloads.fetcher, &directory.path, &heard).await?;
    for text in fetched.warnings {
        reporter.report(Progress::Note { text });
    }
    let unchanged = u32::try_from(fetched.unchanged.len()).unwrap_or(u32::MAX);
    // Without anything in it, it goes at once.
    let directory = if fetched.changed.is_empty() { String::new() } else { directory.keep()? };
    Ok(Reply::Lists { directory, changed: fetched.changed, unchanged })
}

/// A new directory, deleted with all that is in it unless it is kept.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    kept: bool,
}

impl Directory {
    /// Makes it, and deletes those that are older than `kept`.
    pub(super) fn make(parent: &Path, kept: Duration) -> Result<Self, Fault> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let failed = |error| {
            let message = format!("{} can't be written", parent.display());
            Fault::caused_by(Code::Unwritable, message, &error)
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        forget(parent, kept).map_err(failed)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("{now:x}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let path = parent.join(name);
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
        Ok(Self { path, kept: false })
    }

    pub(super) fn keep(mut self) -> Result<String, Fault> {
        let path = self.path.clone().into_os_string().into_string().map_err(|path| {
            let message = format!("{} is no UTF-8", Path::new(&path).display());
            Fault::new(Code::Unwritable, message).hint("set XDG_CACHE_HOME to another path")
        })?;
        self.kept = true;
        Ok(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            // The next one that is made deletes it.
            tracing::debug!(path = %self.path.display(), %error, "lists are left behind");
        }
    }
}

/// Deletes what was fetched for commands that are long over.
fn forget(parent: &Path, kept: Duration) -> std::io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if age > kept {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
