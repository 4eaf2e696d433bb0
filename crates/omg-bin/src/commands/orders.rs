//! Verbs that give the engine one order without a plan: marks, holds, the cache, repairs.

use clap::{Args, ValueEnum};
use omg_core::{Fault, Outcome, Task};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::carry::Carried;
use super::{Group, Verb, carry, change};
use crate::engine::Terms;
use crate::past;
use crate::render::Style;
use crate::session::{Session, unexpected};

/// How a package came to be here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Mark {
    /// For others: `autoremove` takes it when nothing needs it.
    Auto,
    /// Because the user wants it.
    Manual,
}

/// Say whether packages are wanted for themselves.
#[derive(Args, Debug)]
pub(crate) struct MarkVerb {
    /// auto or manual
    mark: Mark,
    /// Packages
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<String>,
}

impl Verb for MarkVerb {
    const NAME: &'static str = "mark";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Say whether packages are wanted for themselves or for others";
    const EXAMPLES: &'static str = "\
  omg mark manual vim            autoremove leaves it
  omg mark auto libfoo           autoremove takes it when nothing needs it";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let task = Task::Mark { packages: self.packages, automatic: self.mark == Mark::Auto };
        give(session, task, "nothing to change: they are marked so already")
    }
}

/// Keep packages as they are.
#[derive(Args, Debug)]
pub(crate) struct Hold {
    /// Packages
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<String>,
    /// Why, for those who wonder later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// For so long: 30d, 12h
    #[arg(long, value_name = "TIME", value_parser = change::seconds)]
    until: Option<u64>,
}

impl Verb for Hold {
    const NAME: &'static str = "hold";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Keep packages at their version";
    const EXAMPLES: &'static str = "\
  omg hold linux --reason 'the new one has no sound'
  omg hold postgresql-15 --until 30d
  omg unhold linux";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let until = self.until.map(|seconds| change::now().saturating_add(seconds));
        let task = Task::Hold { packages: self.packages, hold: true, reason: self.reason, until };
        give(session, task, "nothing to change: they are held already")
    }
}

/// Let packages go again.
#[derive(Args, Debug)]
pub(crate) struct Unhold {
    /// Packages
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<String>,
}

impl Verb for Unhold {
    const NAME: &'static str = "unhold";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Let held packages be upgraded again";
    const EXAMPLES: &'static str = "  omg unhold linux";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let task = Task::Hold { packages: self.packages, hold: false, reason: None, until: None };
        give(session, task, "nothing to change: they are not held")
    }
}

/// Delete package files that are not needed any more.
#[derive(Args, Debug)]
pub(crate) struct Clean {
    /// Also those of installed versions: undoing then has to fetch them
    #[arg(long)]
    all: bool,
}

impl Verb for Clean {
    const NAME: &'static str = "clean";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Delete package files from the system's cache";
    const EXAMPLES: &'static str = "\
  omg clean                      files of versions that are not installed
  omg clean --all                all of them; undo then has to fetch again";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        give(session, Task::Clean { all: self.all }, "there was nothing to delete")
    }
}

/// Finish or revert what was cut off.
#[derive(Args, Debug)]
pub(crate) struct Recover {}

impl Verb for Recover {
    const NAME: &'static str = "recover";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Finish or revert a change that was cut off";
    const EXAMPLES: &'static str = "  omg recover                    after a crash or a power cut";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        give(session, Task::Recover, "nothing is unfinished")
    }
}

/// Fetch the lists of the repositories anew.
#[derive(Args, Debug)]
pub(crate) struct Sync {}

impl Verb for Sync {
    const NAME: &'static str = "sync";
    const ALIASES: &'static [&'static str] = &["refresh"];
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Fetch the repositories' lists, verify them, put them into place";
    const EXAMPLES: &'static str = "\
  omg sync                       all lists or none
  omg aur sync                   the AUR's list, which takes no rights";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        sync(session)?;
        Ok(0)
    }
}

#[derive(Serialize)]
struct Synced<'a> {
    changed: &'a [String],
    unchanged: u32,
}

/// Has the daemon fetch the lists, and the engine verify them again and put them into place.
pub(super) fn sync(session: &mut Session) -> Result<(), Fault> {
    let mut show = carry::show(session);
    let answer = session.ask_with(Query::Sync, &mut |progress| show.hear(progress));
    let answer = answer.map_err(|fault| past::noted("lists", None, fault))?;
    let reply = answer.reply().map_err(|fault| past::noted("lists", None, fault))?;
    let Reply::Lists { directory, changed, unchanged } = &reply else {
        return Err(unexpected(&reply));
    };
    if !changed.is_empty() {
        let task = Task::Lists { directory: (*directory).clone() };
        session.engine()?.order(task, terms(), |progress| show.hear(progress))?;
    }
    show.end();
    if session.globals.json {
        session.json("omg.sync/1", Synced { changed, unchanged: *unchanged });
    } else if !session.globals.quiet {
        for list in changed {
            session.out.styled(Style::Good, "new ").foreign(Style::Repository, list).line();
        }
        let same = match (changed.is_empty(), unchanged) {
            (true, _) => "nothing new".to_owned(),
            (false, unchanged) => format!("{} new, {unchanged} as before", changed.len()),
        };
        session.out.push(&same).line();
    }
    Ok(())
}

/// How orders without a plan are carried out.
pub(super) fn terms() -> Terms {
    Terms::default()
}

/// Has the engine do it, and says what came of it.
fn give(session: &mut Session, task: Task, nothing: &str) -> Result<u8, Fault> {
    let mut show = carry::show(session);
    let outcome = session.engine()?.order(task, terms(), |progress| show.hear(progress))?;
    show.end();
    tell(session, outcome, nothing);
    Ok(0)
}

pub(super) fn tell(session: &mut Session, outcome: Outcome, nothing: &str) {
    if session.globals.json {
        return Carried { outcomes: vec![outcome] }.tell(session);
    }
    if outcome.notices.is_empty() && outcome.changes.is_empty() {
        session.out.note(nothing);
    }
    for notice in &outcome.notices {
        if !notice.package.is_empty() {
            session.out.foreign(Style::Name, &notice.package).push(" ");
        }
        session.out.foreign(Style::Plain, &notice.text).line();
    }
}
