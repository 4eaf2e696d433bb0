//! One order, as the log of changes has it: refused, or begun and ended.

use omg_audit::{Actor, Done, Entry, Log, Pending};
use omg_core::{Change, Fault, Operation, Order, Task};
use omg_failpoint::reach;

/// What the log is told of an order.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    log: &'a Log,
    pub(crate) entry: Entry,
    begun: bool,
}

impl<'a> Case<'a> {
    pub(crate) fn new(log: &'a Log, order: &Order, actor: Actor) -> Self {
        let (op, words) = words(&order.task);
        let mut entry = Entry::new(op, order.request.clone(), actor);
        entry.words = words;
        if let Task::Apply { digest, undoes, .. } = &order.task {
            entry.plan_digest = digest.parse().ok();
            entry.undoes = *undoes;
        }
        Self { log, entry, begun: false }
    }

    /// Records what is about to be done. It is durable when this returns.
    ///
    /// # Errors
    /// It can't be recorded, so it must not be done.
    pub(crate) fn begin(&mut self) -> Result<Pending, Fault> {
        reach!("commit.intent.before");
        let pending = self.log.begin(self.entry.clone())?;
        self.begun = true;
        reach!("commit.intent.after");
        Ok(pending)
    }

    /// Records a refusal, unless the order was begun and its end is recorded.
    pub(crate) fn refused(&self, fault: Fault) -> Fault {
        if self.begun {
            return fault;
        }
        reach!("commit.deny.before");
        let denied = self.log.deny(self.entry.clone(), &fault);
        reach!("commit.deny.after");
        match denied {
            Ok(_) => fault,
            Err(error) => unrecorded(fault, "the refusal could not be recorded", error),
        }
    }
}

/// Records the end of what was begun, and answers with the record of its beginning.
pub(crate) fn end(pending: Pending, result: &Result<(), Fault>, done: &Done) -> Result<u64, Fault> {
    let record = pending.seq();
    reach!("commit.outcome.before");
    let recorded = match result {
        Ok(()) => pending.commit(done),
        Err(fault) => pending.abort_after(fault, done),
    };
    reach!("commit.outcome.after");
    match (recorded, result) {
        (Ok(_), Ok(())) => Ok(record),
        (Ok(_), Err(fault)) => Err(fault.clone()),
        (Err(error), Ok(())) => {
            let fault = Fault::from(error);
            Err(fault.hint("the change is made, and counts as interrupted in the log"))
        }
        (Err(error), Err(fault)) => {
            Err(unrecorded(fault.clone(), "that could not be recorded", error))
        }
    }
}

fn unrecorded(mut fault: Fault, what: &str, error: omg_audit::Error) -> Fault {
    fault.cause.push(format!("{what}: {}", Fault::from(error)));
    fault
}

/// The operation in a word, and what it was asked of.
fn words(task: &Task) -> (&'static str, Vec<String>) {
    match task {
        Task::Apply { change, undoes, .. } => {
            let op = if undoes.is_some() { "undo" } else { operation(change) };
            (op, change.targets.clone())
        }
        Task::Mark { packages, automatic } => {
            let how = if *automatic { "automatic" } else { "explicit" };
            ("mark", [vec![how.to_owned()], packages.clone()].concat())
        }
        Task::Hold { packages, hold: true, .. } => ("hold", packages.clone()),
        Task::Hold { packages, hold: false, .. } => ("unhold", packages.clone()),
        Task::Lists { .. } => ("lists", Vec::new()),
        Task::Recover => ("recover", Vec::new()),
        Task::Clean { all } => ("clean", all.then(|| "all".to_owned()).into_iter().collect()),
    }
}

fn operation(change: &Change) -> &'static str {
    match change.operation {
        Operation::Install => "install",
        Operation::Remove => "remove",
        Operation::Upgrade => "upgrade",
        Operation::Autoremove => "autoremove",
    }
}
