//! A user's directories and a small Debian system, all in one place that goes away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use omg_ipc::blocking::Client;
use tempfile::TempDir;

const STATUS: &str = "\
Package: hello
Status: install ok installed
Priority: optional
Section: devel
Architecture: amd64
Version: 2.10-3
Description: example package

Package: bye
Status: install ok installed
Architecture: amd64
Version: 1.0
Description: another one
";

/// Where a daemon of a test lives.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for directory in ["run", "conf/omg", "root/var/lib/dpkg/info"] {
            fs::create_dir_all(home.path(directory)).unwrap();
        }
        fs::set_permissions(home.path("run"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(home.path("root/var/lib/dpkg/status"), STATUS).unwrap();
        home
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/omg.sock")
    }

    pub(crate) fn settings(&self, text: &str) {
        fs::write(self.path("conf/omg/settings.toml"), text).unwrap();
    }

    /// Names in the directory of the socket.
    pub(crate) fn left_in_runtime(&self) -> Vec<String> {
        let names = fs::read_dir(self.path("run")).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The daemon, not yet started.
    pub(crate) fn omgd(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_omgd"));
        command.arg("--root").arg(self.path("root"));
        command.arg("--socket").arg(self.socket());
        command.arg("--cache").arg(self.path("cache"));
        command.env("XDG_RUNTIME_DIR", self.path("run"));
        command.env("XDG_CONFIG_HOME", self.path("conf"));
        command.env("XDG_CACHE_HOME", self.path("cache-home"));
        command.env("XDG_STATE_HOME", self.path("state"));
        for name in ["OMG_SOCKET", "OMG_ROOT", "NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS"] {
            command.env_remove(name);
        }
        command.env("OMG_LOG", "warn");
        command
    }

    /// The daemon, listening.
    pub(crate) fn start(&self) -> Running {
        // What it logs is not what these tests are about.
        Running::adopt(self, self.omgd().stderr(std::process::Stdio::null()).spawn().unwrap())
    }
}

/// A running daemon; killed when dropped.
pub(crate) struct Running {
    child: Child,
    socket: PathBuf,
}

impl Running {
    /// Waits until it listens, or has ended already.
    pub(crate) fn adopt(home: &Home, child: Child) -> Self {
        let mut running = Self { child, socket: home.socket() };
        for _ in 0..1000 {
            if reachable(&running.socket) || running.child.try_wait().unwrap().is_some() {
                return running;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the daemon does not listen");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.socket).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// Its exit code; `None` if a signal ended it.
    pub(crate) fn end(&mut self) -> Option<i32> {
        for _ in 0..2000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the daemon does not end");
    }
}

/// Tries something again and again until it gives a value.
pub(crate) fn until<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(value) = happened() {
            return value;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never: {what}");
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn reachable(socket: &Path) -> bool {
    Client::connect(socket).is_ok()
}
