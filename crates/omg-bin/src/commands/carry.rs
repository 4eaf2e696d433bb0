//! From an approved plan to a changed system: staged by the daemon, carried out by the engine.

mod bound;

use std::collections::BTreeMap;

use omg_core::{
    Action, Change, Code, Fault, Notice, NoticeKind, Operation, Outcome, Plan, Planned, Staged,
    Task,
};
use omg_proto::{Query, Reply, providers_text, targets_text};
use serde::Serialize;

use super::{builds, change, plan};
use crate::engine::Terms;
use crate::past;
use crate::render::{Manner as Showing, Output, Show, Style, count};
use crate::session::{Session, unexpected};

/// All that came of a command.
#[derive(Default)]
pub(super) struct Carried {
    /// One for each transaction, in order.
    pub(super) outcomes: Vec<Outcome>,
}

/// A change whose plan the user has approved.
pub(super) struct Approved<'a> {
    pub(super) change: &'a Change,
    pub(super) plan: &'a Plan,
    pub(super) terms: Terms,
    /// Number of the record that it undoes or repeats.
    pub(super) undoes: Option<u64>,
}

/// Stages, commits, and says what was done, also where the rest of it failed.
///
/// # Errors
/// Whatever keeps it from being done; then nothing is changed, unless the fault says so.
pub(super) fn out(session: &mut Session, approved: &Approved<'_>) -> Result<(), Fault> {
    let _deaf = Deaf::begin()?;
    let mut show = show(session);
    let staged = stage(session, approved.change, &approved.plan.digest(), &mut show)
        .map_err(|fault| past::noted("stage", Some(approved.change), fault))?;
    let mut carried = Carried::default();
    let mut result = commit(session, &staged, approved, &mut show, &mut carried);
    if result.is_ok() && !approved.plan.builds.is_empty() {
        result = builds::carry(session, approved, &mut show, &mut carried);
    }
    show.end();
    if result.is_ok() || !carried.outcomes.is_empty() {
        carried.tell(session);
    }
    result
}

/// How this run shows long work.
pub(super) fn show(session: &Session) -> Show {
    let globals = &session.globals;
    let screen = session.out.screen;
    let manner = Showing::of(globals.json, globals.quiet, globals.no_progress, &screen);
    Show::new(manner, &screen, globals.verbose)
}

/// Has the daemon fetch and verify what a change needs.
pub(super) fn stage(
    session: &mut Session,
    change: &Change,
    digest: &str,
    show: &mut Show,
) -> Result<Staged, Fault> {
    let (targets, providers) = (targets_text(change), providers_text(change));
    let query = Query::stage(change, &targets, &providers, digest);
    let answer = session.ask_with(query, &mut |progress| show.hear(progress))?;
    match answer.reply()? {
        Reply::Staged(staged) => Ok(*staged),
        other => Err(unexpected(&other)),
    }
}

/// Has the engine carry out what is staged.
pub(super) fn commit(
    session: &mut Session,
    staged: &Staged,
    approved: &Approved<'_>,
    show: &mut Show,
    carried: &mut Carried,
) -> Result<(), Fault> {
    if staged.plan.changes.is_empty() {
        return Ok(());
    }
    bound::check(approved.plan, &staged.plan)
        .map_err(|fault| past::noted("stage", Some(approved.change), fault))?;
    let task = Task::Apply {
        change: staged.change.clone(),
        digest: staged.plan.digest(),
        artifacts: staged.artifacts.clone(),
        undoes: approved.undoes,
    };
    let mut outcome =
        session.engine()?.order(task, approved.terms, |progress| show.hear(progress))?;
    mark(session, approved, show, &mut outcome);
    carried.outcomes.push(outcome);
    Ok(())
}

/// Has what was installed for others count so. What keeps it from that is told; the packages are there.
fn mark(session: &mut Session, approved: &Approved<'_>, show: &mut Show, outcome: &mut Outcome) {
    let packages = bound::dependencies(approved.plan, &outcome.changes);
    if packages.is_empty() {
        return;
    }
    let task = Task::Mark { packages: packages.clone(), automatic: true };
    let marked = session
        .engine()
        .and_then(|engine| engine.order(task, approved.terms, |progress| show.hear(progress)));
    match marked {
        Ok(_) => {
            let of_others = |change: &&mut Planned| packages.contains(&change.name);
            outcome.changes.iter_mut().filter(of_others).for_each(|it| it.automatic = true);
        }
        Err(fault) => outcome.notices.push(Notice {
            kind: NoticeKind::Note,
            package: String::new(),
            text: format!(
                "`omg mark auto {}` is left to do, which failed: {fault}",
                packages.join(" ")
            ),
        }),
    }
}

/// While a transaction runs, an interrupt from the keyboard reaches `omg` and must not end it: the
/// engine goes on in any case, and its outcome would be told to nobody.
struct Deaf {
    _runtime: tokio::runtime::Runtime,
}

