//! Sync databases on their way into the system: fetched by the user's daemon, verified by `SigLevel`,
//! and put into place by the engine, all or none, exactly as pacman names and keeps them.
//!
//! [`Alpm`](crate::Alpm) fetches without any right: what it leaves in a directory is a proposal.
//! [`install()`] is the side of root, and believes nothing of it. `docs/sync.md` has the flow and how it
//! differs from pacman's.

pub(crate) mod fetch;
mod install;
mod judge;
pub(crate) mod keys;
mod state;
mod summary;

use std::path::Path;

use omg_backend::swap::Place;
use omg_core::Fault;

pub use install::install;

use crate::conf::Conf;

/// Largest database that is fetched, bytes: a database with lists of files of Arch's largest
/// repository has 60 MB.
const LARGEST_DATABASE: u64 = 256 << 20;

/// Does this database hold the packages' lists of files?
fn is_files(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|it| it == "files")
}

/// Where databases are swapped.
fn place(root: &Path, conf: &Conf) -> Place {
    let sync = conf.db_path.join("sync");
    Place {
        room: sync.join(".omg"),
        target: sync,
        journal: state::directory(root).join("databases.journal"),
        state: state::file(root),
    }
}

/// Was a swap cut off?
pub fn interrupted(root: &Path) -> bool {
    place(root, &Conf::read(root)).is_interrupted()
}

/// Finishes a swap that was cut off; the caller holds pacman's lock. Answers with the lines that tell
/// what was done; none if there was nothing to do.
pub fn recover(root: &Path) -> Result<Vec<String>, Fault> {
    let place = place(root, &Conf::read(root));
    if !place.is_interrupted() && place.room.symlink_metadata().is_err() {
        return Ok(Vec::new());
    }
    let finished = place.finish()?;
    let line = "the databases that came last are in place now".to_owned();
    Ok(finished.then_some(line).into_iter().collect())
}
