//! `omg tree`: what a package depends on, and what that depends on.

use clap::Args;
use omg_core::{Fault, RelationKind, TreeRow};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::Verb;
use crate::render::{Output, Style, branches};
use crate::session::{Session, unexpected};

/// Show a dependency tree.
#[derive(Args, Debug)]
pub(crate) struct Tree {
    /// The package
    package: String,
    /// Levels below the package; 0 for all
    #[arg(long, short, value_name = "N", default_value_t = 3)]
    depth: u16,
}

#[derive(Serialize)]
struct Body<'a> {
    package: &'a str,
    rows: &'a [TreeRow],
}

impl Verb for Tree {
    const NAME: &'static str = "tree";
    const ALIASES: &'static [&'static str] = &["depends"];
    const ABOUT: &'static str = "Show what a package depends on, as a tree";
    const EXAMPLES: &'static str = "\
  omg tree vim
  omg tree --depth 0 vim         all the way down";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let depth = if self.depth == 0 { u16::MAX } else { self.depth };
        let answer = session.ask(Query::Tree { package: &self.package, depth })?;
        let reply = answer.reply()?;
        let Reply::Tree(rows) = &reply else { return Err(unexpected(&reply)) };
        if session.globals.json {
            session.json("omg.tree/1", Body { package: &self.package, rows });
        } else {
            write(&mut session.out, rows, |_| None);
        }
        Ok(0)
    }
}

/// Draws rows; `extra` may add a word behind a row.
pub(super) fn write(
    out: &mut Output,
    rows: &[TreeRow],
    extra: impl Fn(&TreeRow) -> Option<String>,
) {
    let depths: Vec<usize> = rows.iter().map(|row| row.depth.into()).collect();
    let tick = out.screen.pick("✓", "*");
    for (row, branch) in rows.iter().zip(branches(&depths, out.screen.unicode)) {
        out.styled(Style::Dim, &branch).foreign(Style::Name, &row.name);
        match &row.version {
            Some(version) => out.push(" ").foreign(Style::Version, version),
            None => out.push(" ").styled(Style::Dim, "(virtual or unknown)"),
        };
        if row.installed {
            out.push(" ").styled(Style::Good, tick);
        }
        if let Some(kind) = row.kind.filter(|kind| !matches!(kind, RelationKind::Depends)) {
            out.push(" ").styled(Style::Dim, kind.as_str());
        }
        if let Some(extra) = extra(row) {
            out.push("  ").styled(Style::Plain, &extra);
        }
        if row.repeated {
            out.push(" ").styled(Style::Dim, "(above)");
        }
        out.line();
    }
}
