//! Recipes of the AUR: git repositories that hold a `PKGBUILD`, its `.SRCINFO` and a few files.
//!
//! A recipe is foreign code, and so is the repository that brings it. The system's git fetches it
//! into a bare repository of the cache with a clean environment, one allowed scheme, no hooks, no
//! submodules, no filters, a limit in bytes and a deadline; files are read from its objects. Nothing
//! is checked out and nothing is run.

mod error;
pub(crate) mod git;
mod name;
mod objects;
mod reviewed;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use error::FETCHING;
pub use error::RecipeError;
pub use git::MAX_REPOSITORY;
use git::{Git, Output, Run};
pub use name::{CommitId, PackageBase, RecipeBase};
pub use objects::{Content, FileKind, Files, MAX_FILE, MAX_FILES, MAX_FILES_TOTAL, RecipeFile};
pub use reviewed::{MAX_REVIEWED, Reviewed, ReviewedCommit};

/// Where the fetched commit stands in our bare repository.
const HEAD: &str = "refs/omg/head";
/// The tree without files, which git knows without being told.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
/// Entries of a log, at most.
const MAX_LOG: usize = 1000;
/// Bytes of a listing: the names of twice as many files as are read.
const MAX_LISTING: usize = 128 << 10;
/// Bytes of a difference between two commits, at most; the rest is cut off.
pub const MAX_DIFF: usize = 2 << 20;

/// The recipes fetched so far.
#[derive(Debug)]
pub struct Recipes {
    directory: PathBuf,
    base: RecipeBase,
    git: Git,
}

/// A recipe as fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipe {
    /// The package base.
    pub package_base: PackageBase,
    /// The newest commit.
    pub commit: CommitId,
    /// The newest commit before this fetch; `None` at the first one.
    pub before: Option<CommitId>,
}

/// One commit of a recipe's history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// The commit.
    pub commit: CommitId,
    /// When it was committed by its own word, seconds since the epoch.
    pub time: u64,
    /// Who wrote it by their own word; foreign text.
    pub author: String,
    /// First line of the message; foreign text.
    pub subject: String,
}

impl Recipes {
    /// Recipes of the AUR at `base`, kept below `directory`, which is made if it is not there.
    ///
    /// # Errors
    /// If the directory can't be made.
    pub fn new(directory: &Path, base: RecipeBase) -> Result<Self, RecipeError> {
        git::private_directory(directory)?;
        let git = git::prepare(directory, &base)?;
        Ok(Self { directory: directory.to_path_buf(), base, git })
    }

    /// The same with other limits: how long one run of git may take, and how many bytes one
    /// repository may have on disk.
    #[must_use]
    pub fn limits(mut self, deadline: Duration, max_repository: u64) -> Self {
        self.git.deadline = deadline;
        self.git.max_repository = max_repository;
        self
    }

