//! What the user can ask for.

use core::ffi::CStr;

/// One thing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    /// Print from the snapshot.
    Count(Count),
    /// Let `omg` do it.
    Become(&'static CStr),
    /// Print a fixed text.
    Say(&'static [u8]),
}

/// Which numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Count {
    All,
    Total,
    Explicit,
    Orphans,
    Updates,
}

/// How to call this program.
pub(crate) const USAGE: &[u8] = b"\
usage: omg-fast status     packages, explicit, orphans, updates in one line
       omg-fast tc|ec|oc|uc   one number: total, explicit, orphans, updates
       omg-fast s TERM...     omg search
       omg-fast i PACKAGE...  omg info
Ends with 3 and prints nothing when there is no fresh snapshot.
";

/// The sibling is missing.
pub(crate) const NO_OMG: &[u8] = b"omg-fast: cannot run `omg` from the directory of omg-fast\n";

const VERSION: &[u8] = concat!("omg-fast ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

impl Verb {
    /// Finds a verb by the name it has on the command line.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"status" => Self::Count(Count::All),
            b"tc" => Self::Count(Count::Total),
            b"ec" => Self::Count(Count::Explicit),
            b"oc" => Self::Count(Count::Orphans),
            b"uc" => Self::Count(Count::Updates),
            b"s" => Self::Become(c"search"),
            b"i" => Self::Become(c"info"),
            b"-h" | b"--help" => Self::Say(USAGE),
            b"-V" | b"--version" => Self::Say(VERSION),
            _ => return None,
        })
    }
}
