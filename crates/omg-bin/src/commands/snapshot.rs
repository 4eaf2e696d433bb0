//! `omg snapshot`: which packages are here, remembered under a name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use omg_core::{Code, Fault};
use serde::{Deserialize, Serialize};

use super::change::{Manner, now};
use super::{Group, Verb, undo};
use crate::past::{Here, State};
use crate::places;
use crate::render::{Cell, Column, Style, Table, rfc3339};
use crate::session::Session;

/// Largest snapshot, bytes: a million packages.
const LIMIT: u64 = 128 * 1024 * 1024;

/// Remember which packages are here.
#[derive(Args, Debug)]
pub(crate) struct Snapshot {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Remember the packages of now
    Create {
        /// Under this name; the time of day if none is given
        name: Option<String>,
    },
    /// All that are remembered
    List,
    /// Back to the packages of a snapshot
    Restore {
        /// Its name
        name: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// Forget one
    Delete {
        /// Its name
        name: String,
    },
}

/// A snapshot as it stands in its file.
#[derive(Serialize, Deserialize)]
struct Kept {
    schema: String,
    created: u64,
    root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Serialize, Deserialize)]
struct Package {
    name: String,
    architecture: String,
    version: String,
    automatic: Option<bool>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    created: String,
    root: PathBuf,
    packages: usize,
}

/// Of the file.
const SCHEMA: &str = "omg.snapshot-file/1";

impl Verb for Snapshot {
    const NAME: &'static str = "snapshot";
    const GROUP: Group = Group::Past;
    const ABOUT: &'static str = "Remember which packages are here, and go back to that";
    const EXAMPLES: &'static str = "\
  omg snapshot create before-kde
  omg snapshot restore -n before-kde
  omg snapshot list";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        match self.action {
            Action::Create { name } => create(session, name),
            Action::List => list(session),
            Action::Restore { name, manner } => restore(session, &name, manner),
            Action::Delete { name } => {
                let path = path(&name)?;
                std::fs::remove_file(&path).map_err(|error| absent(&name, &error))?;
                if session.globals.json {
                    return list(session);
                }
                session.out.note(&format!("{name} is forgotten"));
                Ok(0)
            }
        }
    }
}

fn create(session: &mut Session, name: Option<String>) -> Result<u8, Fault> {
    let created = now();
    let name = name.unwrap_or_else(|| rfc3339(created).to_string().replace(':', ""));
    let path = path(&name)?;
    let packages = undo::installed(session)?;
    let packages: Vec<Package> = packages
        .into_iter()
        .map(|((name, architecture), here)| Package {
            name,
            architecture,
            version: here.version,
            automatic: here.automatic,
        })
        .collect();
    let count = packages.len();
    let kept = Kept { schema: SCHEMA.to_owned(), created, root: undo::root(session), packages };
    let text = serde_json::to_string(&kept).map_err(|error| {
        Fault::caused_by(Code::Internal, "the snapshot can't be written", &error)
    })?;
    places::make(&directory()?)?;
    let unwritable = |error: &std::io::Error| {
        Fault::caused_by(Code::Unwritable, format!("{} can't be written", path.display()), error)
    };
    let mut file = std::fs::File::create_new(&path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Fault::new(Code::Usage, format!("there is a snapshot called '{name}' already"))
                .hint(format!("`omg snapshot delete {name}`, or another name"))
        } else {
            unwritable(&error)
        }
    })?;
    std::io::Write::write_all(&mut file, text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| unwritable(&error))?;
    if session.globals.json {
        let (created, root) = (rfc3339(created).to_string(), kept.root);
        session.json("omg.snapshot/1", Listed { name, created, root, packages: count });
    } else {
        session.out.styled(Style::Good, &format!("{name}: {count} packages")).line();
    }
    Ok(0)
}

fn list(session: &mut Session) -> Result<u8, Fault> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory()?).into_iter().flatten().flatten() {
        let Some(name) =
            entry.file_name().to_str().and_then(|it| it.strip_suffix(".json")).map(str::to_owned)
        else {
            continue;
        };
        match load(&name) {
            Ok(kept) => all.push(Listed {
                name,
                created: rfc3339(kept.created).to_string(),
                root: kept.root,
                packages: kept.packages.len(),
            }),
            Err(fault) => session.out.note(&fault.to_string()),
        }
    }
    all.sort_by(|a, b| (&a.created, &a.name).cmp(&(&b.created, &b.name)));
    if session.globals.json {
        session.json("omg.snapshots/1", BTreeMap::from([("snapshots", all)]));
        return Ok(0);
    }
    let mut table = Table::new(&[Column::Left, Column::Left, Column::Right, Column::Spare]);
    for snapshot in all {
        table.row([
            Cell::owned(Style::Name, snapshot.name),
            Cell::owned(Style::Dim, snapshot.created),
            Cell::owned(Style::Plain, snapshot.packages.to_string()),
            Cell::owned(Style::Dim, snapshot.root.display().to_string()),
        ]);
    }
    table.write(&mut session.out);
    Ok(0)
}

fn restore(session: &mut Session, name: &str, manner: Manner) -> Result<u8, Fault> {
    let kept = load(name)?;
    let root = undo::root(session);
    if kept.root != root {
        let message = format!("'{name}' is of {}, not of {}", kept.root.display(), root.display());
        return Err(Fault::new(Code::Usage, message));
    }
    let mut wanted: State = undo::installed(session)?.into_keys().map(|key| (key, None)).collect();
    for package in kept.packages {
        let here = Here { version: package.version, automatic: package.automatic, sha256: None };
        wanted.insert((package.name, package.architecture), Some(here));
    }
    undo::go(session, &wanted, manner, None)
}

fn load(name: &str) -> Result<Kept, Fault> {
    use std::io::Read as _;
    let path = path(name)?;
    let file = std::fs::File::open(&path).map_err(|error| absent(name, &error))?;
    let mut text = String::new();
    let unreadable = |error: &(dyn std::error::Error + 'static)| {
        Fault::caused_by(Code::Malformed, format!("{} is no snapshot", path.display()), error)
    };
    file.take(LIMIT).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    let kept: Kept = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    if kept.schema == SCHEMA {
        Ok(kept)
    } else {
        Err(Fault::new(Code::Malformed, format!("{} is not of {SCHEMA}", path.display())))
    }
}

fn absent(name: &str, error: &std::io::Error) -> Fault {
    Fault::caused_by(Code::NotFound, format!("there is no snapshot called '{name}'"), error)
        .hint("`omg snapshot list`")
}

fn directory() -> Result<PathBuf, Fault> {
    let state = places::state().ok_or_else(|| {
        Fault::new(Code::Failure, "there is no directory to keep snapshots in").hint("set HOME")
    })?;
    Ok(state.join("snapshots"))
}

/// A name stands for one file of ours and for nothing else.
fn path(name: &str) -> Result<PathBuf, Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(plain) {
        let message = format!("'{}' can't be the name of a snapshot", name.escape_debug());
        return Err(Fault::new(Code::Usage, message)
            .hint("letters, digits, '-', '_', '.' and '+', at most 100"));
    }
    Ok(directory()?.join(format!("{name}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_lead_elsewhere() {
        for wrong in ["", "..", ".x", "a/b", "../x", "a b", "a\n", &"x".repeat(101)] {
            assert_eq!(path(wrong).unwrap_err().code, Code::Usage, "{wrong:?}");
        }
    }
}
