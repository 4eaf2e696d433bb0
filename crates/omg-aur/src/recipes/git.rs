//! The system's git, held on a short lead: what it may read, write, run and reach is said here.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use omg_core::escape;
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions};

use super::error::RecipeError;
use super::name::RecipeBase;

/// Bytes of a repository on disk, at most; the largest recipes have a few hundred KiB.
pub const MAX_REPOSITORY: u64 = 64 << 20;
/// Bytes of what git says about an error, at most.
const MAX_SAID: usize = 8 << 10;
/// Bytes of memory that git may address.
const MAX_MEMORY: u64 = 4 << 30;
/// How often the clock and the repository's size are looked at.
const TICK: Duration = Duration::from_millis(10);
/// Ticks between two looks at the size.
const TICKS_PER_SIZE: u32 = 10;
/// Proxies and certificates are this machine's matter; everything else of the environment is not git's.
const INHERITED: [&str; 9] = [
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
/// Settings that no file and no repository can override, because the command line comes last.
const SETTINGS: [&str; 24] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "core.attributesFile=/dev/null",
    "core.pager=cat",
    // Larger objects are streamed, so a blob of zeros doesn't fill the memory.
    "core.bigFileThreshold=2m",
    "core.quotePath=true",
    "credential.helper=",
    "diff.external=",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    // Always a pack, never loose objects: a pack is one file, whose size the kernel limits.
    "fetch.unpackLimit=1",
    "gc.auto=0",
    "gc.autoDetach=false",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "http.maxRequests=2",
    "log.showSignature=false",
    "maintenance.auto=false",
    "pack.threads=1",
    "protocol.ext.allow=never",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
];

/// How git is started.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    /// An empty directory that stands for the user's.
    pub(crate) home: PathBuf,
    /// The one scheme that may be used.
    pub(crate) scheme: &'static str,
    /// How long one run may take.
    pub(crate) deadline: Duration,
    /// Bytes of a repository on disk, at most.
    pub(crate) max_repository: u64,
}

/// One run.
pub(crate) struct Run<'a> {
    /// Finishes the phrase "git failed while …".
    pub(crate) doing: &'static str,
    /// Subcommand and arguments. Whatever came from outside stands behind `--` or `--end-of-options`.
    pub(crate) arguments: &'a [&'a str],
    /// What git reads; at most what a pipe holds (64 KiB).
    pub(crate) input: &'a [u8],
    /// Bytes of output, at most.
    pub(crate) max_output: usize,
    /// More output than that is cut off instead of being an error.
    pub(crate) cut: bool,
}

/// What a run left.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) bytes: Vec<u8>,
    pub(crate) cut: bool,
    said: String,
}

impl Git {
    /// Runs git on a bare repository and takes any exit status.
    pub(crate) fn run(&self, repository: &Path, run: &Run<'_>) -> Result<Output, RecipeError> {
        let started = Instant::now();
        let mut child = self.command(repository, run).spawn().map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                return RecipeError::NoGit;
            }
            RecipeError::io(Path::new("git"), run.doing, source)
        })?;
        let group = Pid::from_child(&child);
        limit(group, self.max_repository);
        let full = Arc::new(AtomicBool::new(false));
        let output = reader(child.stdout.take(), run.max_output, Some(Arc::clone(&full)));
        let said = reader(child.stderr.take(), MAX_SAID, None);
        if let Some(mut stdin) = child.stdin.take() {
            // A git that ends early is told by its exit status.
            let _closed = stdin.write_all(run.input);
        }
        let verdict = self.watch(repository, group, run.doing, started, &full);
        // The group goes before its leader is reaped, while the number is still ours: nothing that
        // git started outlives it.
        let _gone = rustix::process::kill_process_group(group, Signal::KILL);
        let status = reap(&mut child, run.doing)?;
        let (bytes, said) = (join(output), join(said));
        verdict?;
        let cut = full.load(Ordering::Acquire);
        if cut && !run.cut {
            return Err(RecipeError::Limit { doing: run.doing, limit: run.max_output as u64 });
        }
        let said = escape(String::from_utf8_lossy(&said).trim()).to_string();
        Ok(Output { status, bytes, cut, said })
    }

    /// Runs git and takes success only.
    pub(crate) fn succeed(&self, repository: &Path, run: &Run<'_>) -> Result<Output, RecipeError> {
        let output = self.run(repository, run)?;
        if output.status.success() || output.cut { Ok(output) } else { Err(output.error(run)) }
    }

    fn command(&self, repository: &Path, run: &Run<'_>) -> Command {
        let mut command = Command::new("git");
        command.env_clear();
        for name in INHERITED.iter().filter(|_| self.scheme == "https") {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", self.scheme)
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .arg("--no-pager")
            .arg("--literal-pathspecs")
            .arg("--git-dir")
            .arg(repository);
        let left_out = omg_failpoint::weak!("35");
        for setting in SETTINGS.iter().filter(|_| !left_out) {
            command.args(["-c", setting]);
        }
        for scheme in ["file", "git", "http"] {
            let allowed = if scheme == self.scheme { "always" } else { "never" };
            command.arg("-c").arg(format!("protocol.{scheme}.allow={allowed}"));
        }
        command
            .args(run.arguments)
            .current_dir(&self.home)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Waits for the end without reaping, and says what was exceeded before it.
    fn watch(
        &self,
        repository: &Path,
        child: Pid,
        doing: &'static str,
        started: Instant,
        full: &AtomicBool,
    ) -> Result<(), RecipeError> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let too_large = || RecipeError::Limit { doing, limit: self.max_repository };
        for tick in 1_u32.. {
            let ended = rustix::process::waitid(WaitId::Pid(child), options);
            match ended {
                Ok(Some(_)) => break,
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(RecipeError::io(Path::new("git"), doing, errno.into())),
            }
            if full.load(Ordering::Acquire) {
                return Ok(());
            }
            if started.elapsed() >= self.deadline {
                return Err(RecipeError::Deadline { doing, seconds: self.deadline.as_secs() });
            }
            if tick % TICKS_PER_SIZE == 0 && size(repository) > self.max_repository {
                return Err(too_large());
            }
            std::thread::sleep(TICK);
        }
        if size(repository) > self.max_repository { Err(too_large()) } else { Ok(()) }
    }
}

