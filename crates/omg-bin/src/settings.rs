//! Settings: their schema, where they come from, and what each value is.
//!
//! `settings.toml` is read first, then `conf.d/*.toml` by name; later files win, key by key. A key
//! that does not exist is an error that names its line, because a misspelt key that is passed over
//! looks like one that does not work.

mod archive;
mod schema;

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use omg_core::{Code, Fault};
use toml::de::{DeTable, DeValue};

pub use archive::Archive;
pub use schema::{Aur, Cache, Daemon, Download, Elevate, KEYS, Key, Limits, Ui, When};

/// Largest settings file, bytes.
const FILE_LIMIT: u64 = 64 * 1024;

/// The values in force.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// How the daemon runs.
    pub daemon: Daemon,
    /// What the daemon allows.
    pub limits: Limits,
    /// What is kept, and how long.
    pub cache: Cache,
    /// How files are fetched.
    pub download: Download,
    /// Where versions are asked for that no repository has any more.
    pub archive: Archive,
    /// The Arch User Repository.
    pub aur: Aur,
    /// How `omg` gets the administrator's rights.
    pub elevate: Elevate,
    /// How `omg` shows answers.
    pub ui: Ui,
    /// Keys that a file sets.
    set: Vec<(&'static str, Origin)>,
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Built in.
    Default,
    /// A line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// One setting as `omg config` shows it.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Its key, name and meaning.
    pub key: &'static Key,
    /// Its value, as it would stand in a file.
    pub value: String,
    /// Where that comes from.
    pub origin: &'a Origin,
}

impl Settings {
    /// Reads the settings below `directory`. Files that are not there change nothing.
    ///
    /// # Errors
    /// [`Code::Settings`] with file and line, or [`Code::Unreadable`].
    pub fn load(directory: &Path) -> Result<Self, Fault> {
        let mut settings = Self::default();
        settings.read(&directory.join("settings.toml"))?;
        let more = directory.join("conf.d");
        let entries = match std::fs::read_dir(&more) {
            Ok(entries) => entries,
            Err(error) if absent(&error) => return Ok(settings),
            Err(error) => return Err(unreadable(&more, &error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&more, &error))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        files.sort();
        files.iter().try_for_each(|file| settings.read(file))?;
        Ok(settings)
    }

    /// The settings of this user: [`load`](Self::load) where [`crate::places::settings`] says.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn of_user() -> Result<Self, Fault> {
        crate::places::settings()
            .map_or_else(|| Ok(Self::default()), |directory| Self::load(&directory))
    }

    /// All settings, in the order of the schema.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        KEYS.iter().map(|key| {
            let origin =
                self.set.iter().rev().find(|(name, _)| *name == key.name).map(|(_, origin)| origin);
            Entry { key, value: (key.show)(self), origin: origin.unwrap_or(&Origin::Default) }
        })
    }

    fn read(&mut self, path: &Path) -> Result<(), Fault> {
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(FILE_LIMIT + 1).read_to_string(&mut text));
        match read {
            Ok(count) if count as u64 > FILE_LIMIT => Err(Fault::new(
                Code::Limit,
                format!("{} is over {FILE_LIMIT} bytes", path.display()),
            )),
            Ok(_) => self.take(path, &text),
            Err(error) if absent(&error) => Ok(()),
            Err(error) => Err(unreadable(path, &error)),
        }
    }

    /// Applies the text of a file.
    fn take(&mut self, path: &Path, text: &str) -> Result<(), Fault> {
        let wrong = |at: usize, problem: &str| {
            let line = line_of(text, at);
            Fault::new(Code::Settings, format!("{}:{line}: {problem}", path.display()))
        };
        let table = DeTable::parse(text)
            .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message()))?;
        for (section, values) in table.get_ref() {
            let at = section.span().start;
            let DeValue::Table(values) = values.get_ref() else {
                return Err(wrong(
                    at,
                    &format!("'{}' must be in a section, like [daemon]", section.get_ref()),
                )
                .hint(HINT));
            };
            for (name, value) in values {
                let full = format!("{}.{}", section.get_ref(), name.get_ref());
                let at = name.span().start;
                let Some(key) = KEYS.iter().find(|key| key.name == full) else {
                    return Err(suggested(wrong(at, &format!("unknown key '{full}'")), &full));
                };
                (key.set)(self, value.get_ref()).map_err(|wanted| {
                    wrong(at, &format!("'{full}' must be {wanted}")).hint(HINT)
                })?;
                self.set.push((
                    key.name,
                    Origin::File { path: path.to_owned(), line: line_of(text, at) },
                ));
            }
            if values.is_empty()
                && !KEYS.iter().any(|key| section_of(key.name) == section.get_ref().as_ref())
            {
                return Err(
                    wrong(at, &format!("unknown section '{}'", section.get_ref())).hint(HINT)
                );
            }
        }
        Ok(())
    }
}

