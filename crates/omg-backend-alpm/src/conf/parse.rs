//! Sections, directives and inclusions of pacman.conf.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::level::{Changes, Usage};
use super::options::{Options, level, unknown, words};
use crate::error::Error;
use omg_backend::glob::Glob;

/// Largest configuration file or mirror list, bytes.
pub const LARGEST_FILE: u64 = 4 << 20;
/// Most files that are read in all: inclusions could multiply.
pub const MOST_FILES: usize = 1000;
/// How deep inclusions go, as pacman has it.
pub const DEEPEST_INCLUDE: usize = 10;
/// Most repositories.
pub const MOST_REPOSITORIES: usize = 1000;
/// Most servers of one repository.
pub const MOST_SERVERS: usize = 10_000;
/// At most this many warnings are kept.
const MOST_WARNINGS: usize = 100;

/// A repository's section as written.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) servers: Vec<String>,
    pub(super) cache_servers: Vec<String>,
    pub(super) usage: Usage,
    pub(super) sig_level: Changes,
}

/// Where directives go.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before the first section.
    Nowhere,
    Options,
    Repository(usize),
    /// A section that is refused.
    Refused,
}

#[derive(Debug)]
pub(super) struct Parser<'r> {
    root: &'r Path,
    place: Place,
    depth: usize,
    pub(super) options: Options,
    pub(super) sections: Vec<Section>,
    /// Every file that was read or looked for.
    pub(super) files: Vec<PathBuf>,
    pub(super) warnings: Vec<String>,
}

impl<'r> Parser<'r> {
    pub(super) fn new(root: &'r Path) -> Self {
        Self {
            root,
            place: Place::Nowhere,
            depth: 0,
            options: Options::default(),
            sections: Vec::new(),
            files: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Reads a file. The section goes on over its end, as with pacman.
    pub(super) fn file(&mut self, path: &Path) -> Result<(), Error> {
        if self.files.len() >= MOST_FILES {
            let path = path.to_path_buf();
            return Err(Error::TooLarge { path, limit: MOST_FILES as u64, unit: "files included" });
        }
        self.files.push(path.to_path_buf());
        let text = read_text(path)?;
        for (line, number) in text.lines().zip(1..) {
            if let Err(reason) = self.line(line.trim_matches(is_space)) {
                self.warn(format!("{}:{number}: {reason}", path.display()));
            }
        }
        Ok(())
    }

    pub(super) fn warn(&mut self, warning: String) {
        match self.warnings.len() {
            0..MOST_WARNINGS => self.warnings.push(warning),
            MOST_WARNINGS => {
                self.warnings.push("more warnings about the configuration are left out".into());
            }
            _ => {}
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return self.section(name);
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => {
                (key.trim_end_matches(is_space), Some(value.trim_start_matches(is_space)))
            }
            None => (line, None),
        };
        if key == "Include" {
            return self.include(value.ok_or("Include needs a value")?);
        }
        match self.place {
            Place::Nowhere => Err(format!("'{key}' stands before the first section")),
            Place::Options => self.options.take(key, value),
            Place::Repository(number) => match self.sections.get_mut(number) {
                Some(section) => section.take(key, value),
                None => Ok(()),
            },
            Place::Refused => Ok(()),
        }
    }

    fn section(&mut self, name: &str) -> Result<(), String> {
        if name == "options" {
            self.place = Place::Options;
            return Ok(());
        }
        self.place = Place::Refused;
        if !valid_repository(name) {
            return Err(format!("'{}' can't be a repository's name", name.escape_debug()));
        }
        if self.sections.iter().any(|section| section.name == name) {
            return Err(format!("the repository '{name}' is there twice; the first one counts"));
        }
        if self.sections.len() >= MOST_REPOSITORIES {
            return Err(format!("there are more than {MOST_REPOSITORIES} repositories"));
        }
        self.place = Place::Repository(self.sections.len());
        self.sections.push(Section {
            name: name.to_owned(),
            servers: Vec::new(),
            cache_servers: Vec::new(),
            usage: Usage::NONE,
            sig_level: Changes::default(),
        });
        Ok(())
    }

    fn include(&mut self, pattern: &str) -> Result<(), String> {
        if self.depth >= DEEPEST_INCLUDE {
            return Err(format!("inclusions go deeper than {DEEPEST_INCLUDE}"));
        }
        let paths = match expand(self.root, pattern) {
            Ok(paths) if paths.is_empty() => vec![below(self.root, pattern)],
            Ok(paths) => paths,
            Err(error) => return Err(error.with_cause()),
        };
        self.depth += 1;
        // A file that can't be read doesn't keep the others from being read.
        let failed: Vec<Error> =
            paths.iter().filter_map(|path| self.file(path).err()).take(MOST_WARNINGS).collect();
        self.depth -= 1;
        match failed.as_slice() {
            [] => Ok(()),
            all => Err(all.iter().map(Error::with_cause).collect::<Vec<_>>().join("; ")),
        }
    }
}

impl Section {
    fn take(&mut self, key: &str, value: Option<&str>) -> Result<(), String> {
        let needs_value = || format!("{key} needs a value");
        match key {
            "Server" => add_server(&mut self.servers, value.ok_or_else(needs_value)?),
            "CacheServer" => add_server(&mut self.cache_servers, value.ok_or_else(needs_value)?),
            "SigLevel" => level(&mut self.sig_level, value.ok_or_else(needs_value)?),
            "Usage" => {
                let value = value.ok_or_else(needs_value)?;
                let refused: Vec<&str> =
                    words(value).filter(|word| !self.usage.take(word)).collect();
                match refused.first() {
                    Some(word) => Err(format!("'{word}' is no Usage")),
                    None => Ok(()),
                }
            }
            _ => Err(unknown(key)),
        }
    }
}

fn add_server(servers: &mut Vec<String>, value: &str) -> Result<(), String> {
    if servers.len() >= MOST_SERVERS {
        return Err(format!("there are more than {MOST_SERVERS} servers"));
    }
    servers.push(value.to_owned());
    Ok(())
}

/// May a repository bear this name? It is part of a file's name; `local` is the local database.
pub(crate) fn valid_repository(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && name != "local"
        && !name.starts_with(['.', '-'])
        && !name.contains(|c: char| c == '/' || c.is_control() || c.is_whitespace())
}

/// An absolute path seen from the root. Like with chroot(2), `..` does not lead out of it.
pub(super) fn below(root: &Path, path: &str) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(_) => parts.push(part),
            Component::ParentDir => {
                parts.pop();
            }
            _ => {}
        }
    }
    root.join(parts.iter().collect::<PathBuf>())
}

