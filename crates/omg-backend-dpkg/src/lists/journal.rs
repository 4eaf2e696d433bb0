//! Swaps that were cut off.
//!
//! Prepared files lie in `lists/.omg` (`partial` belongs to apt's unprivileged user), the journal is
//! `var/lib/omg/state/lists.journal`. Release files are renamed last, so that apt by itself would
//! fetch everything anew after a crash in the middle.

use std::path::Path;

use omg_backend::swap::Place;
use omg_core::Fault;

use super::lock::Lock;
use super::state;
use crate::apt::Conf;

/// Where lists are swapped.
pub(super) fn place(root: &Path, lists: &Path) -> Place {
    Place {
        target: lists.to_path_buf(),
        room: lists.join(".omg"),
        journal: state::directory(root).join("lists.journal"),
        state: state::file(root),
    }
}

/// Was a swap cut off?
pub fn interrupted(root: &Path) -> bool {
    place(root, &Conf::read(root).dir("Dir::State::lists")).is_interrupted()
}

/// Finishes a swap that was cut off, under apt's lock of the lists. Answers with the lines that tell
/// what was done; none if there was nothing to do.
pub fn recover(root: &Path) -> Result<Vec<String>, Fault> {
    let lists = Conf::read(root).dir("Dir::State::lists");
    let place = place(root, &lists);
    if !place.is_interrupted() && place.room.symlink_metadata().is_err() {
        return Ok(Vec::new());
    }
    let _lock = Lock::take(&lists)?;
    let finished = place.finish()?;
    Ok(finished
        .then(|| "the lists that came last are in place now".to_owned())
        .into_iter()
        .collect())
}
