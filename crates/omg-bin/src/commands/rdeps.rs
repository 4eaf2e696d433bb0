//! `omg rdeps`: what depends on a package.

use clap::Args;
use omg_core::{Dependent, Fault};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::Verb;
use super::limit::Limit;
use crate::render::{Cell, Column, Output, Style, Table, count};
use crate::session::{Session, unexpected};

/// List what depends on a package.
#[derive(Args, Debug)]
pub(crate) struct Rdeps {
    /// The package
    package: String,
    /// Only packages on this system
    #[arg(long, short)]
    installed: bool,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Serialize)]
struct Body<'a> {
    package: &'a str,
    dependents: &'a [Dependent<'a>],
}

impl Verb for Rdeps {
    const NAME: &'static str = "rdeps";
    const ALIASES: &'static [&'static str] = &["rdepends"];
    const ABOUT: &'static str = "List what depends on a package";
    const EXAMPLES: &'static str = "\
  omg rdeps libpcre2-8-0
  omg rdeps --installed perl     only packages on this system";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let answer =
            session.ask(Query::Rdeps { package: &self.package, installed: self.installed })?;
        let reply = answer.reply()?;
        let Reply::Rdeps(dependents) = reply else { return Err(unexpected(&reply)) };
        let mut dependents = dependents;
        let dropped = self.limit.cut(&mut dependents);
        if session.globals.json {
            session.json("omg.rdeps/1", Body { package: &self.package, dependents: &dependents });
        } else if session.globals.quiet {
            for dependent in &dependents {
                session.out.foreign(Style::Plain, dependent.name).line();
            }
        } else {
            if dependents.is_empty() {
                session.out.note("nothing depends on it");
            }
            write(&mut session.out, &dependents);
            if dropped > 0 {
                session.out.note(&format!("and {} more", count(dropped as u64)));
            }
        }
        Ok(0)
    }
}

fn write(out: &mut Output, dependents: &[Dependent<'_>]) {
    let mut table = Table::new(&[Column::Left, Column::Left, Column::Left, Column::Rest]);
    for dependent in dependents {
        let style = if dependent.installed { Style::Good } else { Style::Dim };
        let state = match (dependent.installed, dependent.via) {
            (true, Some(via)) => format!("installed, through {via}"),
            (true, None) => "installed".to_owned(),
            (false, Some(via)) => format!("through {via}"),
            (false, None) => String::new(),
        };
        table.row([
            Cell::new(Style::Name, dependent.name),
            Cell::new(Style::Version, dependent.version),
            Cell::new(Style::Plain, dependent.kind.as_str()),
            Cell::owned(style, state),
        ]);
    }
    table.write(out);
}
