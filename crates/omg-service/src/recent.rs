//! Plans that were answered lately, so that a change of them can be named.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use omg_core::{Code, Fault, Plan, Planned};

/// Plans that are remembered.
const PLANS: usize = 8;

/// Changes of all of them together; a plan beyond that is forgotten.
const CHANGES: usize = 20_000;

/// Differences that are named.
const NAMED: usize = 20;

/// The latest plans by their digests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RecentPlans(Mutex<VecDeque<(String, Vec<Planned>)>>);

impl RecentPlans {
    /// Remembers what a user is about to be shown.
    pub(crate) fn remember(&self, plan: &Plan) {
        let digest = plan.digest();
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|(known, _)| *known != digest);
        plans.push_back((digest, plan.changes.clone()));
        let all = |plans: &VecDeque<(String, Vec<Planned>)>| -> usize {
            plans.iter().map(|(_, changes)| changes.len()).sum()
        };
        while plans.len() > PLANS || all(&plans) > CHANGES {
            plans.pop_front();
        }
    }

    /// Says how a plan differs from the one that was approved, if it does.
    ///
    /// # Errors
    /// [`Code::PlanChanged`].
    pub(crate) fn check(&self, approved: &str, now: &Plan) -> Result<(), Fault> {
        if approved.is_empty() || now.digest() == approved {
            return Ok(());
        }
        let message = "the system is not as it was when the plan was approved";
        let mut fault =
            Fault::new(Code::PlanChanged, message).hint("ask again to see the new plan");
        let plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = plans.iter().find(|(digest, _)| digest == approved);
        let lines: Vec<String> = match before {
            Some((_, before)) => differences(before, &now.changes),
            None if now.changes.is_empty() => vec!["now there is nothing to do".to_owned()],
            None => now.changes.iter().map(|change| format!("now: {}", line(change))).collect(),
        };
        let more = lines.len().saturating_sub(NAMED);
        fault.cause.extend(lines.into_iter().take(NAMED));
        if more > 0 {
            fault.cause.push(format!("and {more} more"));
        }
        Err(fault)
    }
}

/// What would be done now and was not approved, then what was approved and would not be done.
fn differences(before: &[Planned], now: &[Planned]) -> Vec<String> {
    let is_in = |change: &Planned, all: &[Planned]| {
        all.iter().any(|other| {
            (change.action, &change.name, &change.architecture, &change.new_version)
                == (other.action, &other.name, &other.architecture, &other.new_version)
                && change.old_version == other.old_version
                && change.repository == other.repository
                && change.sha256 == other.sha256
                && change.automatic == other.automatic
        })
    };
    let added = now.iter().filter(|change| !is_in(change, before));
    let gone = before.iter().filter(|change| !is_in(change, now));
    let added = added.map(|change| format!("now: {}", line(change)));
    added.chain(gone.map(|change| format!("no longer: {}", line(change)))).collect()
}

fn line(change: &Planned) -> String {
    let versions = match (&change.old_version, &change.new_version) {
        (Some(old), Some(new)) => format!(" {old} -> {new}"),
        (None, Some(version)) | (Some(version), None) => format!(" {version}"),
        (None, None) => String::new(),
    };
    format!("{} {}{versions}", change.action.as_str(), change.name)
}
