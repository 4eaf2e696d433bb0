//! What is installed: dpkg's database (deb(5), dpkg(1)) and apt's marks.
//!
//! Sources, later ones over earlier ones: `status`; the journal `updates/NNNN` that an interrupted
//! dpkg leaves; `status.d/*`, which images without dpkg have instead. `extended_states` says which
//! packages came automatically.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use omg_core::{Installed, InstalledPackage, Source};

use crate::deb822;
use crate::error::Error;
use crate::extended;
use crate::graph::{self, Node};
use crate::orphans::AutoRemove;

mod rows;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use rows::first_line;
pub use rows::{Refused, Row, Rows, rows};
use source::Kind;
pub(crate) use source::read_settled;

/// At most this many warnings are kept; a file of garbage would fill the memory with them.
const MOST_WARNINGS: usize = 64;

/// Where things are, and what apt is told about them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// dpkg's directory: `/var/lib/dpkg`.
    pub admin: PathBuf,
    /// apt's marks: `/var/lib/apt/extended_states`.
    pub extended_states: PathBuf,
    /// The native architecture: `amd64`.
    pub native: String,
    /// Other architectures that packages may have.
    pub foreign: Vec<String>,
    /// What `apt-get autoremove` keeps.
    pub autoremove: AutoRemove,
}

impl Settings {
    /// What a system below `root` has when nothing is configured.
    pub fn new(root: &Path, native: &str) -> Self {
        Self {
            admin: root.join("var/lib/dpkg"),
            extended_states: root.join("var/lib/apt/extended_states"),
            native: native.to_owned(),
            foreign: Vec::new(),
            autoremove: AutoRemove::default(),
        }
    }

    /// Is this an architecture that apt is configured for?
    pub(crate) fn knows(&self, architecture: &str) -> bool {
        architecture == self.native || self.foreign.iter().any(|foreign| foreign == architecture)
    }

    /// `all` and a missing architecture stand for the native one.
    pub(crate) fn effective<'a>(&'a self, architecture: &'a str) -> &'a str {
        if matches!(architecture, "all" | "") { &self.native } else { architecture }
    }
}

/// Reads everything that is installed.
///
/// Malformed records and unreadable parts become warnings; the error is that there is no database
/// at all, that it can't be read, or that it exceeds its limit (256 MiB).
pub fn read(settings: &Settings) -> Result<Installed, Error> {
    let mut warnings = Vec::new();
    let database = source::read(&settings.admin, &mut warnings)?;
    let text: Arc<str> = Arc::from(database.text.as_str());
    let rows = gather(&database, &mut warnings);
    let marks = extended::read(&settings.extended_states, &settings.native, &mut warnings);
    let nodes = nodes(&database.text, rows, settings, &marks, |offset, line| {
        warnings.push(database.place(offset, line));
    });
    let graph = graph::build(&nodes, settings);
    warnings.truncate(MOST_WARNINGS);
    let packages =
        nodes.iter().zip(&graph.orphans).map(|(node, orphan)| package(node, *orphan)).collect();
    Ok(Installed { text, packages, edges: graph.edges, warnings })
}

/// The rows of all files, one for each package, sorted.
fn gather<'a>(database: &'a source::Database, warnings: &mut Vec<String>) -> Vec<Row<'a>> {
    let Rows { mut rows, malformed } = rows(&database.text);
    for bad in malformed.iter().take(MOST_WARNINGS) {
        warnings.push(database.place(bad.offset, bad.what));
    }
    for (number, row) in rows.iter_mut().enumerate() {
        // In an image without dpkg nothing says how far a package got.
        if row.status.is_empty() && database.kind(row.record.start) == Kind::Image {
            row.status = "install ok installed";
        }
        row.order = number as u32;
    }
    settle(rows, database)
}

/// Lets later records of a package replace earlier ones, and leaves out what is not there at all.
fn settle<'a>(mut rows: Vec<Row<'a>>, database: &'a source::Database) -> Vec<Row<'a>> {
    // dpkg writes them in nearly this order; the stable sort profits from that.
    rows.sort_by(|a, b| (a.name, a.architecture, a.order).cmp(&(b.name, b.architecture, b.order)));
    let mut kept: Vec<Row<'_>> = Vec::with_capacity(rows.len());
    for row in rows {
        match kept.last_mut() {
            Some(last) if last.name == row.name && last.architecture == row.architecture => {
                *last = row;
            }
            _ => kept.push(row),
        }
    }
    replace_across_architectures(&mut kept, database);
    kept.retain(|row| !matches!(row.state_word(), "not-installed" | ""));
    kept
}

/// A record of the journal also replaces one of another architecture, unless both packages can be
/// installed side by side: dpkg changed the architecture of a package.
fn replace_across_architectures(rows: &mut Vec<Row<'_>>, database: &source::Database) {
    let is_update = |row: &Row<'_>| database.kind(row.record.start) == Kind::Update;
    let is_alone = |row: &Row<'_>| {
        let text = database.text.get(row.record.clone()).unwrap_or("");
        !deb822::Block { text, offset: 0 }
            .get("Multi-Arch")
            .is_some_and(|value| value.eq_ignore_ascii_case("same"))
    };
    let mut replaced = Vec::new();
    for group in rows.chunk_by(|a, b| a.name == b.name).filter(|group| group.len() > 1) {
        let updates =
            group.iter().filter(|row| is_update(row) && row.is_present() && is_alone(row));
        if let Some(last) = updates.max_by_key(|row| row.order) {
            replaced.extend(group.iter().filter(|row| row.order < last.order).map(|row| row.order));
        }
    }
    rows.retain(|row| !replaced.contains(&row.order));
}

/// Looks at every field of the rows that are kept.
fn nodes<'a>(
    text: &'a str,
    rows: Vec<Row<'a>>,
    settings: &Settings,
    marks: &extended::Marks,
    mut refuse: impl FnMut(usize, &str),
) -> Vec<Node<'a>> {
    let mut refused = 0;
    let mut nodes = Vec::with_capacity(rows.len());
    for row in rows {
        match graph::facts(text, &row) {
            Ok(facts) => {
                let automatic = marks.is_automatic(row.name, settings.effective(row.architecture));
                nodes.push(Node { row, facts, automatic });
            }
            Err((offset, what)) => {
                refused += 1;
                if refused <= MOST_WARNINGS {
                    refuse(offset, what);
                }
            }
        }
    }
    nodes
}

fn package(node: &Node<'_>, orphan: bool) -> InstalledPackage {
    let row = &node.row;
    InstalledPackage {
        name: row.name.into(),
        version: row.version.into(),
        architecture: row.architecture.into(),
        source: Source::Apt,
        state: row.state(),
        automatic: node.automatic,
        orphan,
        held: row.is_held(),
        essential: node.facts.essential,
        installed_size: row.installed_size(),
        description: node.facts.description.into(),
        section: row.section.into(),
        record: row.record.clone(),
    }
}
