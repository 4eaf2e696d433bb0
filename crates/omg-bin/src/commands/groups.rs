//! `omg groups`: groups of packages, and what is in them.

use clap::Args;
use omg_core::{Fault, GroupRow, Listed};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::limit::Limit;
use super::{Verb, list};
use crate::render::{Cell, Column, Output, Style, Table, count};
use crate::session::{Session, unexpected};

/// List groups of packages.
#[derive(Args, Debug)]
pub(crate) struct Groups {
    /// List what is in this group
    group: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Serialize)]
struct Body<'a> {
    groups: &'a [GroupRow],
}

impl Verb for Groups {
    const NAME: &'static str = "groups";
    const ABOUT: &'static str = "List groups (Arch) or sections (Debian), or what is in one";
    const EXAMPLES: &'static str = "\
  omg groups
  omg groups base-devel          what is in it
  omg groups -q editors          names only";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let group = self.group.as_deref().unwrap_or("");
        let answer = session.ask(Query::Groups { group })?;
        match answer.reply()? {
            Reply::Groups(mut groups) => {
                self.limit.cut(&mut groups);
                show(session, &groups);
            }
            Reply::List(packages) => {
                let mut packages: Vec<Listed<'_>> = packages;
                self.limit.cut(&mut packages);
                list::show(session, &packages, list::write);
            }
            other => return Err(unexpected(&other)),
        }
        Ok(0)
    }
}

fn show(session: &mut Session, groups: &[GroupRow]) {
    if session.globals.json {
        session.json("omg.groups/1", Body { groups });
    } else if session.globals.quiet {
        for group in groups {
            session.out.foreign(Style::Plain, &group.name).line();
        }
    } else {
        write(&mut session.out, groups);
    }
}

fn write(out: &mut Output, groups: &[GroupRow]) {
    let mut table = Table::new(&[Column::Left, Column::Right, Column::Right]).heading(&[
        "GROUP",
        "PACKAGES",
        "INSTALLED",
    ]);
    for group in groups {
        let style = if group.installed > 0 { Style::Good } else { Style::Dim };
        table.row([
            Cell::new(Style::Name, &group.name),
            Cell::owned(Style::Plain, count(group.packages.into())),
            Cell::owned(style, count(group.installed.into())),
        ]);
    }
    table.write(out);
}
