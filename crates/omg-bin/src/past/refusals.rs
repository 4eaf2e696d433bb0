//! What was refused before it reached the system, in the user's own log.

use omg_audit::{Actor, Entry, Log, Options};
use omg_core::{Change, Fault};

use crate::places;

/// Faults that are refusals: of verification, of policy, of the network.
fn is_refusal(fault: &Fault) -> bool {
    matches!(fault.code.exit(), 8 | 9)
}

/// Puts a refusal down. Gives the fault back, with a cause more if that failed: nothing was changed, so
/// nothing else must fail for it.
pub(crate) fn noted(op: &str, change: Option<&Change>, mut fault: Fault) -> Fault {
    if !is_refusal(&fault) {
        return fault;
    }
    if let Err(error) = note(op, change, &fault) {
        fault.cause.push(format!("the refusal could not be recorded: {error}"));
    }
    fault
}

fn note(op: &str, change: Option<&Change>, fault: &Fault) -> Result<(), Fault> {
    let Some(state) = places::state() else { return Ok(()) };
    places::make(&state)?;
    let log = Log::open(&state.join("audit"), &Options::default())?;
    let mut entry = Entry::new(op, "", Actor::of_process(None));
    entry.words = change.map(|change| change.targets.clone()).unwrap_or_default();
    log.deny(entry, fault)?;
    Ok(())
}
