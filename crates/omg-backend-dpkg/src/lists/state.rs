//! The newest Release files that were ever accepted, kept by root in `var/lib/omg/state/releases`.
//!
//! One line a suite: its prefix in the lists directory, the date in seconds since the epoch (`-` if
//! it had none) and `signed` or `unsigned`, with tabs between. Deleting apt's lists does not make
//! this system take older ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::apt::read::read_text;
use crate::error::Error;

/// First line of the file.
const HEAD: &str = "omg-releases/1";

/// What is remembered of a suite.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// Highest date, seconds since the epoch.
    pub(crate) date: Option<u64>,
    /// Its last one was signed.
    pub(crate) signed: bool,
}

/// All of them, by prefix.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct State(BTreeMap<String, Remembered>);

/// The directory of it.
pub(crate) fn directory(root: &Path) -> PathBuf {
    root.join("var/lib/omg/state")
}

/// The file.
pub(crate) fn file(root: &Path) -> PathBuf {
    directory(root).join("releases")
}

impl State {
    /// Reads it. No file is an empty one; one that makes no sense is an error, since an attacker may
    /// want it forgotten.
    pub(crate) fn read(root: &Path) -> Result<Self, Error> {
        let path = file(root);
        match read_text(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => Err(error),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wrong = |line| Error::Malformed {
            path: path.to_path_buf(),
            line,
            reason: "not a suite, a date and whether it was signed".into(),
        };
        let mut lines = (1..).zip(text.lines());
        if lines.next().is_none_or(|(_, line)| line != HEAD) {
            return Err(wrong(1));
        }
        let mut all = BTreeMap::new();
        for (number, line) in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let [prefix, date, signed @ ("signed" | "unsigned")] = fields.as_slice() else {
                return Err(wrong(number));
            };
            let date = match *date {
                "-" => None,
                date => Some(date.parse().map_err(|_| wrong(number))?),
            };
            all.insert((*prefix).to_owned(), Remembered { date, signed: *signed == "signed" });
        }
        Ok(Self(all))
    }

    pub(crate) fn get(&self, prefix: &str) -> Option<Remembered> {
        self.0.get(prefix).copied()
    }

    /// Takes note of one that is accepted.
    pub(crate) fn accept(&mut self, prefix: &str, date: Option<u64>, signed: bool) {
        self.0.insert(prefix.to_owned(), Remembered { date, signed });
    }

    pub(crate) fn text(&self) -> String {
        self.0.iter().fold(format!("{HEAD}\n"), |text, (prefix, it)| {
            let date = it.date.map_or("-".into(), |date| date.to_string());
            let signed = if it.signed { "signed" } else { "unsigned" };
            format!("{text}{prefix}\t{date}\t{signed}\n")
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
        assert!(State::parse(Path::new("x"), "omg-releases/1\na\t1\tmaybe\n").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"(omg-releases/1)?(\n|\t|-|signed|[0-9]{1,25}|\PC){0,20}") {
            let _ = State::parse(Path::new("x"), &text);
        }
    }
}
