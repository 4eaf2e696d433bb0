//! Where the versions of the past are had: repositories, caches, and the distribution's archive, which
//! the daemon asks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use omg_core::{Change, Code, Fault, Operation};
use omg_proto::{Query, Reply};

use super::{carry, undo};
use crate::distribution::Distribution;
use crate::past::{self, Had, Here, Past};
use crate::session::{Session, unexpected};

/// A search for versions, one after the other.
pub(super) struct Search {
    root: PathBuf,
    distribution: Distribution,
    /// Versions that repositories offer, by package.
    offered: BTreeMap<String, Vec<String>>,
    /// The system's log, once it was needed.
    log: Option<Vec<Past>>,
    /// The archive did not answer, and is not asked again.
    silent: bool,
    /// What could not be had, and why.
    missing: Vec<String>,
}

impl Search {
    pub(super) fn new(session: &Session, offered: BTreeMap<String, Vec<String>>) -> Self {
        let root = undo::root(session);
        let distribution = Distribution::or_debian(Some(&root));
        Self { root, distribution, offered, log: None, silent: false, missing: Vec::new() }
    }

    /// Where a version is; `None` if it can't be had any more.
    ///
    /// # Errors
    /// What is there and must not be taken, a log that can't be read, and whatever else is no answer.
    pub(super) fn find(
        &mut self,
        session: &mut Session,
        name: &str,
        architecture: &str,
        was: &Here,
    ) -> Result<Option<Had>, Fault> {
        if self.offered.get(name).is_some_and(|versions| versions.contains(&was.version)) {
            return Ok(Some(Had::Offered));
        }
        let log = match &mut self.log {
            Some(log) => log,
            none => none.insert(undo::changes(session)?),
        };
        let mut was = was.clone();
        if was.sha256.is_none() {
            was.sha256 = past::digest(log, name, architecture, &was.version);
        }
        let cached = past::cached(&self.root, self.distribution, name, architecture, &was);
        if let Some(path) = cached {
            return Ok(Some(Had::File(path)));
        }
        let why = if self.silent {
            "the archive was not asked again".to_owned()
        } else {
            match fetch(session, name, architecture, &was) {
                Ok(path) => return Ok(Some(Had::File(path))),
                Err(fault) if matches!(fault.code, Code::Gone | Code::Network) => {
                    self.silent = fault.code == Code::Network;
                    if self.silent { fault.to_string() } else { fault.cause.join(": ") }
                }
                Err(fault) => {
                    let change =
                        Change::new(Operation::Install, [format!("{name}={}", was.version)]);
                    return Err(past::noted("archive", Some(&change), fault));
                }
            }
        };
        let place = "no repository and no cache has it";
        self.missing.push(format!("{name} {}: {place}; {why}", was.version));
        Ok(None)
    }

    /// The fault for what could not be had.
    pub(super) fn gone(&self, message: &str) -> Fault {
        let mut fault = Fault::new(Code::Gone, message).hint(
            "looked for in the repositories, in the caches of packages and in the distribution's archive",
        );
        fault.cause.clone_from(&self.missing);
        fault
    }
}

/// Has the daemon bring a version from the archive. What it brings has the digest that the log has.
fn fetch(
    session: &mut Session,
    name: &str,
    architecture: &str,
    was: &Here,
) -> Result<PathBuf, Fault> {
    let sha256 = was.sha256.as_deref().unwrap_or_default();
    let query = Query::Archive { name, version: &was.version, architecture, sha256 };
    let mut show = carry::show(session);
    let answer = session.ask_with(query, &mut |progress| show.hear(progress));
    show.end();
    let answer = answer?;
    let reply = answer.reply()?;
    let Reply::Archived { path, from } = &reply else { return Err(unexpected(&reply)) };
    let path = PathBuf::from(path);
    if !past::is(&path, was.sha256.as_deref()) {
        let message = format!("{} is not the {name} {} of the log", path.display(), was.version);
        return Err(Fault::new(Code::Digest, message));
    }
    session.out.note(&format!("{name} {} is from the archive, {from}", was.version));
    Ok(path)
}
