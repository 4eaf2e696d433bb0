//! `omg history`, `omg blame`: what was changed, by whom, and the way back.

use clap::{Args, Subcommand};
use omg_audit::{Actor, Ended, Subject};
use omg_core::{Code, Fault};
use serde::Serialize;

use super::change::Manner;
use super::{Group, Verb, undo};
use crate::past::{self, Past};
use crate::render::{Cell, Column, Output, Style, Table, rfc3339};
use crate::session::Session;

/// Changes shown unless told otherwise.
const SHOWN: usize = 25;

/// What was changed, and the way back.
#[derive(Args, Debug)]
pub(crate) struct History {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// The latest changes
    List {
        /// So many
        #[arg(short = 'l', long, value_name = "N")]
        limit: Option<usize>,
        /// Also what was refused, marks and lists
        #[arg(short, long)]
        all: bool,
    },
    /// All about one change
    Info {
        /// Its number
        id: u64,
    },
    /// Take a change back: the latest, or this one
    Undo {
        /// Its number
        id: Option<u64>,
        #[command(flatten)]
        manner: Manner,
    },
    /// Do again what was undone
    Redo {
        /// Its number
        id: u64,
        #[command(flatten)]
        manner: Manner,
    },
    /// Take back everything after a change
    Rollback {
        /// Its number; 0 for everything recorded
        id: u64,
        #[command(flatten)]
        manner: Manner,
    },
}

impl Verb for History {
    const NAME: &'static str = "history";
    const GROUP: Group = Group::Past;
    const ABOUT: &'static str = "What was changed; undo, redo, roll back";
    const EXAMPLES: &'static str = "\
  omg history                    the latest changes
  omg history info 12            all about one
  omg history undo               takes the latest back; shows the plan first
  omg history undo -n 12         what taking back number 12 would do
  omg history rollback 12        back to how it was right after 12";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let all = undo::changes(session)?;
        match self.action.unwrap_or(Action::List { limit: None, all: false }) {
            Action::List { limit, all: every } => {
                list(session, &all, limit.unwrap_or(SHOWN), every);
                Ok(0)
            }
            Action::Info { id } => {
                info(session, undo::find(&all, id)?);
                Ok(0)
            }
            Action::Undo { id, manner } => undo::undo(session, &all, id, manner),
            Action::Redo { id, manner } => undo::redo(session, &all, id, manner),
            Action::Rollback { id, manner } => undo::rollback(session, &all, id, manner),
        }
    }
}

/// What happened to a package.
#[derive(Args, Debug)]
pub(crate) struct Blame {
    /// The package
    package: String,
}

impl Verb for Blame {
    const NAME: &'static str = "blame";
    const GROUP: Group = Group::Past;
    const ABOUT: &'static str = "Who changed a package, when, from which version to which";
    const EXAMPLES: &'static str = "  omg blame vim";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let all = undo::changes(session)?;
        let found: Vec<_> = past::of_package(&all, &self.package).collect();
        if found.is_empty() {
            let message = format!("the log has no change of '{}'", self.package);
            return Err(Fault::new(Code::NotFound, message)
                .hint("what was done before OMG, or with other tools, is not in it"));
        }
        if session.globals.json {
            let rows = found.iter().map(|(past, subject)| Row::of(past, vec![subject])).collect();
            session.json("omg.history/1", Body { changes: rows });
            return Ok(0);
        }
        let mut table = Table::new(&[Column::Left; 5]);
        for (past, subject) in found.into_iter().rev() {
            table.row([
                Cell::owned(Style::Dim, past.id.to_string()),
                Cell::owned(Style::Dim, time(past)),
                Cell::owned(Style::Name, who(&past.actor)),
                Cell::owned(style(past), format!("{} {}", subject.action, past.end())),
                Cell::owned(Style::Version, versions(&session.out, subject)),
            ]);
        }
        table.write(&mut session.out);
        Ok(0)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    changes: Vec<Row<'a>>,
}

/// A change in the JSON contract.
#[derive(Serialize)]
struct Row<'a> {
    id: u64,
    time: String,
    op: &'a str,
    words: &'a [String],
    actor: &'a Actor,
    result: &'a str,
    code: u16,
    message: &'a str,
    cause: &'a [String],
    ms: Option<u64>,
    undoes: Option<u64>,
    packages: Vec<&'a Subject>,
    notices: &'a [String],
}

