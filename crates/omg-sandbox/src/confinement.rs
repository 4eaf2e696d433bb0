//! Starting what is confined, and seeing it to its end.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use omg_core::escape;

use crate::shim::{COMPLAINT, FAILED, Spec};
use crate::watch::Watch;
use crate::{Exceeded, Identity, Landlock, Limits, Profile, SandboxError, root};

/// Where the workspace is, for what is confined. It is the same for every build, so that no path of this
/// machine gets into a package.
pub const WORKSPACE: &str = "/build";
/// Its home: empty, and in memory.
pub const HOME: &str = "/home/build";
/// Where `omg-sandbox-exec` is.
pub const SHIM: &str = "/.omg-sandbox-exec";
/// Programs, for what is confined; Perl's are beside the others on Arch.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/usr/bin/site_perl:\
                    /usr/bin/vendor_perl:/usr/bin/core_perl";
/// Where bubblewrap is; no other is looked for.
const BUBBLEWRAP: &str = "/usr/bin/bwrap";
/// Bytes of a line of output that are kept together.
const MAX_LINE: usize = 4096;
/// Lines that may wait to be handed on; then the writer waits.
const WAITING: usize = 256;
/// How long a quiet program is left before its limits are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long output may still come when the last process has ended.
const DRAIN: Duration = Duration::from_secs(5);
/// Lines that are kept of what is said when a check fails.
const MAX_SAID: usize = 5;

/// How programs are confined here.
#[derive(Clone, Debug)]
pub struct Confinement {
    profile: Profile,
    shim: PathBuf,
    bubblewrap: PathBuf,
    limits: Limits,
    landlock: Landlock,
    identity: Option<Identity>,
}

/// What holds, as seen by a program that was confined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Version of Landlock; 0 if there is none.
    pub landlock: i32,
    /// The profile needs a newer one and does without: to be told to the user.
    pub degraded: bool,
}

/// A program that is about to be run, confined.
#[derive(Debug)]
pub struct Confined<'a> {
    confinement: &'a Confinement,
    workspace: PathBuf,
    directory: String,
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    read_only: Vec<(PathBuf, PathBuf)>,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Exit status; `None` if it was stopped. Above 128 it stands for a signal.
    pub status: Option<i32>,
    /// The limit for which it was stopped.
    pub exceeded: Option<Exceeded>,
    /// Bytes of output that were dropped.
    pub dropped: u64,
}

// === impl Confinement ===

