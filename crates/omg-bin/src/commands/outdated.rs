//! `omg outdated`: installed packages with a newer candidate.

use clap::Args;
use omg_core::{Fault, Listed};
use omg_proto::{Query, Reply};

use super::limit::Limit;
use super::search::repository;
use super::{Verb, list};
use crate::render::{Cell, Column, Output, Style, Table};
use crate::session::{Session, unexpected};

/// List packages with a newer version.
#[derive(Args, Debug)]
pub(crate) struct Outdated {
    /// Only security fixes
    #[arg(long, short)]
    security: bool,
    #[command(flatten)]
    limit: Limit,
}

impl Verb for Outdated {
    const NAME: &'static str = "outdated";
    const ALIASES: &'static [&'static str] = &["upgradable", "updates"];
    const ABOUT: &'static str = "List installed packages that could be newer";
    const EXAMPLES: &'static str = "\
  omg outdated
  omg outdated --security        only where fixes of security holes wait
  omg outdated -q                names only";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        list(session, self.security, |packages| {
            self.limit.cut(packages);
        })?;
        Ok(0)
    }
}

/// Lists what could be newer, cut by `cut`; would an upgrade take any of it?
pub(super) fn list(
    session: &mut Session,
    security: bool,
    cut: impl FnOnce(&mut Vec<Listed<'_>>),
) -> Result<bool, Fault> {
    let answer = session.ask(Query::Updates { security })?;
    let reply = answer.reply()?;
    let Reply::List(packages) = reply else { return Err(unexpected(&reply)) };
    let mut packages = packages;
    let any = packages.iter().any(|package| !package.held);
    let none = packages.is_empty();
    cut(&mut packages);
    if none && !session.globals.json && !session.globals.quiet && session.out.screen.tty() {
        session.out.note(if security {
            "no security fixes wait"
        } else {
            "everything is up to date"
        });
    }
    list::show(session, &packages, write);
    Ok(any)
}

fn write(out: &mut Output, packages: &[Listed<'_>]) {
    let mut table = Table::new(&[
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Spare,
        Column::Left,
    ]);
    let arrow = out.screen.pick("→", "->");
    for package in packages {
        table.row([
            Cell::new(Style::Name, package.name),
            Cell::new(Style::Dim, package.version),
            Cell::new(Style::Dim, arrow),
            Cell::new(Style::Version, package.new_version.unwrap_or("-")),
            repository(package.repository),
            Cell::new(Style::Warn, if package.held { "[held]" } else { "" }),
        ]);
    }
    table.write(out);
}