const HINT: &str = "omg config lists every key with its value";

fn section_of(name: &str) -> &str {
    name.split_once('.').map_or(name, |(section, _)| section)
}

/// Adds the keys whose last part is the same or nearly so.
fn suggested(fault: Fault, full: &str) -> Fault {
    let last = |name: &str| {
        name.rsplit('.').next().unwrap_or_default().replace(['-', '_'], "").to_lowercase()
    };
    let wanted = last(full);
    let near = |name: &str| {
        let known = last(name);
        known == wanted
            || (wanted.len() > 2 && (known.starts_with(&wanted) || wanted.starts_with(&known)))
    };
    fault.suggest(KEYS.iter().map(|key| key.name).filter(|name| near(name))).hint(HINT)
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count()
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    let code = match error.kind() {
        io::ErrorKind::InvalidData => Code::Settings,
        io::ErrorKind::PermissionDenied => Code::Permission,
        _ => Code::Unreadable,
    };
    Fault::caused_by(code, format!("{} can't be read", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Settings, Fault> {
        let mut settings = Settings::default();
        settings.take(Path::new("settings.toml"), text).map(|()| settings)
    }

    #[test]
    fn every_default_can_be_written_and_read_back() {
        let line = |entry: Entry<'_>| format!("{} = {}", entry.key.name, entry.value);
        let lines: Vec<String> = Settings::default().entries().map(line).collect();
        let text = lines.join("\n");
        let settings = parse(&text).unwrap();
        assert_eq!(Settings { set: Vec::new(), ..settings.clone() }, Settings::default());
        assert!(settings.entries().all(|entry| matches!(entry.origin, Origin::File { .. })));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let message = |text| parse(text).unwrap_err().message;
        assert_eq!(
            message("\n[daemon]\nworkers = 2\nlogg = 'x'\n"),
            "settings.toml:4: unknown key 'daemon.logg'"
        );
        assert!(
            message("[daemon]\nworkers = 0")
                .starts_with("settings.toml:2: 'daemon.workers' must be")
        );
        assert!(
            message("[ui]\n\ncolor = 'mauve'").starts_with("settings.toml:3: 'ui.color' must be")
        );
        assert!(
            message("colour = 1").starts_with("settings.toml:1: 'colour' must be in a section")
        );
        assert!(message("[daemon\n").starts_with("settings.toml:1: "));
        assert_eq!(message("[deamon]\n"), "settings.toml:1: unknown section 'deamon'");
        assert_eq!(parse("[ui]\nlog = 'x'").unwrap_err().suggestions, ["daemon.log"]);
    }

    #[test]
    fn later_files_win_key_by_key() {
        let directory = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        std::fs::create_dir(directory.path().join("conf.d")).unwrap();
        write("settings.toml", "[daemon]\nworkers = 3\nlog = 'debug'\n");
        write("conf.d/20-b.toml", "[daemon]\nworkers = 5\n");
        write("conf.d/10-a.toml", "[daemon]\nworkers = 4\n");
        write("conf.d/ignored", "not toml at all [");
        let settings = Settings::load(directory.path()).unwrap();
        assert_eq!((settings.daemon.workers, settings.daemon.log.as_str()), (5, "debug"));
        let entry = settings.entries().find(|entry| entry.key.name == "daemon.workers").unwrap();
        assert!(entry.origin.to_string().ends_with("20-b.toml:2"));
    }

    #[test]
    fn nothing_there_means_defaults() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Settings::load(directory.path()).unwrap(), Settings::default());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn no_toml_like_text_panics(text in "(\\[[a-z.]{0,8}\\]\n|(daemon\\.)?[a-z_]{1,9} ?= ?('|\"|-)?[0-9a-z]{0,22}('|\")?\n){0,6}") {
            let _ = parse(&text);
        }
    }
}
