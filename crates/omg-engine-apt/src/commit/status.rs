//! dpkg's database as it is right now: which package is in which state.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use omg_core::{Action, Plan};

use super::error::Error;

/// Largest status file that is read, bytes. A system with every package of Debian has 200 MB.
const LARGEST: u64 = 1 << 30;

/// One package of the database.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) version: String,
    /// `install`, `hold`, `deinstall`, `purge`, `unknown`.
    pub(super) want: String,
    /// `ok` or `reinstreq`.
    pub(super) flag: String,
    /// `installed`, `half-installed`, …
    pub(super) state: String,
}

/// The database, and the journal of changes that are not in it yet.
#[derive(Debug)]
pub(super) struct Status {
    directory: PathBuf,
    pub(super) entries: Vec<Entry>,
}

impl Status {
    /// Reads the status file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let directory = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let there = fs::metadata(path).map_err(Error::io(path, "reading it"))?;
        if there.len() > LARGEST {
            let why = "it is too large".to_owned();
            return Err(Error::Malformed { path: path.to_path_buf(), why });
        }
        let text = fs::read(path).map_err(Error::io(path, "reading it"))?;
        Ok(Self { directory, entries: entries(&String::from_utf8_lossy(&text)) })
    }

    /// What is unfinished, one line each.
    pub(super) fn unfinished(&self) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        if self.journal()? {
            lines.push("dpkg was interrupted: its journal is not empty".to_owned());
        }
        for entry in self.entries.iter().filter(|entry| entry.is_unfinished()) {
            let again =
                if entry.flag == "reinstreq" { ", and must be installed again" } else { "" };
            lines.push(format!("{} is {}{again}", entry.full_name(), entry.state));
        }
        Ok(lines)
    }

    /// Did dpkg leave changes in its journal? Their files have numbers as names.
    fn journal(&self) -> Result<bool, Error> {
        let path = self.directory.join("updates");
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io(&path, "reading it")(error)),
        };
        for entry in entries {
            let entry = entry.map_err(Error::io(&path, "reading it"))?;
            let name = entry.file_name();
            if name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An installed package by its name, with or without an architecture. Without one it is that of the
    /// native architecture, where there are several.
    pub(super) fn installed(&self, name: &str, native: &str) -> Result<&Entry, Error> {
        let (bare, architecture) = match name.split_once(':') {
            Some((bare, architecture)) => (bare, Some(architecture)),
            None => (name, None),
        };
        let fits = |entry: &&Entry| {
            entry.name == bare
                && entry.is_there()
                && architecture.is_none_or(|it| {
                    entry.architecture == it || (entry.architecture == "all" && it != "all")
                })
        };
        let missing = || Error::NotInstalled { package: name.to_owned() };
        let is_native = |entry: &&Entry| ["all", native].contains(&entry.architecture.as_str());
        let mut found = self.entries.iter().filter(fits);
        let first = found.clone().find(is_native);
        first.or_else(|| found.next()).ok_or_else(missing)
    }

    /// Which changes of `plan` are in the database.
    pub(super) fn carried_out(&self, plan: &Plan) -> Vec<usize> {
        let of = |name: &str, architecture: &str| {
            let found = |entry: &&Entry| entry.name == name && entry.architecture == architecture;
            self.entries.iter().find(found)
        };
        let is_done = |(_, change): &(usize, &omg_core::Planned)| {
            let entry = of(&change.name, &change.architecture);
            match change.action {
                Action::Remove => entry.is_none_or(|entry| !entry.is_there()),
                Action::Purge => entry.is_none_or(|entry| entry.state == "not-installed"),
                // It can't be told whether the same version was unpacked again.
                Action::Reinstall => false,
                _ => entry.is_some_and(|entry| {
                    !entry.is_unfinished() && Some(&entry.version) == change.new_version.as_ref()
                }),
            }
        };
        plan.changes.iter().enumerate().filter(is_done).map(|(at, _)| at).collect()
    }
}

impl Entry {
    /// Files of it are on the system.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.state.as_str(), "not-installed" | "config-files" | "")
    }

    pub(super) fn is_unfinished(&self) -> bool {
        self.flag == "reinstreq"
            || matches!(
                self.state.as_str(),
                "half-installed"
                    | "half-configured"
                    | "unpacked"
                    | "triggers-awaited"
                    | "triggers-pending"
            )
    }

    pub(super) fn full_name(&self) -> String {
        format!("{}:{}", self.name, self.architecture)
    }
}

fn entries(text: &str) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut entry = Entry::default();
    for line in text.lines().chain([""]) {
        if line.is_empty() {
            if !entry.name.is_empty() {
                all.push(std::mem::take(&mut entry));
            }
            continue;
        }
        let Some((field, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match field {
            "Package" => value.clone_into(&mut entry.name),
            "Architecture" => value.clone_into(&mut entry.architecture),
            "Version" => value.clone_into(&mut entry.version),
            "Status" => {
                let mut words = value.split_ascii_whitespace().map(str::to_owned);
                entry.want = words.next().unwrap_or_default();
                entry.flag = words.next().unwrap_or_default();
                entry.state = words.next().unwrap_or_default();
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unfinished_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("status");
        let text = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDescription: x\n Package: no\n\n\
            Package: b\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 2\n\n\
            Package: c\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n";
        fs::write(&path, text).unwrap();
        let status = Status::read(&path).unwrap();
        assert_eq!(status.entries.len(), 3);
        assert_eq!(
            status.unfinished().unwrap(),
            ["b:all is half-installed, and must be installed again"]
        );
        fs::create_dir(dir.path().join("updates")).unwrap();
        assert_eq!(status.unfinished().unwrap().len(), 1);
        fs::write(dir.path().join("updates/0001"), "").unwrap();
        assert_eq!(status.unfinished().unwrap().len(), 2);
        let there = |name| status.installed(name, "amd64").is_ok();
        assert!(there("a:amd64") && there("b:amd64") && !there("c") && !there("a:i386"));
    }

    #[test]
    fn a_name_alone_is_of_the_native_architecture() {
        let text = ["i386", "amd64", "arm64"].map(|architecture| {
            format!("Package: lib\nStatus: install ok installed\nArchitecture: {architecture}\nVersion: 1\n\n")
        });
        let status = Status { directory: PathBuf::new(), entries: entries(&text.concat()) };
        let found = |name| status.installed(name, "amd64").unwrap().architecture.as_str();
        assert_eq!((found("lib"), found("lib:arm64")), ("amd64", "arm64"));
        assert_eq!(status.installed("lib", "s390x").unwrap().architecture, "i386");
    }
}
