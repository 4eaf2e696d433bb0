//! The machine measured on, and a daemon of our own on it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The root of the checkout.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One of our executables, as built for release beside this one.
pub(crate) fn executable(name: &str) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let beside = std::env::current_exe()?.with_file_name(name);
    let fast = workspace().join("target/fast").join(name);
    [fast, beside]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| format!("{name} is not built; run this through `cargo xtask bench`").into())
}

/// Processor, cores, kernel and toolchain.
pub(crate) fn describe() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let system = read("/etc/os-release");
    let name = system
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap_or("unknown system");
    format!(
        "{}, {cores} cores, Linux {}, {}",
        model.trim_start_matches([' ', '\t', ':']),
        kernel.trim(),
        name.trim_matches('"')
    )
}

/// A daemon with a socket, cache and runtime directory of its own.
pub(crate) struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
}

impl Daemon {
    /// Starts `omgd` and waits until it has an answer.
    pub(crate) fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::Builder::new().prefix("omg-bench-").tempdir_in("/dev/shm")?;
        Self::start_in(folder).map(|(daemon, _)| daemon)
    }

    /// Starts `omgd` for another root.
    pub(crate) fn start_on(root: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::Builder::new().prefix("omg-bench-").tempdir_in("/dev/shm")?;
        Self::spawn(folder, root).map(|(daemon, _)| daemon)
    }

    /// The same, after `fill` has put something into its cache.
    pub(crate) fn start_on_with(
        root: &Path,
        fill: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::Builder::new().prefix("omg-bench-").tempdir()?;
        let cache = folder.path().join("cache");
        std::fs::create_dir_all(&cache)?;
        fill(&cache)?;
        Self::spawn(folder, root).map(|(daemon, _)| daemon)
    }

    /// Starts `omgd` in a folder that may hold a cache already. Also says how long its first answer took.
    pub(crate) fn start_in(
        folder: tempfile::TempDir,
    ) -> Result<(Self, Duration), Box<dyn std::error::Error>> {
        Self::spawn(folder, Path::new("/"))
    }

    fn spawn(
        folder: tempfile::TempDir,
        root: &Path,
    ) -> Result<(Self, Duration), Box<dyn std::error::Error>> {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))?;
        let start = Instant::now();
        let child = at_home(&mut Command::new(executable("omgd")?), folder.path())
            .arg("--root")
            .arg(root)
            .arg("--socket")
            .arg(folder.path().join("omg.sock"))
            .arg("--cache")
            .arg(folder.path().join("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("omgd.log"))?)
            .spawn()?;
        let daemon = Self { child, folder };
        while start.elapsed() < Duration::from_secs(20) {
            if let Ok(mut client) = daemon.client() {
                let query = omg_proto::Query::Search { query: "ripgrep", limit: Some(1) };
                client.call(&omg_proto::Request::One(query))?;
                return Ok((daemon, start.elapsed()));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Err("omgd did not answer within 20 s".into())
    }

    /// A connection to it.
    pub(crate) fn client(&self) -> Result<omg_ipc::blocking::Client, omg_ipc::Error> {
        omg_ipc::blocking::Client::connect(&self.socket())
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("omg.sock")
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A command that talks to this daemon.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        at_home(&mut command, self.folder.path()).env("OMG_SOCKET", self.socket());
        command
    }

    /// Its cache directory.
    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Resident set in bytes.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<u64>()
            .ok()
            .map(|kilobytes| kilobytes * 1024)
    }

    /// Ends it politely and gives back its folder, cache included.
    pub(crate) fn stop(mut self) -> Result<tempfile::TempDir, Box<dyn std::error::Error>> {
        Command::new("kill").arg(self.pid().to_string()).status()?;
        self.take()
    }

    /// Ends it with SIGKILL and gives back its folder.
    pub(crate) fn kill(mut self) -> Result<tempfile::TempDir, Box<dyn std::error::Error>> {
        self.child.kill()?;
        self.take()
    }

    fn take(&mut self) -> Result<tempfile::TempDir, Box<dyn std::error::Error>> {
        self.child.wait()?;
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir()?);
        Ok(folder)
    }
}

/// Whoever runs the benchmarks keeps their own settings, log and cache.
fn at_home<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    for name in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"] {
        command.env_remove(name);
    }
    command.env("HOME", home).env("XDG_RUNTIME_DIR", home)
}

/// Runs a command to its end; what it said is the error if it fails.
pub(crate) fn done(command: &mut Command) -> Result<Output, Box<dyn std::error::Error>> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?} ended with {}: {}", output.status, said.trim_end()).into())
}

/// The same with the time that it took.
pub(crate) fn timed(command: &mut Command) -> Result<Duration, Box<dyn std::error::Error>> {
    let start = Instant::now();
    done(command)?;
    Ok(start.elapsed())
}

/// Is there such a program? If not, that is said, and what needs it is left out.
pub(crate) fn has(report: &mut crate::report::Report, program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !there {
        report.line(&format!("({program} is not installed: left out)"));
    }
    there
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}
