//! `omg size`: space on disk.

use std::collections::HashMap;

use clap::Args;
use omg_core::{Fault, SizeRow, TreeRow};
use omg_proto::{Query, Reply};
use serde::Serialize;

use super::limit::Limit;
use super::{Verb, tree};
use crate::render::{Cell, Column, Output, Style, Table, bytes};
use crate::session::{Session, reply, unexpected};

/// Packages drawn as trees unless asked otherwise.
const TREES: u32 = 10;

/// Show space on disk.
#[derive(Args, Debug)]
pub(crate) struct Size {
    /// The package; without one, everything you asked for
    package: Option<String>,
    /// Draw dependencies with their sizes
    #[arg(long, short)]
    tree: bool,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Serialize)]
struct Body<'a> {
    packages: &'a [SizeRow<'a>],
}

#[derive(Serialize)]
struct SizedRow<'a> {
    #[serde(flatten)]
    row: &'a TreeRow,
    size: Option<u64>,
}

#[derive(Serialize)]
struct Trees<'a> {
    rows: Vec<SizedRow<'a>>,
}

impl Verb for Size {
    const NAME: &'static str = "size";
    const ABOUT: &'static str = "Show the space that packages take, alone and with their needs";
    const EXAMPLES: &'static str = "\
  omg size                       what you asked for, largest first
  omg size --tree vim            with its dependencies
  omg size --limit 10";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let package = self.package.as_deref().unwrap_or("");
        let answer = session.ask(Query::Size { package })?;
        let reply = answer.reply()?;
        let Reply::Size(rows) = reply else { return Err(unexpected(&reply)) };
        let mut rows = rows;
        if self.tree {
            let limit = self.limit.or(Some(TREES)).unwrap_or(u32::MAX);
            rows.truncate(limit as usize);
            let roots: Vec<&str> = if package.is_empty() {
                rows.iter().map(|row| row.name).collect()
            } else {
                vec![package]
            };
            return trees(session, &roots, if package.is_empty() { 1 } else { 3 });
        }
        self.limit.cut(&mut rows);
        if session.globals.json {
            session.json("omg.size/1", Body { packages: &rows });
        } else {
            write(&mut session.out, &rows);
        }
        Ok(0)
    }
}

fn write(out: &mut Output, rows: &[SizeRow<'_>]) {
    let mut table =
        Table::new(&[Column::Left, Column::Spare, Column::Right, Column::Right, Column::Right])
            .heading(&["PACKAGE", "VERSION", "OWN", "ONLY IT NEEDS", "ALL IT NEEDS"]);
    for row in rows {
        table.row([
            Cell::new(Style::Name, row.name),
            Cell::new(Style::Version, row.version),
            Cell::owned(Style::Plain, bytes(row.own)),
            Cell::owned(Style::Heading, bytes(row.exclusive)),
            Cell::owned(Style::Plain, bytes(row.total)),
        ]);
    }
    table.write(out);
}

/// Trees of `roots` with each package's own size.
fn trees(session: &mut Session, roots: &[&str], depth: u16) -> Result<u8, Fault> {
    let queries: Vec<_> = roots.iter().map(|package| Query::Tree { package, depth }).collect();
    let mut rows: Vec<TreeRow> = Vec::new();
    for body in session.ask_all(&queries)? {
        match reply(&body)? {
            Reply::Tree(more) => rows.extend(more),
            other => return Err(unexpected(&other)),
        }
    }
    let sizes = sizes(session, &rows)?;
    if session.globals.json {
        let rows =
            rows.iter().map(|row| SizedRow { row, size: sizes.get(&row.name).copied() }).collect();
        session.json("omg.size-tree/1", Trees { rows });
    } else {
        tree::write(&mut session.out, &rows, |row| sizes.get(&row.name).map(|size| bytes(*size)));
    }
    Ok(0)
}

/// Each installed package's own size. Packages without one are left out.
fn sizes(session: &mut Session, rows: &[TreeRow]) -> Result<HashMap<String, u64>, Fault> {
    let mut names: Vec<&str> =
        rows.iter().filter(|row| row.installed).map(|row| &*row.name).collect();
    names.sort_unstable();
    names.dedup();
    let queries: Vec<_> = names.iter().map(|package| Query::Size { package }).collect();
    let mut sizes = HashMap::with_capacity(names.len());
    for (name, body) in names.iter().zip(session.ask_all(&queries)?) {
        if let Ok(Reply::Size(found)) = reply(&body)
            && let Some(row) = found.first()
        {
            sizes.insert((*name).to_owned(), row.own);
        }
    }
    Ok(sizes)
}
