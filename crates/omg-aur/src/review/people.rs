//! Who maintains the package, since when, and how old it is.

use omg_core::Severity::{Caution, Danger, Note};
use omg_core::{AurFacts, Rfc3339};

use super::risk::{Found, Risk};
use crate::recipes::ReviewedCommit;

const DAY: u64 = 86_400;

/// What is known of the package besides its recipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts<'a> {
    /// What the AUR says of it.
    pub aur: AurFacts<'a>,
    /// The time of the review, seconds since the epoch.
    pub now: u64,
    /// A package first submitted fewer days ago is new.
    pub new_days: u64,
    /// A change fewer days ago, under another maintainer, is a young adoption.
    pub adopted_days: u64,
}

impl<'a> Facts<'a> {
    /// With 30 days for new packages and 14 for adoptions.
    pub fn new(aur: AurFacts<'a>, now: u64) -> Self {
        Self { aur, now, new_days: 30, adopted_days: 14 }
    }
}

/// Marks people and ages.
pub(super) fn look(found: &mut Found, facts: &Facts<'_>, last: Option<&ReviewedCommit>) {
    let AurFacts { maintainer, first_submitted, last_modified, out_of_date, .. } = facts.aur;
    // A clock behind the AUR's makes a package new, not old.
    let days = |since: u64| facts.now.saturating_sub(since) / DAY;
    if let Some(last) = last.filter(|last| last.maintainer.as_deref() != maintainer) {
        let before = last.maintainer.as_deref().unwrap_or("nobody");
        let text = format!("{before} -> {}", maintainer.unwrap_or("nobody"));
        // Nobody can do harm as nobody; whoever adopts it next is marked then.
        let severity = if maintainer.is_some() { Danger } else { Caution };
        found.add(Risk::MaintainerChanged, severity, "", 0, &text);
        if maintainer.is_some() && days(last_modified) < facts.adopted_days {
            let text = format!("{text}, changed {}", Rfc3339(last_modified));
            found.add(Risk::RecentlyAdopted, Danger, "", 0, &text);
        }
    }
    if maintainer.is_none() {
        found.add(Risk::Orphaned, Caution, "", 0, "no maintainer");
    }
    if days(first_submitted) < facts.new_days {
        let text = format!("first submitted {}", Rfc3339(first_submitted));
        found.add(Risk::NewPackage, Caution, "", 0, &text);
    }
    if let Some(since) = out_of_date {
        let text = format!("flagged {}", Rfc3339(since));
        found.add(Risk::OutOfDate, Note, "", 0, &text);
    }
}
