//! Where a policy comes from, and whose it must be.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::file::VERBS;
use crate::{Error, Rules};

/// The system's policy, below the root.
pub const SYSTEM_PATH: &str = "etc/omg/policy.toml";

/// Largest policy, bytes.
const LIMIT: u64 = 256 * 1024;

/// Rules of one file, or of several that must all be met.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    pub(crate) files: Vec<Source>,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) rules: Rules,
    text: String,
}

impl Policy {
    /// Reads the system's policy below `root`. Without one everything is allowed.
    ///
    /// # Errors
    /// It is not root's alone to write (`owner` is whose it must be: 0 but in tests), or makes no sense.
    pub fn system(root: &Path, owner: u32) -> Result<Self, Error> {
        Self::read(&root.join(SYSTEM_PATH), owner)
    }

    /// Reads a policy that must belong to `owner`. Without one everything is allowed.
    ///
    /// # Errors
    /// As [`system`](Self::system).
    pub fn read(path: &Path, owner: u32) -> Result<Self, Error> {
        match text(path, owner)? {
            Some(text) => Self::parse(path, &text),
            None => Ok(Self::default()),
        }
    }

    /// The policy of a text.
    ///
    /// # Errors
    /// [`Error::Malformed`] with its line.
    pub fn parse(path: impl Into<PathBuf>, text: &str) -> Result<Self, Error> {
        let path = path.into();
        let malformed = |line, what: String| Error::Malformed { path: path.clone(), line, what };
        let rules: Rules = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            malformed(line_of(text, at), error.message().to_owned())
        })?;
        if let Some(version) = rules.version.filter(|version| *version != 1) {
            let what = format!("version {version} is not known here, only 1 is");
            return Err(malformed(find(text, "version"), what));
        }
        if let Some(verb) = rules.who.keys().find(|verb| !VERBS.contains(&verb.as_str())) {
            let what = format!("'{verb}' is no verb; known are {}", VERBS.join(", "));
            return Err(malformed(find(text, verb), what));
        }
        let text = text.to_owned();
        Ok(Self { files: vec![Source { path, rules, text }] })
    }

    /// Both together: what one of them forbids is forbidden.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self
    }

    /// Is there no rule at all?
    pub fn is_empty(&self) -> bool {
        self.files.iter().all(|file| file.rules == Rules::default())
    }

    /// BLAKE3 over all files, hexadecimal: changes whenever a verdict could.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for file in &self.files {
            hasher.update(&(file.text.len() as u64).to_le_bytes());
            hasher.update(file.text.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Seconds after which lists without a date of expiry are too old: the strictest of all files.
    pub fn oldest_lists(&self) -> Option<u64> {
        self.files.iter().filter_map(|file| file.rules.age.lists).min()
    }

    /// Must a post-quantum signature be verified besides the classical one?
    pub fn demands_post_quantum(&self) -> bool {
        self.files.iter().any(|file| file.rules.signatures.post_quantum)
    }

    /// The texts of its files, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.text.as_str())
    }

    /// The files it was read from.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| &*file.path)
    }
}

impl Source {
    /// The line on which a key stands; 1 if it is not there.
    pub(crate) fn line(&self, rule: &str) -> usize {
        find(&self.text, rule.rsplit('.').next().unwrap_or(rule))
    }
}

/// The text of a file that nobody but `owner` (or root) could have written; `None` without one.
fn text(path: &Path, owner: u32) -> Result<Option<String>, Error> {
    let failed = |source: io::Error| Error::Read { path: path.to_owned(), source };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(failed(error.into())),
    };
    let meta = file.metadata().map_err(failed)?;
    let wrong = |why: String| Err(Error::Owner { path: path.to_owned(), why });
    if !meta.is_file() {
        return wrong("is no file".to_owned());
    }
    if meta.uid() != owner && meta.uid() != 0 {
        return wrong(format!("belongs to user {}, not to {owner}", meta.uid()));
    }
    if meta.mode() & 0o022 != 0 {
        return wrong("others than its owner may write it".to_owned());
    }
    let mut text = String::new();
    file.take(LIMIT + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LIMIT {
        return Err(Error::Limit { path: path.to_owned(), limit: LIMIT });
    }
    Ok(Some(text))
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The first line that begins with a key.
fn find(text: &str, key: &str) -> usize {
    let starts = |line: &str| {
        let rest = line.trim_start().trim_start_matches('[').strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '.']))
    };
    text.lines().position(starts).map_or(1, |at| at + 1)
}
