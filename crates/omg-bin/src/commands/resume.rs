//! `omg resume`: recipes that could not be built, tried again.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use omg_core::{Change, Code, Fault, Operation};
use serde::{Deserialize, Serialize};

use super::change::{self, Manner};
use super::{Group, Verb, undo};
use crate::places;
use crate::session::Session;

/// Try again what could not be built.
#[derive(Args, Debug)]
pub(crate) struct Resume {
    #[command(flatten)]
    manner: Manner,
}

/// What is left to do.
#[derive(Serialize, Deserialize)]
struct Left {
    schema: String,
    packages: Vec<String>,
}

const SCHEMA: &str = "omg.resume/1";

impl Verb for Resume {
    const NAME: &'static str = "resume";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Try again the recipes that could not be built";
    const EXAMPLES: &'static str = "\
  omg resume                     packages that were built are not built again
  omg resume -n                  what is left";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let path = path()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                undo::nothing(session, "nothing is left to be built");
                return Ok(0);
            }
            Err(error) => {
                let message = format!("{} can't be read", path.display());
                return Err(Fault::caused_by(Code::Unreadable, message, &error));
            }
        };
        let left: Left = serde_json::from_str(&text).map_err(|error| {
            Fault::caused_by(Code::Malformed, format!("{} makes no sense", path.display()), &error)
        })?;
        if left.schema != SCHEMA {
            return Err(Fault::new(
                Code::Malformed,
                format!("{} is of another kind", path.display()),
            ));
        }
        change::run(session, Change::new(Operation::Install, left.packages), self.manner)
    }
}

/// Keeps what is left of a change; forgets what was, if nothing is.
///
/// # Errors
/// It can't be written.
pub(super) fn remember(change: &Change, failed: &[(String, Fault)]) -> Result<(), Fault> {
    let path = path()?;
    let unwritable = |error: std::io::Error| {
        Fault::caused_by(Code::Unwritable, format!("{} can't be written", path.display()), &error)
    };
    if failed.is_empty() {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(error)),
            _ => Ok(()),
        };
    }
    // The user's own targets where there are some: bases need not be packages.
    let mut packages = change.targets.clone();
    if packages.is_empty() {
        packages = failed.iter().map(|(base, _)| base.clone()).collect();
    }
    let left = Left { schema: SCHEMA.to_owned(), packages };
    let text = serde_json::to_string(&left)
        .map_err(|error| Fault::caused_by(Code::Internal, "what is left can't be kept", &error))?;
    if let Some(directory) = path.parent() {
        places::make(directory)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).map_err(unwritable)
}

fn path() -> Result<PathBuf, Fault> {
    let state = places::state().ok_or_else(|| {
        Fault::new(Code::Failure, "there is no directory to keep what is left in").hint("set HOME")
    })?;
    Ok(state.join("resume.json"))
}
