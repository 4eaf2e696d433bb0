//! A home of its own for each test, the fixture's root, and ways to run `omg` there.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The small system of `fixtures/debian-root`.
pub(crate) fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/debian-root").canonicalize().unwrap()
}

/// What a run left behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Run {
    /// All of it, for a snapshot.
    pub(crate) fn shown(&self) -> String {
        let mut text = without_times(&self.stdout);
        if !self.stderr.is_empty() {
            text.push_str("--- stderr ---\n");
            text.push_str(&self.stderr);
        }
        if self.code != 0 {
            let _ = writeln!(text, "--- exit {} ---", self.code);
        }
        text
    }
}

/// A user's directories, gone at the end of the test.
pub(crate) struct Home {
    directory: tempfile::TempDir,
    root: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::over(&fixture())
    }

    /// A home on another system.
    pub(crate) fn over(root: &Path) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("omg-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()
            .unwrap();
        Self { directory, root: root.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command with nothing of the environment of whoever runs the tests.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", self.directory.path())
            .env("XDG_RUNTIME_DIR", self.directory.path())
            .env("OMG_ROOT", &self.root)
            .env("OMG_SOCKET", self.path("omg.sock"))
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// `omg` with a daemon for this command alone.
    pub(crate) fn alone(&self, arguments: &[&str]) -> Run {
        run(self.command(env!("CARGO_BIN_EXE_omg")).env("OMG_NO_DAEMON", "1").args(arguments))
    }

    /// `omg` with the daemon that runs.
    pub(crate) fn omg(&self, arguments: &[&str]) -> Run {
        run(self.command(env!("CARGO_BIN_EXE_omg")).args(arguments))
    }

    /// Starts a daemon, and waits until it listens.
    pub(crate) fn daemon(&self) -> Daemon {
        self.daemon_of(self.command(env!("CARGO_BIN_EXE_omgd")).stderr(Stdio::null()))
    }

    /// The same with a command made ready by the test.
    pub(crate) fn daemon_of(&self, command: &mut Command) -> Daemon {
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.path("omg.sock")).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "the daemon does not listen");
            std::thread::sleep(Duration::from_millis(2));
        }
        Daemon(child)
    }
}

/// Ends the daemon at the end of the test.
pub(crate) struct Daemon(pub(crate) Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have been ended by the test itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// Times of the fixture's files are those of its checkout.
fn without_times(text: &str) -> String {
    let words = text.split_inclusive(' ').map(|word| {
        let time = word.len() == "2026-11-21T01:36:16Z, ".len()
            && word.ends_with("Z, ")
            && word.contains('T');
        if time { "TIME, " } else { word }
    });
    words.collect()
}
