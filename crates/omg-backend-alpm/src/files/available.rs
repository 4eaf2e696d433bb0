//! Which package has a file, installed or not: the repositories' `.files` databases, as
//! `pacman -Fy` fetches them.
//!
//! A database has an entry `NAME-VERSION-RELEASE/files` for each package. Those of Arch have 700 MB
//! in all; they are searched while they are unpacked, several at a time, and never kept.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};
use omg_core::{FileMatch, FileOrigin, escape};

use super::{Lists, is_command_dir, paths, resolved, section, sorted};
use crate::archive::{self, Limits, Visit};
use crate::desc;
use crate::error::Error;

#[cfg(test)]
mod tests;

/// Most matches of one question; a question that has more is not a question for a file.
const MOST_MATCHES: usize = 10_000;

/// Directories of `/` that are links into `/usr` on every Arch system, which file lists never name,
/// and what they lead to.
const MERGED: [(&str, &str); 5] = [
    ("bin/", "usr/bin/"),
    ("sbin/", "usr/bin/"),
    ("usr/sbin/", "usr/bin/"),
    ("lib/", "usr/lib/"),
    ("lib64/", "usr/lib/"),
];

/// What was found, and what could not be read.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) items: Vec<T>,
    pub(crate) warnings: Vec<String>,
}

/// Asked before each package's list is looked at; `false` ends a search with what it has so far.
pub(crate) type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// What is looked for: an absolute path, or a command of a bare name.
#[derive(Debug)]
pub(crate) enum Question {
    /// Paths without leading slash, any of which may be meant.
    Path(Vec<String>),
    /// The name of a file in a directory of commands.
    Command(String),
}

impl Question {
    pub(crate) fn new(what: &str, root: &Path) -> Result<Self, Error> {
        let what = what.trim();
        let path = what.trim_matches('/');
        if path.is_empty() || what.contains('\n') {
            let reason = format!("'{}' is neither a path nor a command", escape(what));
            return Err(Error::Pattern { reason });
        }
        if !what.contains('/') {
            return Ok(Self::Command(what.to_owned()));
        }
        let mut paths = vec![path.to_owned()];
        paths.extend(resolved(root, &format!("/{path}")).map(|path| path.trim_matches('/').into()));
        let merged = MERGED.iter().filter_map(|(from, to)| Some((path.strip_prefix(from)?, to)));
        paths.extend(merged.map(|(rest, to)| format!("{to}{rest}")));
        paths.sort();
        paths.dedup();
        Ok(Self::Path(paths))
    }

    /// The answer among what is installed.
    pub(crate) fn installed(&self, lists: &Lists) -> Vec<FileMatch> {
        match self {
            Self::Path(paths) => paths.iter().flat_map(|path| lists.of_path(path)).collect(),
            Self::Command(name) => lists.commands(name),
        }
    }

    /// What a list that answers it has somewhere.
    fn needles(&self) -> Vec<String> {
        match self {
            Self::Path(paths) => paths.iter().map(|path| format!("\n{path}")).collect(),
            Self::Command(name) => vec![format!("/{name}\n")],
        }
    }

    fn is_answered(&self, line: &[u8]) -> bool {
        match self {
            Self::Path(paths) => {
                let path = line.strip_suffix(b"/").unwrap_or(line);
                paths.iter().any(|wanted| wanted.as_bytes() == path)
            }
            Self::Command(name) => {
                let dir = line.strip_suffix(name.as_bytes()).and_then(|dir| dir.strip_suffix(b"/"));
                dir.is_some_and(|dir| is_command_dir(&[b"/", dir].concat()))
            }
        }
    }
}

/// The `.files` database of a repository, which need not be there.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
}

impl Database {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Walks over the lists; `false` from `take` ends it early.
    fn walk(
        &self,
        mut lists: Walk<'_, impl Fn(&str) -> bool, impl FnMut(&str, &[u8]) -> bool>,
    ) -> Option<String> {
        if !self.is_there() {
            return None;
        }
        match archive::walk(&self.path, Limits::FILES, &mut lists) {
            Err(error) if !lists.stopped => Some(error.with_cause()),
            _ => None,
        }
    }
}

