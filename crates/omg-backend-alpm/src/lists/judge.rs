//! Whether a database may take the place of the one that is there.
//!
//! Arch's databases have no date of their own, so the newest `BUILDDATE` in them stands for it. It can
//! go back without any attack, when the newest package is moved elsewhere; so an older one is refused
//! only if a package in it is older, too, or if there is nothing left to compare it with.

use omg_core::Rfc3339;

use super::state::Remembered;
use super::summary::Summary;
use crate::error::Error;
use crate::version;

/// What is known of a database from before.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The one in place.
    pub(super) summary: Option<Summary>,
    /// It has a signature beside it.
    pub(super) signed: bool,
    /// What was accepted at any time.
    pub(super) remembered: Option<Remembered>,
}

impl Before {
    /// Was any of them signed?
    pub(super) fn was_signed(&self) -> bool {
        self.signed || self.remembered.is_some_and(|it| it.signed)
    }
}

/// May it come?
pub(super) fn successor(repository: &str, new: &Summary, before: &Before) -> Result<(), Error> {
    let remembered = before.remembered.and_then(|it| it.newest);
    let have = before.summary.as_ref().and_then(|it| it.newest).max(remembered);
    if new.newest >= have || omg_failpoint::weak!("01") {
        return Ok(());
    }
    let goes_back = match &before.summary {
        Some(old) => new.versions.iter().any(|(name, new)| {
            old.versions.get(name).is_some_and(|old| version::compare(new, old).is_lt())
        }),
        None => true,
    };
    if !goes_back {
        return Ok(());
    }
    let text = |date: Option<u64>| date.map_or("no date".into(), |it| Rfc3339(it).to_string());
    Err(Error::Rollback {
        what: repository.to_owned(),
        have: text(have),
        offered: text(new.newest),
    })
}

/// Is it of its time? `max_age_s` is the policy's: such a database says nothing of itself.
pub(super) fn fresh(
    repository: &str,
    newest: Option<u64>,
    max_age_s: Option<u64>,
    now: u64,
) -> Result<(), Error> {
    let (Some(limit), Some(newest)) = (max_age_s, newest) else { return Ok(()) };
    if now.saturating_sub(newest) <= limit || omg_failpoint::weak!("02") {
        return Ok(());
    }
    let (what, newest) = (repository.to_owned(), Rfc3339(newest).to_string());
    Err(Error::Expired { what, newest, days: limit / 86_400 })
}