impl Confinement {
    /// Programs in this profile. `shim` is the path of `omg-sandbox-exec`.
    pub fn new(profile: Profile, shim: &Path) -> Self {
        Self {
            profile,
            shim: shim.to_path_buf(),
            bubblewrap: BUBBLEWRAP.into(),
            limits: Limits::default(),
            landlock: Landlock::default(),
            identity: Identity::own(),
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same with another answer to a missing Landlock.
    #[must_use]
    pub fn landlock(mut self, landlock: Landlock) -> Self {
        self.landlock = landlock;
        self
    }

    /// The same as another user; only root can be another, and has to.
    #[must_use]
    pub fn run_as(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// The same with another bubblewrap.
    #[must_use]
    pub fn bubblewrap(mut self, path: &Path) -> Self {
        self.bubblewrap = path.to_path_buf();
        self
    }

    /// Who the programs are.
    pub fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Puts up every wall around nothing, and says what holds.
    ///
    /// # Errors
    /// If bubblewrap, user namespaces, seccomp or a Landlock that is required do not work here. No program
    /// is to be run then.
    pub fn check(&self, workspace: &Path) -> Result<Standing, SandboxError> {
        let probe = self.command(workspace, "", &[]);
        let mut said: Vec<String> = Vec::new();
        let ended = probe.run_as_mode("probe", None, &mut |line| {
            if said.len() < MAX_SAID {
                said.push(escape(line).to_string());
            }
        })?;
        let version = match &said[..] {
            [line] if ended.status == Some(i32::from(FAILED)) => line
                .strip_prefix(COMPLAINT)
                .and_then(|line| line.strip_prefix("landlock "))
                .and_then(|version| version.parse().ok()),
            _ => None,
        };
        let Some(landlock) = version else {
            let said = match ended.exceeded {
                Some(exceeded) => exceeded.to_string(),
                None if said.is_empty() => format!("bubblewrap ended with {:?}", ended.status),
                None => said.join("; "),
            };
            return Err(SandboxError::Refused { said });
        };
        Ok(Standing { landlock, degraded: landlock < self.profile.landlock_version() })
    }

    /// A program with its arguments, which may write below `workspace` and nowhere else. `workspace` is an
    /// absolute path outside; inside it is [`WORKSPACE`].
    pub fn command(
        &self,
        workspace: &Path,
        program: impl AsRef<OsStr>,
        arguments: &[&str],
    ) -> Confined<'_> {
        Confined {
            confinement: self,
            workspace: workspace.to_path_buf(),
            directory: WORKSPACE.to_owned(),
            program: program.as_ref().to_owned(),
            arguments: arguments.iter().map(OsString::from).collect(),
            variables: Vec::new(),
            read_only: Vec::new(),
        }
    }

    /// Who to be: never root.
    fn user(&self) -> Result<Identity, SandboxError> {
        let identity = self.identity.filter(|it| it.uid != 0 && it.gid != 0);
        identity.ok_or(SandboxError::Root)
    }
}

// === impl Confined ===

impl Confined<'_> {
    /// Sets a variable; there are no others than those that are needed to run anything.
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Shows a file or directory in there, read-only.
    #[must_use]
    pub fn read_only(mut self, outside: &Path, inside: &Path) -> Self {
        self.read_only.push((outside.to_path_buf(), inside.to_path_buf()));
        self
    }

    /// Begins in this directory below the workspace.
    #[must_use]
    pub fn directory(mut self, relative: &str) -> Self {
        self.directory = format!("{WORKSPACE}/{relative}");
        self
    }

    /// Runs it to its end, and hands on each line of its output and its errors.
    ///
    /// It blocks. The thread that calls it has to live on until it returns, for the program dies with it.
    /// When it returns, the kernel has ended all of its processes or is about to: bubblewrap's end takes
    /// their namespace with it.
    ///
    /// # Errors
    /// If it can't be started; [`Ended`] says how it ended otherwise.
    pub fn run(
        &self,
        cancel: Option<&AtomicBool>,
        heard: &mut dyn FnMut(&str),
    ) -> Result<Ended, SandboxError> {
        self.run_as_mode("confine", cancel, heard)
    }

    fn run_as_mode(
        &self,
        mode: &str,
        cancel: Option<&AtomicBool>,
        heard: &mut dyn FnMut(&str),
    ) -> Result<Ended, SandboxError> {
        let here = self.confinement;
        let (mut child, output) = self.start(mode)?;
        let (sender, lines) = sync_channel(WAITING);
        let reader = std::thread::spawn(move || read(output, &sender));
        let mut watch = Watch::new(child.id(), &self.workspace, here.limits);
        let mut handed = Handed { left: here.limits.output, dropped: 0, heard };
        let exceeded = see(&mut child, &lines, &mut watch, &mut handed, cancel);
        if exceeded.is_some() {
            watch.kill();
            // It may have ended meanwhile; then there is nothing to kill.
            let _ended = child.kill();
        }
        let status = child
            .wait()
            .map_err(|source| SandboxError::io(&here.bubblewrap, "waiting for its end", source))?;
        let until = Instant::now() + DRAIN;
        while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            handed.take(&line);
        }
        drop(lines);
        let joined = reader.join();
        debug_assert!(joined.is_ok(), "reading lines does not panic");
        let status = if exceeded.is_some() { None } else { status.code() };
        Ok(Ended { status, exceeded, dropped: handed.dropped })
    }

    fn start(&self, mode: &str) -> Result<(Child, File), SandboxError> {
        let here = self.confinement;
        let program = &here.bubblewrap;
        if !program.is_file() {
            return Err(SandboxError::NoBubblewrap { path: program.clone() });
        }
        if !here.shim.is_file() {
            return Err(SandboxError::NoShim { path: here.shim.clone() });
        }
        let user = here.user()?;
        let starting = |source| SandboxError::io(&here.shim, "starting bubblewrap", source);
        let (output, input) = io::pipe().map_err(starting)?;
        let errors = input.try_clone().map_err(starting)?;
        let mut command = self.outside(mode, user);
        if rustix::process::geteuid().is_root() {
            // The standard library gives up root's other groups as well.
            command.uid(user.uid).gid(user.gid);
        }
        command.stdin(Stdio::null()).stdout(input).stderr(errors);
        let child = command.spawn().map_err(starting)?;
        Ok((child, File::from(std::os::fd::OwnedFd::from(output))))
    }

