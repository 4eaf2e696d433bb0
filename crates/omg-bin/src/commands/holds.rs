//! Why packages are held and until when, as `omg hold` had it noted. A hold whose time is over ends with the
//! next update.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use omg_core::{Code, Fault, Task};
use omg_proto::{ListFilter, Query, Reply};
use serde::Deserialize;

use super::{carry, change, undo};
use crate::engine::Terms;
use crate::render::rfc3339;
use crate::session::{Session, unexpected};

/// Below the root; `docs/formats.md` describes it.
const FILE: &str = "var/lib/omg/state/holds.toml";

/// Largest file that is read, bytes.
const LIMIT: u64 = 4 << 20;

#[derive(Default, Deserialize)]
struct Noted {
    #[serde(default)]
    hold: Vec<Hold>,
}

/// One package that somebody held.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
struct Hold {
    package: String,
    reason: Option<String>,
    /// Seconds since the epoch.
    until: Option<u64>,
}

/// Lets go what is held no longer, and says of the rest why it is held. With `dry` it says so only.
pub(super) fn expire(session: &mut Session, terms: Terms, dry: bool) -> Result<(), Fault> {
    let mut holds = read(&undo::root(session).join(FILE))?;
    if holds.is_empty() {
        return Ok(());
    }
    // The native tools may have let them go, or packages may be gone.
    let held = held(session)?;
    holds.retain(|hold| held.contains(&hold.package));
    let now = change::now();
    let (over, rest): (Vec<Hold>, Vec<Hold>) =
        holds.into_iter().partition(|hold| hold.until.is_some_and(|until| until <= now));
    for hold in rest.iter().filter(|hold| hold.reason.is_some() || hold.until.is_some()) {
        session.out.note(&text(hold));
    }
    let packages: Vec<String> = over.into_iter().map(|hold| hold.package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.join(", ");
    if dry {
        session.out.note(&format!("held no longer with the next update: {names}"));
        return Ok(());
    }
    let mut show = carry::show(session);
    let task = Task::Hold { packages, hold: false, reason: None, until: None };
    let done = session.engine()?.order(task, terms, |progress| show.hear(progress));
    show.end();
    match done {
        Ok(_) => session.out.note(&format!("held no longer: {names}")),
        // Whoever may not end holds may still update the rest.
        Err(fault) if fault.code == Code::Policy => {
            session.out.note(&format!("the time is over for which these are held: {names}"));
        }
        Err(fault) => return Err(fault),
    }
    Ok(())
}

/// `postgresql is held until 2026-12-21T10:00:00Z: the new one is slow`.
fn text(hold: &Hold) -> String {
    let until = hold.until.map_or_else(String::new, |until| format!(" until {}", rfc3339(until)));
    let reason = hold.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{} is held{until}{reason}", hold.package)
}

fn read(path: &Path) -> Result<Vec<Hold>, Fault> {
    let unreadable = |error: &std::io::Error| {
        Fault::caused_by(Code::Unreadable, format!("{} can't be read", path.display()), error)
    };
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| unreadable(&error))?,
    };
    let mut text = String::new();
    file.take(LIMIT).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    let noted: Noted = toml::from_str(&text).map_err(|error| {
        Fault::caused_by(Code::Malformed, format!("{} makes no sense", path.display()), &error)
    })?;
    Ok(noted.hold)
}

/// Names of packages that are held now.
fn held(session: &mut Session) -> Result<BTreeSet<String>, Fault> {
    let answer = session.ask(Query::List { filter: ListFilter::Installed })?;
    let reply = answer.reply()?;
    let Reply::List(packages) = &reply else { return Err(unexpected(&reply)) };
    let held = packages.iter().filter(|package| package.held);
    Ok(held.map(|package| package.name.to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("holds.toml");
        assert_eq!(read(&path), Ok(Vec::new()));
        let noted = "[[hold]]\npackage = \"vim\"\n\n\
                     [[hold]]\npackage = \"apt\"\nreason = \"slow\"\nuntil = 86400\n";
        std::fs::write(&path, noted).unwrap();
        let told: Vec<String> = read(&path).unwrap().iter().map(text).collect();
        assert_eq!(told, ["vim is held", "apt is held until 1970-01-02T00:00:00Z: slow"]);
        std::fs::write(&path, "hold = 3").unwrap();
        assert_eq!(read(&path).unwrap_err().code, Code::Malformed);
    }
}
