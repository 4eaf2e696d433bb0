//! The way back: what `omg history undo`, `redo`, `rollback` and `omg snapshot restore` share.

use std::collections::BTreeMap;
use std::path::PathBuf;

use omg_audit::{Filter, Reader};
use omg_core::{Code, Fault, InstallReason, Plan, Task};
use omg_proto::{ListFilter, Query, Reply};

use super::archived::Search;
use super::change::{self, Manner};
use super::{carry, orders};
use crate::past::{self, Here, Packages, Past, State};
use crate::render::Style;
use crate::session::{Session, reply, unexpected};

/// Where the log of the system is, below its root.
pub(super) const LOG: &str = "var/lib/omg/audit";

/// The log of the system that this run is about.
pub(super) fn log(session: &Session) -> PathBuf {
    root(session).join(LOG)
}

pub(super) fn root(session: &Session) -> PathBuf {
    session.globals.root.clone().unwrap_or_else(|| PathBuf::from("/"))
}

/// All changes that the system's log has, oldest first; none if there is no log yet.
pub(super) fn changes(session: &Session) -> Result<Vec<Past>, Fault> {
    let directory = log(session);
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let reader = Reader::open(&directory)?;
    let mut changes = reader.history(&Filter::default())?;
    changes.reverse();
    Ok(changes.into_iter().map(Past::from).collect())
}

/// A change by its number.
pub(super) fn find(all: &[Past], id: u64) -> Result<&Past, Fault> {
    all.iter().find(|past| past.id == id).ok_or_else(|| {
        Fault::new(Code::NotFound, format!("the log has no change with the number {id}"))
            .hint("`omg history` lists them")
    })
}

fn moved(past: &Past) -> Result<(), Fault> {
    if past.may_have_moved() {
        return Ok(());
    }
    let message = format!("change {} ({}) moved no package", past.id, past.end());
    Err(Fault::new(Code::Usage, message).hint("`omg history` lists those that did"))
}

/// Takes back one change: the latest that is not itself taken back, if none is named.
pub(super) fn undo(
    session: &mut Session,
    all: &[Past],
    id: Option<u64>,
    manner: Manner,
) -> Result<u8, Fault> {
    let undone = |id: u64| all.iter().any(|past| past.moved() && past.undoes == Some(id));
    let target = if let Some(id) = id {
        find(all, id)?
    } else {
        let here = installed(session)?;
        let stands = |past: &Past| past.moved() || past.may_have_moved() && holds(past, &here);
        all.iter()
            .rev()
            .find(|past| past.undoes.is_none() && stands(past) && !undone(past.id))
            .ok_or_else(|| Fault::new(Code::NotFound, "there is nothing to take back"))?
    };
    moved(target)?;
    for subject in &target.subjects {
        let later = all
            .iter()
            .filter(|past| past.id > target.id && past.moved() && past.undoes != Some(target.id));
        let again = later.filter(|past| past.subjects.iter().any(|it| it.name == subject.name));
        let again: Vec<String> = again.map(|past| past.id.to_string()).collect();
        if !again.is_empty() {
            let text = format!("{} was changed again by {}", subject.name, again.join(", "));
            session.out.note(&text);
        }
    }
    go(session, &past::before([target]), manner, Some(target.id))
}

/// Did a change that was cut off get somewhere, or was it finished later?
fn holds(past: &Past, here: &Packages) -> bool {
    past.subjects.iter().filter(|it| it.from != it.to).any(|subject| {
        let key = (subject.name.clone(), subject.architecture.clone());
        here.get(&key).map(|it| it.version.as_str()) == subject.to.as_deref()
    })
}

/// Does again what a change did.
pub(super) fn redo(
    session: &mut Session,
    all: &[Past],
    id: u64,
    manner: Manner,
) -> Result<u8, Fault> {
    let target = find(all, id)?;
    moved(target)?;
    go(session, &past::through([target]), manner, Some(target.id))
}

