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
    watched: BTreeSet<PathBuf>,
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
        watch.add();
        watch
    }

    /// Waits until something may have changed. Dropping it loses nothing.
    pub(crate) async fn changed(&mut self) {
        let Some(inotify) = &self.inotify else {
            tokio::time::sleep(POLL_BLIND).await;
            return;
        };
        if let Ok(event) = tokio::time::timeout(POLL, inotify.readable()).await {
            drop(event);
            tokio::time::sleep(SETTLE).await;
            self.drain().await;
        }
        // Directories may have come, or come back.
        self.add();
    }

    /// Throws away what is queued: whatever it says, the generations are looked at.
    async fn drain(&mut self) {
        let mut buffer = [std::mem::MaybeUninit::<u8>::uninit(); 4096];
        let Some(inotify) = &self.inotify else { return };
        let mut gone = false;
        loop {
            let Ok(mut ready) = inotify.readable().await else { break };
            let mut reader = inotify::Reader::new(inotify.get_ref(), &mut buffer);
            let result = ready.try_io(|_| {
                loop {
                    match reader.next() {
                        Ok(event) => {
                            gone |= event.events().contains(inotify::ReadFlags::IGNORED);
                        }
                        Err(error) => return Err::<(), _>(std::io::Error::from(error)),
                    }
                }
            });
            match result {
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        if gone {
            // A directory went away; the next `add` finds it, or its parent, again.
            self.watched.clear();
        }
    }

    fn add(&mut self) {
        let Some(inotify) = &self.inotify else { return };
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        for directory in self.paths.iter().filter_map(|path| nearest_directory(path)) {
            if self.watched.contains(&directory) {
                continue;
            }
            match inotify::add_watch(inotify.get_ref(), &directory, flags) {
                Ok(_) => {
                    self.watched.insert(directory);
                }
                Err(error) => {
                    tracing::debug!(%error, path = %directory.display(), "not watched; polled");
                }
            }
        }
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
