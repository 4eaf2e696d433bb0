//! Files found, as `owns` and `provides` show them.

use omg_core::{FileMatch, FileOrigin};
use serde::Serialize;

use crate::render::{Cell, Column, Output, Style, Table};
use crate::session::Session;

/// The JSON of both verbs.
#[derive(Serialize)]
struct Body<'a> {
    query: &'a str,
    matches: &'a [FileMatch],
    hint: Option<&'a str>,
}

/// Shows matches as JSON, as bare package names, or as a table; the hint goes to standard error.
pub(super) fn show(session: &mut Session, query: &str, matches: &[FileMatch], hint: Option<&str>) {
    if session.globals.json {
        session.json("omg.files/1", Body { query, matches, hint });
    } else if session.globals.quiet {
        let mut names: Vec<&str> = matches.iter().map(|found| &*found.package).collect();
        names.dedup();
        for name in &names {
            session.out.foreign(Style::Plain, name).line();
        }
    } else {
        write(&mut session.out, matches);
        if let Some(hint) = hint {
            session.out.note(&format!("hint: {hint}"));
        }
    }
}

fn write(out: &mut Output, matches: &[FileMatch]) {
    let mut table = Table::new(&[Column::Left, Column::Left, Column::Rest]);
    for found in matches {
        let name = match &found.architecture {
            Some(architecture) if architecture != "all" => {
                format!("{}:{architecture}", found.package)
            }
            _ => found.package.clone(),
        };
        let origin = match (found.origin, found.installed) {
            (FileOrigin::Diversion, _) => Cell::new(Style::Warn, "diverted"),
            (FileOrigin::Virtual, true) => Cell::new(Style::Good, "installed,virtual"),
            (FileOrigin::Virtual, false) => Cell::new(Style::Dim, "virtual"),
            (FileOrigin::Installed | FileOrigin::Contents, true) => {
                Cell::new(Style::Good, "installed")
            }
            (FileOrigin::Installed | FileOrigin::Contents, false) => {
                Cell::new(Style::Dim, "available")
            }
        };
        table.row([Cell::owned(Style::Name, name), origin, Cell::new(Style::Plain, &found.path)]);
    }
    table.write(out);
}