impl<'a> Row<'a> {
    fn of(past: &'a Past, packages: Vec<&'a Subject>) -> Self {
        Self {
            id: past.id,
            time: time(past),
            op: &past.op,
            words: &past.words,
            actor: &past.actor,
            result: past.end(),
            code: past.code,
            message: &past.message,
            cause: &past.causes,
            ms: past.ms,
            undoes: past.undoes,
            packages,
            notices: &past.notices,
        }
    }
}

fn list(session: &mut Session, all: &[Past], limit: usize, every: bool) {
    let shown = all.iter().rev().filter(|past| every || past.moved() || past.ended != Ended::Done);
    let shown: Vec<&Past> =
        shown.filter(|past| every || past.ended != Ended::Refused).take(limit).collect();
    if session.globals.json {
        let rows = shown.iter().map(|past| Row::of(past, past.subjects.iter().collect()));
        return session.json("omg.history/1", Body { changes: rows.collect() });
    }
    if shown.is_empty() {
        return session.out.note("no package was changed yet");
    }
    let mut table =
        Table::new(&[Column::Right, Column::Left, Column::Spare, Column::Left, Column::Left]);
    for past in shown {
        table.row([
            Cell::owned(Style::Name, past.id.to_string()),
            Cell::owned(Style::Dim, time(past)),
            Cell::owned(Style::Dim, who(&past.actor)),
            Cell::owned(style(past), past.end().to_owned()),
            Cell::owned(Style::Plain, summary(past)),
        ]);
    }
    table.write(&mut session.out);
}

/// `install vim (+3)`: what it was, and the first packages that were named.
fn summary(past: &Past) -> String {
    let undo = past.undoes.map_or_else(String::new, |of| format!(" (of {of})"));
    let names: Vec<&str> = past.subjects.iter().take(3).map(|it| it.name.as_str()).collect();
    let more = match past.subjects.len().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    // What came to nothing has no packages, only words.
    let what = if names.is_empty() { past.words.join(" ") } else { names.join(", ") };
    format!("{}{undo} {what}{more}", past.op)
}

fn info(session: &mut Session, past: &Past) {
    if session.globals.json {
        let row = Row::of(past, past.subjects.iter().collect());
        return session.json("omg.history/1", Body { changes: vec![row] });
    }
    let fields = [
        ("Change", past.id.to_string()),
        ("Time", time(past)),
        ("By", who(&past.actor)),
        ("What", past.op.clone()),
        ("Typed", past.words.join(" ")),
        ("Undoes", past.undoes.map_or_else(String::new, |of| of.to_string())),
        ("Result", past.end().to_owned()),
        ("Took", past.ms.map_or_else(String::new, |ms| format!("{ms} ms"))),
        ("Error", past.message.clone()),
    ];
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        session.out.styled(Style::Heading, &format!("{label:<8}"));
        session.out.foreign(Style::Plain, value).line();
    }
    for cause in &past.causes {
        session.out.spaces(8).foreign(Style::Dim, cause).line();
    }
    let mut table = Table::new(&[Column::Left, Column::Left, Column::Left, Column::Spare]);
    for subject in &past.subjects {
        table.row([
            Cell::owned(Style::Plain, format!("  {}", subject.action)),
            Cell::new(Style::Name, &subject.name),
            Cell::owned(Style::Version, versions(&session.out, subject)),
            Cell::new(Style::Repository, &subject.repository),
        ]);
    }
    table.write(&mut session.out);
    for notice in &past.notices {
        session.out.foreign(Style::Dim, notice).line();
    }
}

fn versions(out: &Output, subject: &Subject) -> String {
    match (&subject.from, &subject.to) {
        (Some(from), Some(to)) if from == to => from.clone(),
        (Some(from), Some(to)) => format!("{from} {} {to}", out.screen.pick("→", "->")),
        (None, Some(to)) => to.clone(),
        (Some(from), None) => from.clone(),
        (None, None) => String::new(),
    }
}

fn style(past: &Past) -> Style {
    match past.ended {
        Ended::Done => Style::Good,
        Ended::Open => Style::Plain,
        Ended::Refused => Style::Warn,
        Ended::Failed | Ended::Interrupted => Style::Bad,
    }
}

fn time(past: &Past) -> String {
    rfc3339(past.wall_ms / 1000).to_string()
}

/// Who asked for it: not root, where somebody called sudo.
pub(super) fn who(actor: &Actor) -> String {
    let via = actor.via.as_ref();
    if let Some(user) = via.and_then(|via| via.user.clone()) {
        return user;
    }
    let uid = via.and_then(|via| via.uid).or(actor.loginuid).unwrap_or(actor.uid);
    if uid == 0 { "root".to_owned() } else { format!("uid {uid}") }
}
