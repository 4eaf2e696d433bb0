//! `omg doctor`: looks for what keeps OMG, or the package manager, from working well.

mod places_check;
mod system;

use std::path::{Path, PathBuf};

use clap::Args;
use omg_core::{Fault, Stats, Status};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::{Group, Verb};
use crate::distribution::Distribution;
use crate::render::{Output, Style, wrap};
use crate::session::{Session, reply, unexpected};

/// Look for problems.
#[derive(Args, Debug)]
pub(crate) struct Doctor {}

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but could be better.
    Warn,
    /// Does not work.
    Fail,
}

/// One check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Check {
    name: &'static str,
    status: Verdict,
    message: String,
    /// What to type.
    hint: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, status: Verdict::Ok, message: message.into(), hint: None }
    }

    pub(super) fn warn(
        name: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { name, status: Verdict::Warn, message: message.into(), hint: Some(hint.into()) }
    }

    pub(super) fn fail(
        name: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { name, status: Verdict::Fail, message: message.into(), hint: Some(hint.into()) }
    }

    /// A failure that already knows what to say.
    pub(super) fn fault(name: &'static str, fault: &Fault) -> Self {
        let hint = fault.hint.clone().unwrap_or_else(|| format!("omg explain {}", fault.code.id()));
        Self::fail(name, fault.to_string(), hint)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    checks: &'a [Check],
}

impl Verb for Doctor {
    const NAME: &'static str = "doctor";
    const GROUP: Group = Group::Itself;
    const ABOUT: &'static str = "Look for problems, and say what to type against each";
    const EXAMPLES: &'static str = "  omg doctor";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let root = session.globals.root.clone().unwrap_or_else(|| PathBuf::from("/"));
        let mut checks = vec![places_check::settings(), places_check::runtime()];
        let answers = ask(session);
        let daemon = session.over_socket().then(places_check::socket);
        checks.extend(daemon);
        checks.push(places_check::cache());
        let ours = Distribution::of(&root);
        checks.push(system::database(&root, ours));
        let ours = ours.unwrap_or(Distribution::Debian);
        checks.push(system::engine(ours));
        match &answers {
            Ok((status, stats)) => {
                checks.push(system::daemon(stats, session.over_socket()));
                checks.push(system::lists(status, ours));
                checks.push(system::audit(status, ours));
                checks.push(system::records(stats, ours));
                // A daemon for another root tells prompts nothing.
                if session.over_socket() && root == Path::new("/") {
                    checks.push(places_check::snapshot(status));
                }
            }
            Err(fault) => checks.push(Check::fault("daemon", fault)),
        }
        checks.push(system::lock(&root, ours));
        checks.push(system::contents(&root, ours));
        let failed = checks.iter().any(|check| check.status == Verdict::Fail);
        if session.globals.json {
            session.json("omg.doctor/1", Body { checks: &checks });
        } else {
            let quiet = session.globals.quiet;
            checks
                .iter()
                .filter(|check| !quiet || check.status != Verdict::Ok)
                .for_each(|it| write(&mut session.out, it));
        }
        Ok(u8::from(failed))
    }
}

fn ask(session: &mut Session) -> Result<(Status, Stats), Fault> {
    let bodies = session.ask_all(&[Query::Status, Query::Stats])?;
    let mut bodies = bodies.iter();
    let mut next = || {
        bodies.next().map_or_else(|| Err(unexpected(&Reply::Batch(Vec::new()))), |body| reply(body))
    };
    match (next()?, next()?) {
        (Reply::Status(status), Reply::Stats(stats)) => Ok((status, stats)),
        (other, _) => Err(unexpected(&other)),
    }
}

fn write(out: &mut Output, check: &Check) {
    const LABEL: usize = 11;
    let (mark, style) = match check.status {
        Verdict::Ok => (out.screen.pick("✓", "ok  "), Style::Good),
        Verdict::Warn => (out.screen.pick("!", "warn"), Style::Warn),
        Verdict::Fail => (out.screen.pick("✗", "FAIL"), Style::Bad),
    };
    let indent = mark.chars().count() + 1 + LABEL;
    out.styled(style, mark).push(" ").styled(Style::Heading, check.name);
    out.spaces(LABEL.saturating_sub(check.name.len()).max(1));
    let room = out.screen.columns.unwrap_or(usize::MAX).saturating_sub(indent).max(20);
    let message = crate::render::clean(&check.message).into_owned();
    for (at, line) in wrap(message.split(' '), room).iter().enumerate() {
        if at > 0 {
            out.spaces(indent);
        }
        out.push(line).line();
    }
    if let Some(hint) = &check.hint {
        let arrow = out.screen.pick("→ ", "-> ");
        out.spaces(indent).styled(Style::Dim, arrow).foreign(Style::Plain, hint).line();
    }
}