    /// The whole command line: ours, bubblewrap's, ours again, the program's.
    fn outside(&self, mode: &str, user: Identity) -> Command {
        let here = self.confinement;
        // What a build is without the walls, for a test to see that there is something to see.
        let careless = omg_failpoint::weak!("33") && mode == "confine";
        let mut command = Command::new(&here.shim);
        // bubblewrap's own environment can be read by what it runs.
        if !careless {
            command.env_clear();
        }
        command.current_dir("/").arg("enter");
        for (path, content) in root::made(user) {
            command.arg(path).arg(content);
        }
        command.arg("--").arg(&here.bubblewrap).args(root::arguments(
            here.profile,
            &here.limits,
            &self.workspace,
            &here.shim,
            &self.read_only,
            careless,
        ));
        for (name, value) in self.variables() {
            command.arg("--setenv").arg(name).arg(value);
        }
        let spec = Spec::new(here.profile, here.landlock, &here.limits);
        command.args(["--chdir", &self.directory, "--"]);
        if !careless {
            command.args([SHIM, mode]).args(spec.words());
        }
        if !self.program.is_empty() {
            command.arg(&self.program).args(&self.arguments);
        }
        command
    }

    fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let own = [
            ("PATH", PATH),
            ("HOME", HOME),
            ("USER", "build"),
            ("LOGNAME", "build"),
            ("SHELL", "/bin/bash"),
            ("LC_ALL", "C.UTF-8"),
            ("TERM", "dumb"),
            ("TMPDIR", "/tmp"),
        ];
        let own = own.into_iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
        own.chain(self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())))
    }
}

/// Output on its way, with what may still be handed on.
struct Handed<'a> {
    left: u64,
    dropped: u64,
    heard: &'a mut dyn FnMut(&str),
}

impl Handed<'_> {
    fn take(&mut self, line: &str) {
        let size = line.len() as u64 + 1;
        if let Some(left) = self.left.checked_sub(size) {
            self.left = left;
            (self.heard)(line);
        } else {
            self.left = 0;
            self.dropped += size;
        }
    }
}

/// Waits for the end without missing a limit; says which one was reached.
fn see(
    child: &mut Child,
    lines: &Receiver<String>,
    watch: &mut Watch<'_>,
    handed: &mut Handed<'_>,
    cancel: Option<&AtomicBool>,
) -> Option<Exceeded> {
    let mut open = true;
    loop {
        if open {
            match lines.recv_timeout(TICK) {
                Ok(line) => handed.take(&line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
        } else {
            std::thread::sleep(TICK);
        }
        if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Some(Exceeded::Cancelled);
        }
        if let Some(exceeded) = watch.look() {
            return Some(exceeded);
        }
        // With output at hand it has hardly ended; a child that can't be asked is waited for.
        if !matches!(child.try_wait(), Ok(None)) {
            return watch.last_look();
        }
    }
}

/// Hands on lines, each of at most [`MAX_LINE`] bytes, until nobody can write any more.
fn read(output: File, lines: &SyncSender<String>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        let Ok(bytes) = output.fill_buf() else { return };
        if bytes.is_empty() {
            break;
        }
        let room = MAX_LINE - line.len();
        let end = bytes.iter().take(room).position(|&byte| byte == b'\n');
        let taken = end.map_or(bytes.len().min(room), |end| end + 1);
        line.extend(bytes.iter().take(end.unwrap_or(taken)));
        output.consume(taken);
        if end.is_some() || line.len() == MAX_LINE {
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            if lines.send(text).is_err() {
                return;
            }
        }
    }
    if !line.is_empty() {
        // Nobody listens any more if this fails.
        let _unheard = lines.send(String::from_utf8_lossy(&line).into_owned());
    }
}
