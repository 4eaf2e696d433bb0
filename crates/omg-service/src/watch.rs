//! Says when the system may have changed.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

/// Events come in bursts; this long after the first one the rest is taken as the same change.
const SETTLE: Duration = Duration::from_millis(100);

/// Looked at this often even without events: network file systems and bind mounts send none.
const POLL: Duration = Duration::from_secs(5);

/// And this often where inotify is not to be had.
const POLL_BLIND: Duration = Duration::from_millis(500);

/// Watches paths through inotify, with a slow poll below it.
///
/// It watches directories rather than files, since files are replaced by renaming.
pub(crate) struct Watch {
    paths: Vec<PathBuf>,
    inotify: Option<AsyncFd<OwnedFd>>,
    /// The kernel's numbers of the directories.
    watched: BTreeSet<i32>,
}

impl Watch {
    /// Watches these paths, some of which may not be there yet.
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(std::io::Error::from)
            .and_then(registered)
            .inspect_err(
                |error| tracing::warn!(%error, "no inotify; changes are looked for twice a second"),
            )
            .ok();
        let mut watch = Self { paths, inotify, watched: BTreeSet::new() };
        watch.watch();
        watch
    }

    /// Waits until something may have changed: `true` if there was an event, `false` if it is only
    /// time to look. Dropping it loses nothing.
    pub(crate) async fn changed(&mut self) -> bool {
        let Some(inotify) = &self.inotify else {
            tokio::time::sleep(POLL_BLIND).await;
            return false;
        };
        let event = tokio::time::timeout(POLL, inotify.readable()).await.map(drop).is_ok();
        if event {
            tokio::time::sleep(SETTLE).await;
            self.drain().await;
        }
        self.watch();
        event
    }

    /// Throws away what is queued: whatever it says, the generations are looked at.
    async fn drain(&self) {
        let mut buffer = [std::mem::MaybeUninit::<u8>::uninit(); 4096];
        let Some(inotify) = &self.inotify else { return };
        loop {
            let Ok(mut ready) = inotify.readable().await else { break };
            let mut reader = inotify::Reader::new(inotify.get_ref(), &mut buffer);
            let result = ready.try_io(|_| {
                loop {
                    if let Err(error) = reader.next() {
                        return Err::<(), _>(std::io::Error::from(error));
                    }
                }
            });
            match result {
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                _ => break,
            }
        }
    }

    /// Watches what is at the paths now. Every time all of them, as not every way in which a
    /// directory takes another's place is an event of either: the kernel knows those that it watches
    /// already, and gives them the number that they have.
    fn watch(&mut self) {
        let Some(inotify) = &self.inotify else { return };
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let mut watched = BTreeSet::new();
        for directory in self.paths.iter().filter_map(|path| nearest_directory(path)) {
            match inotify::add_watch(inotify.get_ref(), &directory, flags) {
                Ok(number) => {
                    watched.insert(number);
                }
                Err(error) => {
                    tracing::debug!(%error, path = %directory.display(), "not watched; polled");
                }
            }
        }
        for &number in self.watched.difference(&watched) {
            // Refused if the directory is gone, and its watch with it.
            let _ = inotify::remove_watch(inotify.get_ref(), number);
        }
        self.watched = watched;
    }
}

#[expect(
    deprecated,
    reason = "what replaces it is unsafe for descriptors that change; an OwnedFd does not"
)]
fn registered(inotify: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(inotify)
}

/// The path if it is a directory, else the nearest one above it that is there.
fn nearest_directory(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|path| path.is_dir()).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Time is the runtime's: polls cost none, and what is queued by the kernel comes before them.
    async fn quiet(watch: &mut Watch) {
        while watch.changed().await {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_takes_anothers_place_is_watched() {
        let root = tempfile::tempdir().unwrap();
        let (lists, old) = (root.path().join("lists"), root.path().join("lists.old"));
        fs::create_dir(&lists).unwrap();
        let mut watch = Watch::new(vec![lists.clone()]);
        quiet(&mut watch).await;
        for round in 0..3 {
            fs::rename(&lists, &old).unwrap();
            fs::create_dir(&lists).unwrap();
            assert!(watch.changed().await, "round {round}: the move");
            quiet(&mut watch).await;
            fs::write(lists.join("Packages"), "new").unwrap();
            assert!(watch.changed().await, "round {round}: a file in the new directory");
            quiet(&mut watch).await;
            fs::write(old.join("Packages"), "old").unwrap();
            assert!(!watch.changed().await, "round {round}: a file in the old directory");
            fs::remove_dir_all(&old).unwrap();
            quiet(&mut watch).await;
        }
    }

    /// None of it is an event of the directory itself.
    #[tokio::test(start_paused = true)]
    async fn so_is_one_below_a_directory_that_was_moved() {
        let root = tempfile::tempdir().unwrap();
        let lists = root.path().join("apt/lists");
        fs::create_dir_all(&lists).unwrap();
        let mut watch = Watch::new(vec![lists.clone()]);
        fs::rename(root.path().join("apt"), root.path().join("apt.old")).unwrap();
        fs::create_dir_all(&lists).unwrap();
        quiet(&mut watch).await;
        fs::write(lists.join("Packages"), "new").unwrap();
        assert!(watch.changed().await);
    }

    #[tokio::test(start_paused = true)]
    async fn and_one_that_was_not_there_at_first() {
        let root = tempfile::tempdir().unwrap();
        let lists = root.path().join("apt/lists");
        let mut watch = Watch::new(vec![lists.clone()]);
        for directory in [root.path().join("apt"), lists.clone()] {
            fs::create_dir(directory).unwrap();
            assert!(watch.changed().await);
            quiet(&mut watch).await;
        }
        fs::write(lists.join("Packages"), "new").unwrap();
        assert!(watch.changed().await);
    }
}