/// Takes back everything after a change.
pub(super) fn rollback(
    session: &mut Session,
    all: &[Past],
    id: u64,
    manner: Manner,
) -> Result<u8, Fault> {
    if id != 0 {
        find(all, id)?;
    }
    let after: Vec<&Past> =
        all.iter().filter(|past| past.id > id && past.may_have_moved()).collect();
    let Some(first) = after.first() else {
        nothing(session, "nothing was changed since");
        return Ok(0);
    };
    let first = first.id;
    go(session, &past::before(after), manner, Some(first))
}

/// Says that nothing has to be done; as JSON that is a plan without changes.
pub(super) fn nothing(session: &mut Session, text: &str) {
    if session.globals.json {
        change::show(session, &Plan::default());
    } else {
        session.out.styled(Style::Good, text).line();
    }
}

/// Plans the way to a state against the system of today, and goes it.
pub(super) fn go(
    session: &mut Session,
    wanted: &State,
    manner: Manner,
    undoes: Option<u64>,
) -> Result<u8, Fault> {
    let packages = installed(session)?;
    let offered = offered(session, wanted)?;
    let mut search = Search::new(session, offered);
    let mut refused = None;
    let way = past::way(&packages, wanted, |name, architecture, was| {
        if refused.is_some() {
            return None;
        }
        let found = search.find(session, name, architecture, was);
        found.unwrap_or_else(|fault| {
            refused = Some(fault);
            None
        })
    });
    if let Some(fault) = refused {
        return Err(fault);
    }
    if !way.gone.is_empty() {
        let message = "versions that this needs can't be had any more; nothing was changed";
        return Err(search.gone(message));
    }
    let code = if let Some(change) = way.change() {
        change::run_as(session, change, manner, undoes)?
    } else {
        nothing(session, "everything is as it was then");
        0
    };
    if !manner.is_dry() {
        marks(session, &way.marks)?;
    }
    Ok(code)
}

/// Gives packages the marks that they had.
fn marks(session: &mut Session, marks: &[(String, bool)]) -> Result<(), Fault> {
    for automatic in [true, false] {
        let packages: Vec<String> = marks
            .iter()
            .filter(|(_, marked)| *marked == automatic)
            .map(|(name, _)| name.clone())
            .collect();
        if !packages.is_empty() {
            let mut show = carry::show(session);
            let terms = orders::terms();
            let task = Task::Mark { packages, automatic };
            session.engine()?.order(task, terms, |progress| show.hear(progress))?;
        }
    }
    Ok(())
}

/// What is installed now.
pub(super) fn installed(session: &mut Session) -> Result<Packages, Fault> {
    let answer = session.ask(Query::List { filter: ListFilter::Installed })?;
    let reply = answer.reply()?;
    let Reply::List(packages) = &reply else { return Err(unexpected(&reply)) };
    let here = |package: &omg_core::Listed<'_>| Here {
        version: package.version.to_owned(),
        automatic: package.install_reason.map(|reason| reason == InstallReason::Dependency),
        sha256: None,
    };
    let key =
        |package: &omg_core::Listed<'_>| (package.name.to_owned(), package.architecture.to_owned());
    Ok(packages.iter().map(|package| (key(package), here(package))).collect())
}

/// The versions that repositories offer of the packages of a state.
fn offered(session: &mut Session, wanted: &State) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let names: Vec<&str> = wanted
        .iter()
        .filter(|(_, wanted)| wanted.is_some())
        .map(|((name, _), _)| name.as_str())
        .collect();
    let queries: Vec<Query<'_>> = names.iter().map(|package| Query::Info { package }).collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, body) in names.iter().zip(session.ask_all(&queries)?) {
        let details = match reply(&body) {
            Ok(Reply::Info(details)) => details,
            Ok(other) => return Err(unexpected(&other)),
            // A package that no list knows any more is offered by none.
            Err(fault) if fault.code == Code::NotFound => continue,
            Err(fault) => return Err(fault),
        };
        let versions = details
            .iter()
            .flat_map(|it| &it.versions)
            .filter(|it| !matches!(it.repository, "installed" | "local" | ""));
        let list = found.entry((*name).to_owned()).or_default();
        list.extend(versions.map(|it| it.version.to_owned()));
    }
    Ok(found)
}
