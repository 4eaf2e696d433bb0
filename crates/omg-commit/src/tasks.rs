//! Orders that take no files: marks, holds, lists, repairs, the cache.

use std::time::Duration;

use omg_audit::{Done, Subject};
use omg_core::{Code, Fault, Notice, NoticeKind, Order, Outcome, Task};
use omg_failpoint::reach;

use crate::apply::note;
use crate::case::{self, Case};
use crate::policy::Judge;
use crate::run::Desk;
use crate::staging::Staging;
use crate::state::State;
use crate::{Committer, holds};

pub(crate) fn carry_out<C: Committer>(
    desk: &Desk<'_>,
    state: &State,
    case: &mut Case<'_>,
    order: &Order,
) -> Result<Outcome, Fault> {
    case.entry.evidence = Some(Judge::new(desk.root, &case.entry.actor)?.task(&order.task)?);
    let patience = Duration::from_secs(order.lock_timeout_s.into());
    reach!("commit.locks.before");
    let mut committer = C::open(desk.root, patience, desk.client)?;
    reach!("commit.locks.after");
    // Whatever is left there is of an order that was cut off: the locks are ours.
    let staging = Staging::new(&state.staging()?)?;
    let lists = match &order.task {
        Task::Lists { directory } => Some(staging.copy_lists(directory)?),
        _ => None,
    };
    if matches!(order.task, Task::Recover) {
        // What it was that was cut off, for the log and for whoever has no disk left to repair it.
        case.entry.words = committer.interrupted()?;
    }
    desk.signals.check()?;
    let memory = state.memory()?;
    let pending = case.begin()?;
    reach!("commit.task.before");
    let result = match &order.task {
        Task::Mark { packages, automatic } => {
            let word = if *automatic { "automatic" } else { "explicit" };
            committer.mark(packages, *automatic).map(|names| changed(&names, word))
        }
        Task::Hold { packages, hold, reason, until } => {
            let word = if *hold { "held" } else { "released" };
            committer.hold(packages, *hold).and_then(|names| {
                holds::note(&memory, packages, *hold, reason.as_deref(), *until)?;
                Ok(changed(&names, word))
            })
        }
        Task::Lists { .. } => match &lists {
            Some(directory) => committer.lists(directory, desk.client).map(lines),
            None => Err(Fault::new(Code::Internal, "no lists were copied")),
        },
        Task::Recover => committer.recover(desk.client).map(lines),
        Task::Clean { all } => committer.clean(*all).map(|(files, bytes)| {
            lines(vec![format!("{files} package files deleted, {bytes} bytes")])
        }),
        Task::Apply { .. } => Err(Fault::new(Code::Internal, "the order takes files")),
    };
    reach!("commit.task.after");
    let (result, notices) = match result {
        Ok(notices) => (Ok(()), notices),
        Err(fault) => (Err(fault), Vec::new()),
    };
    let mut outcome = Outcome { notices, ..Outcome::default() };
    let mut done = Done::from(&outcome);
    done.subjects = subjects(&case.entry.op, &outcome.notices);
    outcome.record = case::end(pending, &result, &done)?;
    Ok(outcome)
}

/// Packages whose state differs now.
fn changed(names: &[String], word: &str) -> Vec<Notice> {
    let notice = |name: &String| Notice {
        kind: NoticeKind::Note,
        package: name.clone(),
        text: word.to_owned(),
    };
    names.iter().map(notice).collect()
}

fn lines(lines: Vec<String>) -> Vec<Notice> {
    lines.into_iter().map(note).collect()
}

/// For the log: which packages a mark or hold really changed.
fn subjects(op: &str, notices: &[Notice]) -> Vec<Subject> {
    if !["mark", "hold", "unhold"].contains(&op) {
        return Vec::new();
    }
    let subject = |notice: &Notice| Subject {
        action: op.to_owned(),
        name: notice.package.clone(),
        automatic_after: (op == "mark").then_some(notice.text == "automatic"),
        ..Subject::default()
    };
    notices.iter().map(subject).collect()
}
