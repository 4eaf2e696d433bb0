//! The newest databases that were ever accepted, kept by root in `var/lib/omg/state/databases`.
//!
//! One line a repository: its name, when its newest package was built in seconds since the epoch (`-` if
//! it had none) and `signed` or `unsigned`, with tabs between. Deleting the databases does not make
//! this system take older ones.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Largest file, bytes.
const LARGEST: u64 = 1 << 20;

/// First line of the file.
const HEAD: &str = "omg-databases/1";

/// What is remembered of a repository.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// Highest date of a build, seconds since the epoch.
    pub(crate) newest: Option<u64>,
    /// Its last one was signed.
    pub(crate) signed: bool,
}

/// All of them, by name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct State(BTreeMap<String, Remembered>);

/// The directory of it.
pub(crate) fn directory(root: &Path) -> PathBuf {
    root.join("var/lib/omg/state")
}

/// The file.
pub(crate) fn file(root: &Path) -> PathBuf {
    directory(root).join("databases")
}

impl State {
    /// Reads it. No file is an empty one; one that makes no sense is an error, since an attacker may
    /// want it forgotten.
    pub(crate) fn read(root: &Path) -> Result<Self, Error> {
        let path = file(root);
        let failed = |error| Error::io(&path, "reading dates", error);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            other => other.map_err(failed)?,
        };
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).map_err(failed)?;
        Self::parse(&path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wrong = |line| Error::Malformed {
            path: path.to_path_buf(),
            line,
            reason: "not a repository, a date and whether it was signed".to_owned(),
        };
        let mut lines = (1..).zip(text.lines());
        if lines.next().is_none_or(|(_, line)| line != HEAD) {
            return Err(wrong(1));
        }
        let mut all = BTreeMap::new();
        for (number, line) in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, date, signed @ ("signed" | "unsigned")] = fields.as_slice() else {
                return Err(wrong(number));
            };
            let date = match *date {
                "-" => None,
                date => Some(date.parse().map_err(|_| wrong(number))?),
            };
            all.insert(
                (*name).to_owned(),
                Remembered { newest: date, signed: *signed == "signed" },
            );
        }
        Ok(Self(all))
    }

    pub(crate) fn get(&self, name: &str) -> Option<Remembered> {
        self.0.get(name).copied()
    }

    /// Takes note of one that is accepted.
    pub(crate) fn accept(&mut self, name: &str, date: Option<u64>, signed: bool) {
        self.0.insert(name.to_owned(), Remembered { newest: date, signed });
    }

    pub(crate) fn text(&self) -> String {
        self.0.iter().fold(format!("{HEAD}\n"), |text, (name, it)| {
            let date = it.newest.map_or("-".into(), |date| date.to_string());
            let signed = if it.signed { "signed" } else { "unsigned" };
            format!("{text}{name}\t{date}\t{signed}\n")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn written_and_read() {
        let mut state = State::default();
        state.accept("host_dists_a_", Some(5), true);
        state.accept("host_._", None, false);
        assert_eq!(State::parse(Path::new("x"), &state.text()).unwrap(), state);
        assert!(State::parse(Path::new("x"), "").is_err());
        assert!(State::parse(Path::new("x"), "omg-databases/1\na\t1\tmaybe\n").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"(omg-databases/1)?(\n|\t|-|signed|[0-9]{1,25}|\PC){0,20}") {
            let _ = State::parse(Path::new("x"), &text);
        }
    }
}
