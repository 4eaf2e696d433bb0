//! Where files come to.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use omg_core::{Code, Fault};
use omg_fetch::Fetcher;
use tokio::sync::OnceCell;

/// What fetches files, and where they are kept. Paths must lead through no link: the engine, as root,
/// follows none.
#[derive(Clone, Debug)]
pub struct Place {
    /// Fetches, into its store.
    pub fetcher: Fetcher,
    /// Directory of lists on their way to the system; made if it is missing.
    pub lists: PathBuf,
    /// Where versions are asked for that no repository has any more; nowhere if absent.
    pub archive: Option<Archive>,
}

/// A distribution's archive of all that it ever published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Archive {
    /// How it is laid out.
    pub layout: Layout,
    /// Its address, without a slash at the end.
    pub base: String,
    /// Directory that files of it come to; made if it is missing.
    pub directory: PathBuf,
}

/// How an archive is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// As archive.archlinux.org/packages: files by name, signatures beside them.
    Arch,
    /// As snapshot.debian.org: an index by name and version, files by SHA-1.
    Debian,
}

type Open = dyn Fn() -> Result<Place, Fault> + Send + Sync;

/// A [`Place`] that is opened when it is first needed: reading the certificates that mirrors are
/// checked with takes as long as half the start of a daemon. Clones open it once.
#[derive(Clone)]
pub struct Downloads(Arc<Inner>);

struct Inner {
    open: Box<Open>,
    place: OnceCell<Place>,
}

impl Downloads {
    /// A place that `open` opens, which may block. If it fails, it is asked again the next time.
    pub fn new(open: impl Fn() -> Result<Place, Fault> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { open: Box::new(open), place: OnceCell::new() }))
    }

    pub(crate) async fn place(&self) -> Result<&Place, Fault> {
        let inner = self.0.clone();
        let open = || async move {
            let opened = tokio::task::spawn_blocking(move || (inner.open)()).await;
            opened.map_err(|error| {
                Fault::caused_by(Code::Internal, "opening the store of downloads panicked", &error)
            })?
        };
        self.0.place.get_or_try_init(open).await
    }
}

impl fmt::Debug for Downloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downloads").field("place", &self.0.place.get()).finish_non_exhaustive()
    }
}

/// The fault of a daemon that has no place to keep files in.
pub(crate) fn nowhere() -> Fault {
    Fault::new(Code::Unwritable, "there is no directory to keep downloads in")
        .hint("set HOME or XDG_CACHE_HOME, then `omg daemon restart`")
}