/// Looks at the lists of some packages.
struct Walk<'a, W, T> {
    /// Is the list of this package wanted?
    wanted: W,
    /// Takes the name and the list; `false` ends the walk.
    take: T,
    go_on: GoOn<'a>,
    /// The walk ended before the end of the file, and what the file was read with may say so.
    stopped: bool,
}

impl<W: Fn(&str) -> bool, T> Walk<'_, W, T> {
    fn package<'p>(&self, path: &'p [u8]) -> Option<&'p str> {
        let entry = str::from_utf8(path.strip_suffix(b"/files")?).ok()?;
        let (name, _) = desc::split_entry(entry).filter(|(name, _)| desc::valid_name(name))?;
        (self.wanted)(name).then_some(name)
    }
}

impl<W: Fn(&str) -> bool, T: FnMut(&str, &[u8]) -> bool> Visit for Walk<'_, W, T> {
    fn wanted(&mut self, path: &[u8]) -> bool {
        self.stopped |= !(self.go_on)();
        self.stopped || self.package(path).is_some()
    }

    fn file(&mut self, path: &[u8], content: &[u8]) -> Result<(), Error> {
        if !self.stopped
            && let Some(name) = self.package(path)
        {
            self.stopped = !(self.take)(name, content);
        }
        // Only an error ends a walk; nobody gets to see this one.
        if self.stopped { Err(Error::Worker { context: "searching" }) } else { Ok(()) }
    }
}

/// Packages that have the path or the command; those of earlier databases come first.
pub(crate) fn owners(
    databases: &[Database],
    question: &Question,
    go_on: GoOn<'_>,
) -> Found<FileMatch> {
    let needles = question.needles();
    let finders: Vec<_> = needles.iter().map(Finder::new).collect();
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores.min(databases.len()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(database) = databases.get(number) else { break };
                    let found = search(database, question, &finders, go_on);
                    all.lock().unwrap_or_else(PoisonError::into_inner).push((number, found));
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|(number, _)| *number);
    let mut found = Found { items: Vec::new(), warnings: Vec::new() };
    for (_, (items, warning)) in all {
        for item in items {
            if found.items.len() < MOST_MATCHES && !found.items.contains(&item) {
                found.items.push(item);
            }
        }
        found.warnings.extend(warning);
    }
    found
}

fn search(
    database: &Database,
    question: &Question,
    finders: &[Finder<'_>],
    go_on: GoOn<'_>,
) -> (Vec<FileMatch>, Option<String>) {
    let mut items = Vec::new();
    let take = |package: &str, text: &[u8]| {
        for finder in finders {
            for line in lines_with(section(text), finder).filter(|line| question.is_answered(line))
            {
                items.push(FileMatch {
                    package: package.to_owned(),
                    architecture: None,
                    path: format!("/{}", String::from_utf8_lossy(line)),
                    installed: false,
                    origin: FileOrigin::Contents,
                });
            }
        }
        items.len() < MOST_MATCHES
    };
    let walk = Walk { wanted: |_: &str| true, take, go_on, stopped: false };
    let warning = database.walk(walk);
    items.sort_by(|one, two| (&one.package, &one.path).cmp(&(&two.package, &two.path)));
    items.dedup();
    (items, warning)
}

/// Absolute paths of a package of the first database that has it.
pub(crate) fn package(databases: &[Database], name: &str, go_on: GoOn<'_>) -> Found<Vec<String>> {
    let mut found = Found { items: Vec::new(), warnings: Vec::new() };
    for database in databases {
        let take = |_: &str, text: &[u8]| {
            found.items.push(sorted(paths(text)));
            false
        };
        let walk = Walk { wanted: |package: &str| package == name, take, go_on, stopped: false };
        found.warnings.extend(database.walk(walk));
        if !found.items.is_empty() || !go_on() {
            break;
        }
    }
    found
}

/// Lines of a list that have the needle, each once.
fn lines_with<'t>(text: &'t [u8], finder: &'t Finder<'_>) -> impl Iterator<Item = &'t [u8]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + finder.find(text.get(from..)?)?;
        // A needle may begin with the newline before its line.
        let at = at + usize::from(text.get(at) == Some(&b'\n'));
        let start = memrchr(b'\n', text.get(..at)?).map_or(0, |at| at + 1);
        let end = memchr(b'\n', text.get(at..)?).map_or(text.len(), |len| at + len);
        from = end;
        text.get(start..end)
    })
}
