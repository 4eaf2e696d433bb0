//! Where files come to.

use std::path::PathBuf;

use omg_core::{Code, Fault};
use omg_fetch::Fetcher;

/// What fetches files, and where they are kept. Paths must lead through no link: the engine, as root,
/// follows none.
#[derive(Clone, Debug)]
pub struct Downloads {
    /// Fetches, into its store.
    pub fetcher: Fetcher,
    /// Directory of lists on their way to the system; made if it is missing.
    pub lists: PathBuf,
}

/// The fault of a daemon that has no place to keep files in.
pub(crate) fn nowhere() -> Fault {
    Fault::new(Code::Unwritable, "there is no directory to keep downloads in")
        .hint("set HOME or XDG_CACHE_HOME, then `omg daemon restart`")
}