/// The files that a pattern stands for, sorted by name; each part of the path is matched by itself.
fn expand(root: &Path, pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let relative = below(Path::new(""), pattern);
    let mut found = vec![root.to_path_buf()];
    for part in &relative {
        let text = part.to_string_lossy();
        if !text.contains(['*', '?', '[', '\\']) {
            for path in &mut found {
                path.push(part);
            }
            continue;
        }
        let glob = Glob::new(&text);
        let mut next = Vec::new();
        for dir in found {
            match_names(&dir, &glob, text.starts_with('.'), &mut next)?;
        }
        found = next;
    }
    found.retain(|path| path.exists());
    Ok(found)
}

/// Adds the names in a directory that match.
fn match_names(
    dir: &Path,
    glob: &Glob,
    hidden: bool,
    next: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(()),
        Err(error) => return Err(Error::io(dir, "looking for files to include", error)),
    };
    let start = next.len();
    for entry in entries {
        let name = entry
            .map_err(|error| Error::io(dir, "looking for files to include", error))?
            .file_name();
        let bytes = name.as_encoded_bytes();
        if (hidden || !bytes.starts_with(b".")) && glob.matches(bytes) {
            next.push(dir.join(&name));
        }
        if next.len() > MOST_FILES {
            let limit = MOST_FILES as u64;
            return Err(Error::TooLarge { path: dir.to_path_buf(), limit, unit: "files included" });
        }
    }
    if let Some(added) = next.get_mut(start..) {
        added.sort_unstable();
    }
    Ok(())
}

/// The text of a file; bytes that are not UTF-8 are replaced.
fn read_text(path: &Path) -> Result<String, Error> {
    let failed = |error| Error::io(path, "reading the configuration", error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        let path = path.to_path_buf();
        return Err(Error::TooLarge { path, limit: LARGEST_FILE, unit: "bytes" });
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// isspace(3) in the C locale.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}