impl Deaf {
    fn begin() -> Result<Self, Fault> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |error| Fault::caused_by(Code::Failure, "signals can't be held back", &error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(failed)?;
        // A handler once installed stays, also when nobody listens to it.
        let entered = runtime.enter();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            drop(signal(kind).map_err(failed)?);
        }
        drop(entered);
        Ok(Self { _runtime: runtime })
    }
}

#[derive(Serialize)]
struct Done<'a> {
    records: Vec<u64>,
    changes: Vec<plan::Row<'a>>,
    notices: Vec<&'a omg_core::Notice>,
}

impl Carried {
    /// Everything that was done, over all transactions.
    pub(super) fn changes(&self) -> Vec<Planned> {
        self.outcomes.iter().flat_map(|outcome| outcome.changes.iter().cloned()).collect()
    }

    /// Says what came of it.
    pub(super) fn tell(&self, session: &mut Session) {
        let changes = self.changes();
        if session.globals.json {
            let records = self.outcomes.iter().map(|outcome| outcome.record).collect();
            let notices = self.outcomes.iter().flat_map(|outcome| &outcome.notices).collect();
            let done = Done { records, changes: plan::rows(&changes), notices };
            return session.json("omg.outcome/1", done);
        }
        if session.globals.quiet {
            return;
        }
        session.out.styled(Style::Good, &sum(&changes)).line();
        for outcome in &self.outcomes {
            notices(&mut session.out, outcome);
        }
        if !changes.is_empty() {
            session.out.styled(Style::Dim, &self.way_back()).line();
        }
    }

    /// What to type to take it back: builds make one change of each transaction.
    fn way_back(&self) -> String {
        let moved = self.outcomes.iter().rev().filter(|outcome| !outcome.changes.is_empty());
        let undo: Vec<String> =
            moved.map(|outcome| format!("`omg history undo {}`", outcome.record)).collect();
        let take = if undo.len() == 1 { "takes" } else { "take" };
        format!("{} {take} it back", undo.join(" and then "))
    }
}

/// `2 installed, 1 upgraded`.
fn sum(changes: &[Planned]) -> String {
    let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
    for change in changes {
        let done = match change.action {
            Action::Install => "installed",
            Action::Upgrade => "upgraded",
            Action::Downgrade => "downgraded",
            Action::Reinstall => "installed again",
            Action::Remove => "removed",
            Action::Purge => "purged",
        };
        *numbers.entry(done).or_default() += 1;
    }
    let parts: Vec<String> =
        numbers.iter().map(|(done, number)| format!("{} {done}", count(*number))).collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join(", ") }
}

fn notices(out: &mut Output, outcome: &Outcome) {
    let of = |kind| outcome.notices.iter().filter(move |notice| notice.kind == kind);
    if of(NoticeKind::Conffile).next().is_some() {
        out.styled(Style::Warn, "Configuration files to look at").line();
        for notice in of(NoticeKind::Conffile) {
            out.spaces(2).foreign(Style::Plain, &notice.text);
            if !notice.package.is_empty() {
                out.push("  ").foreign(Style::Dim, &notice.package);
            }
            out.line();
        }
    }
    for notice in of(NoticeKind::Output).chain(of(NoticeKind::Note)) {
        if !notice.package.is_empty() {
            out.foreign(Style::Name, &notice.package).push(": ");
        }
        out.foreign(Style::Plain, &notice.text).line();
    }
}

/// May the user have meant something else? Then an empty answer is no.
pub(super) fn is_safe(change: &Change, plan: &Plan) -> bool {
    let removes = plan.changes.iter().any(|planned| {
        matches!(planned.action, Action::Remove | Action::Purge) && !planned.automatic
    });
    let older = plan.changes.iter().any(|planned| planned.action == Action::Downgrade);
    !removes && !older && plan.builds.is_empty() && change.operation != Operation::Remove
}

/// Asks whether to go on.
///
/// # Errors
/// [`Code::Declined`].
pub(super) fn agree(
    session: &mut Session,
    change: &Change,
    plan: &Plan,
    manner: change::Manner,
) -> Result<(), Fault> {
    if manner.assents() {
        return Ok(());
    }
    let there = session.out.screen.tty() && crate::render::somebody_there();
    if session.globals.json || session.globals.quiet || !there {
        return Err(Fault::new(Code::Declined, "nobody is there to say yes; nothing was changed")
            .hint("--yes says it beforehand, -n shows the plan only"));
    }
    session.show()?;
    let usual = is_safe(change, plan);
    if crate::render::agree("Go on?", usual, session.out.screen.error_color)? {
        Ok(())
    } else {
        Err(Fault::new(Code::Declined, "declined; nothing was changed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_name_what_was_done() {
        let plan = plan::samples::apt();
        assert!(sum(&plan.changes).contains("upgraded"), "{}", sum(&plan.changes));
        assert_eq!(sum(&[]), "nothing changed");
    }
}