    /// Fetches a recipe with its whole history, so that every reviewed commit can be compared.
    ///
    /// It blocks until git is done or its deadline has passed. Two fetches of one recipe, of this or
    /// another process, follow each other.
    ///
    /// # Errors
    /// If the AUR has no such recipe, can't be reached, or serves more than the limits allow.
    pub fn fetch(&self, name: &PackageBase) -> Result<Recipe, RecipeError> {
        let _lock = self.lock(name)?;
        let repository = self.repository(name);
        if !repository.join("HEAD").exists() {
            self.git.succeed(&repository, &Run::of("making a repository", &INIT))?;
        }
        let before = self.head(name)?;
        let address = self.base.repository(name);
        let refspec = format!("+HEAD:{HEAD}");
        let arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-gc",
            "--force",
            "--end-of-options",
            &address,
            &refspec,
        ];
        let run = Run::of(FETCHING, &arguments);
        let fetched = self.git.run(&repository, &run).and_then(|output| {
            if output.status.success() {
                return Ok(());
            }
            // The AUR answers with an empty repository for a name that it doesn't know.
            let unknown = ["couldn't find remote ref HEAD", "not found", "does not appear to be"];
            if unknown.iter().any(|words| output.says(words)) {
                return Err(RecipeError::NotFound { name: name.to_string() });
            }
            Err(output.error(&run))
        });
        if let Err(error) = fetched {
            discard(&repository, before.is_none());
            return Err(error);
        }
        let commit = self.head(name)?;
        let commit = commit.ok_or(RecipeError::Answer { doing: FETCHING })?;
        Ok(Recipe { package_base: name.clone(), commit, before })
    }

    /// The newest commit fetched, without asking the AUR; `None` if the recipe was never fetched.
    ///
    /// # Errors
    /// If git fails.
    pub fn head(&self, name: &PackageBase) -> Result<Option<CommitId>, RecipeError> {
        if !self.repository(name).join("HEAD").exists() {
            return Ok(None);
        }
        let revision = format!("{HEAD}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &revision];
        let output = self.run(name, &Run::of("finding the newest commit", &arguments))?;
        let text = String::from_utf8_lossy(&output.bytes);
        Ok(if output.status.success() { Some(CommitId::new(text.trim())?) } else { None })
    }

    /// The files of a commit, read from git's objects. Links and submodules are listed, not followed.
    ///
    /// # Errors
    /// If the commit is not there, or git fails.
    pub fn read(&self, name: &PackageBase, commit: &CommitId) -> Result<Files, RecipeError> {
        self.known(name, commit)?;
        let arguments =
            ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", commit.as_str()];
        let run = Run {
            max_output: MAX_LISTING,
            cut: true,
            ..Run::of("listing a recipe's files", &arguments)
        };
        let listed = self.succeed(name, &run)?;
        let mut files = objects::listing(&listed.bytes, listed.cut)?;
        let (question, size) = objects::wanted(&files);
        let run = Run {
            input: question.as_bytes(),
            max_output: size,
            ..Run::of("reading a recipe's files", &["cat-file", "--batch"])
        };
        let answer = self.succeed(name, &run)?;
        objects::fill(&mut files, &question, &answer.bytes)?;
        Ok(files)
    }

    /// The text of a commit's `.SRCINFO`; `None` if there is none, or it is a link or no text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn srcinfo(
        &self,
        name: &PackageBase,
        commit: &CommitId,
    ) -> Result<Option<String>, RecipeError> {
        Ok(self.read(name, commit)?.text(".SRCINFO").map(str::to_owned))
    }

    /// The history up to a commit, newest first, at most `limit` entries (and never more than 1000).
    ///
    /// # Errors
    /// If the commit is not there, or git fails.
    pub fn log(
        &self,
        name: &PackageBase,
        commit: &CommitId,
        limit: usize,
    ) -> Result<Vec<LogEntry>, RecipeError> {
        self.known(name, commit)?;
        let count = format!("--max-count={}", limit.min(MAX_LOG));
        let arguments = [
            "log",
            "-z",
            "--no-color",
            "--no-decorate",
            "--no-show-signature",
            "--no-mailmap",
            "--format=%H%x1f%ct%x1f%an%x1f%s",
            &count,
            "--end-of-options",
            commit.as_str(),
            "--",
        ];
        let output = self.succeed(name, &Run::of("reading a recipe's history", &arguments))?;
        let text = String::from_utf8_lossy(&output.bytes);
        let entries = text.split_terminator('\0').map(log_entry).collect::<Option<_>>();
        entries.ok_or(RecipeError::Answer { doing: "reading a recipe's history" })
    }

    /// Is `old` in the history of `new`? Not so if the history was rewritten, or never had it.
    ///
    /// # Errors
    /// If git fails.
    pub fn follows(
        &self,
        name: &PackageBase,
        old: &CommitId,
        new: &CommitId,
    ) -> Result<bool, RecipeError> {
        let arguments =
            ["merge-base", "--is-ancestor", "--end-of-options", old.as_str(), new.as_str()];
        let run = Run::of("comparing two commits", &arguments);
        let output = self.run(name, &run)?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ if !self.holds(name, old)? => Ok(false),
            _ => Err(output.error(&run)),
        }
    }

    /// Is the commit among what was fetched, in the history or beside it?
    ///
    /// # Errors
    /// If git can't be run.
    pub fn holds(&self, name: &PackageBase, commit: &CommitId) -> Result<bool, RecipeError> {
        let object = format!("{commit}^{{commit}}");
        let arguments = ["cat-file", "-e", &object];
        Ok(self.run(name, &Run::of("finding a commit", &arguments))?.status.success())
    }

    /// The difference of some files between two commits, everything taken for text; from nothing if
    /// there is no old commit. The flag says that it was cut off at its limit.
    pub(crate) fn difference(
        &self,
        name: &PackageBase,
        from: Option<&CommitId>,
        to: &CommitId,
        paths: &[&str],
    ) -> Result<(String, bool), RecipeError> {
        let mut arguments = vec![
            "diff",
            "--text",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--no-color",
            "--no-relative",
            "--ignore-submodules=none",
            "--submodule=short",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            "--end-of-options",
            from.map_or(EMPTY_TREE, CommitId::as_str),
            to.as_str(),
            "--",
        ];
        arguments.extend_from_slice(paths);
        let doing = "comparing two commits";
        let run = Run { max_output: MAX_DIFF, cut: true, ..Run::of(doing, &arguments) };
        let output = self.succeed(name, &run)?;
        Ok((String::from_utf8_lossy(&output.bytes).into_owned(), output.cut))
    }

    fn known(&self, name: &PackageBase, commit: &CommitId) -> Result<(), RecipeError> {
        if self.holds(name, commit)? {
            return Ok(());
        }
        Err(RecipeError::NoCommit { name: name.to_string(), commit: commit.to_string() })
    }

    fn run(&self, name: &PackageBase, run: &Run<'_>) -> Result<Output, RecipeError> {
        self.git.run(&self.repository(name), run)
    }

    fn succeed(&self, name: &PackageBase, run: &Run<'_>) -> Result<Output, RecipeError> {
        self.git.succeed(&self.repository(name), run)
    }

    fn repository(&self, name: &PackageBase) -> PathBuf {
        self.directory.join(format!("{name}.git"))
    }

    /// Held while the returned file is open; the kernel lets go when the process dies.
    fn lock(&self, name: &PackageBase) -> Result<File, RecipeError> {
        const DOING: &str = "waiting for another fetch";
        let path = self.directory.join(format!("{name}.lock"));
        let file = File::create(&path).map_err(|source| RecipeError::io(&path, DOING, source))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => {
                    return Err(RecipeError::io(&path, DOING, source));
                }
                Err(TryLockError::WouldBlock) if started.elapsed() >= self.git.deadline => {
                    let seconds = self.git.deadline.as_secs();
                    return Err(RecipeError::Deadline { doing: DOING, seconds });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

const INIT: [&str; 5] = ["init", "--quiet", "--bare", "--template=", "--initial-branch=master"];

impl<'a> Run<'a> {
    pub(crate) fn of(doing: &'static str, arguments: &'a [&'a str]) -> Self {
        Self { doing, arguments, input: &[], max_output: 1 << 20, cut: false }
    }
}

/// After a failed fetch: a recipe that was never there leaves nothing, another one no half a pack.
fn discard(repository: &Path, whole: bool) {
    if whole {
        let _left = fs::remove_dir_all(repository);
        return;
    }
    let Ok(entries) = fs::read_dir(repository.join("objects/pack")) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with("tmp_") {
            let _left = fs::remove_file(entry.path());
        }
    }
}

fn log_entry(record: &str) -> Option<LogEntry> {
    let mut fields = record.splitn(4, '\x1f');
    Some(LogEntry {
        commit: CommitId::new(fields.next()?).ok()?,
        time: fields.next()?.parse().unwrap_or(0),
        author: fields.next()?.to_owned(),
        subject: fields.next()?.to_owned(),
    })
}