impl Output {
    pub(crate) fn error(&self, run: &Run<'_>) -> RecipeError {
        RecipeError::Git {
            doing: run.doing,
            status: self.status.to_string(),
            said: self.said.clone(),
        }
    }

    pub(crate) fn says(&self, words: &str) -> bool {
        self.said.contains(words)
    }
}

/// No file beyond the limit, and no boundless memory, for git and what it starts. Should the child be
/// quicker than this, the size is still watched.
fn limit(child: Pid, max_file: u64) {
    let both = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    let _ended = rustix::process::prlimit(Some(child), Resource::Fsize, both(max_file));
    let _ended = rustix::process::prlimit(Some(child), Resource::As, both(MAX_MEMORY));
    let _ended = rustix::process::prlimit(Some(child), Resource::Core, both(0));
}

/// Bytes of the files below a directory; what can't be read counts nothing.
fn size(directory: &Path) -> u64 {
    let mut total = 0;
    let mut left = vec![directory.to_path_buf()];
    while let Some(directory) = left.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => left.push(entry.path()),
                Ok(metadata) => total += metadata.len(),
                Err(_) => {}
            }
        }
    }
    total
}

/// Takes a stream to its end or to the limit; what is beyond is read and dropped, unless somebody is
/// told: then the reading ends there.
fn reader(
    stream: Option<impl io::Read + Send + 'static>,
    max: usize,
    full: Option<Arc<AtomicBool>>,
) -> Option<JoinHandle<Vec<u8>>> {
    let mut stream = stream?;
    Some(std::thread::spawn(move || {
        let mut kept = Vec::new();
        let _end = stream.by_ref().take(max as u64).read_to_end(&mut kept);
        let mut more = [0; 4096];
        while let Ok(1..) = stream.read(&mut more) {
            if let Some(full) = &full {
                full.store(true, Ordering::Release);
                break;
            }
        }
        kept
    }))
}

fn join(thread: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
}

fn reap(child: &mut Child, doing: &'static str) -> Result<ExitStatus, RecipeError> {
    child.wait().map_err(|source| RecipeError::io(Path::new("git"), doing, source))
}

/// Makes a directory for this user alone.
pub(crate) fn private_directory(path: &Path) -> Result<(), RecipeError> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| RecipeError::io(path, "making a directory for recipes", source))
}

/// A git for recipes from one address, with an empty home below the cache.
pub(crate) fn prepare(directory: &Path, base: &RecipeBase) -> Result<Git, RecipeError> {
    let home = directory.join("home");
    private_directory(&home)?;
    Ok(Git {
        home,
        scheme: base.scheme(),
        deadline: Duration::from_mins(2),
        max_repository: MAX_REPOSITORY,
    })
}
