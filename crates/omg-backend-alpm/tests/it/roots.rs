//! Roots made by the real pacman, and what it says of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where real data is: `OMG_TEST_DATA`, or beside the workspace.
fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("OMG_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    found(&path.display().to_string(), path.exists()).then_some(path)
}

/// A directory of the real data of Arch.
pub(crate) fn arch(name: &str) -> Option<PathBuf> {
    data(&format!("arch/{name}"))
}

/// Says loudly what is not there; where everything must be, that fails the test.
fn found(what: &str, is_there: bool) -> bool {
    if !is_there {
        eprintln!("SKIPPED: {what} is not there");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is not there");
    }
    is_there
}

/// Are these programs to be had?
pub(crate) fn programs(names: &[&str]) -> bool {
    let there = |name: &&str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|dir| dir.join(name).is_file())
    };
    names.iter().all(|name| found(name, there(name)))
}

/// The packages of December 2017, by the start of their files' names.
pub(crate) fn packages(starts: &[&str]) -> Option<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(arch("signed-2017-12")?)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".pkg.tar.xz") && starts.iter().any(|start| name.starts_with(start))
    });
    paths.sort();
    assert!(!paths.is_empty(), "no packages {starts:?}");
    Some(paths)
}

/// A system below a temporary root.
#[derive(Debug)]
pub(crate) struct Root {
    dir: tempfile::TempDir,
}

impl Root {
    /// One with a configuration: `options` go below `[options]`.
    pub(crate) fn new(options: &str, repositories: &[&str]) -> Self {
        let root = Self { dir: tempfile::tempdir().unwrap() };
        for dir in ["etc", "var/lib/pacman/local", "var/lib/pacman/sync", "var/cache/pacman/pkg"] {
            fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        root.write("var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
        root.configure(options, repositories);
        root
    }

    /// Writes the configuration anew. A repository may be followed by lines of its own.
    pub(crate) fn configure(&self, options: &str, repositories: &[&str]) {
        let mut text = format!("[options]\nArchitecture = x86_64\nSigLevel = Never\n{options}\n");
        for repository in repositories {
            let (name, rest) = repository.split_once('\n').unwrap_or((repository, ""));
            text += &format!("[{name}]\nServer = file:///nowhere\n{rest}\n");
        }
        self.write("etc/pacman.conf", &text);
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn local(&self) -> PathBuf {
        self.path().join("var/lib/pacman/local")
    }

    pub(crate) fn sync(&self) -> PathBuf {
        self.path().join("var/lib/pacman/sync")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.path().join(path), text).unwrap();
    }

    /// Adds an entry of the local database by hand.
    pub(crate) fn entry(&self, name: &str, version: &str, desc: &str) {
        let dir = self.local().join(format!("{name}-{version}"));
        fs::create_dir(&dir).unwrap();
        let start = format!("%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%ARCH%\nany\n\n");
        fs::write(dir.join("desc"), start + desc).unwrap();
        fs::write(dir.join("files"), "").unwrap();
    }

    /// Runs pacman on this root, with the right to change it if need be by fakeroot.
    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Output {
        let changes = arguments.first().is_some_and(|first| {
            ["-U", "-D", "-R"]
                .iter()
                .any(|start| first.as_ref().to_string_lossy().starts_with(start))
        });
        let mut command = if changes && !rustix::process::geteuid().is_root() {
            let mut command = Command::new("fakeroot");
            command.arg("pacman");
            command
        } else {
            Command::new("pacman")
        };
        let at = |path: &str| self.path().join(path);
        command.arg("--root").arg(self.path()).arg("--dbpath").arg(at("var/lib/pacman"));
        command.arg("--config").arg(at("etc/pacman.conf"));
        command.arg("--cachedir").arg(at("var/cache/pacman/pkg"));
        command.arg("--logfile").arg(at("pacman.log")).arg("--hookdir").arg(at("hooks"));
        command.args(["--noconfirm", "--color", "never"]).args(arguments);
        command.env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null());
        command.output().unwrap()
    }

    /// What pacman prints. It may say no, which it does where nothing is found.
    pub(crate) fn pacman<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> String {
        String::from_utf8_lossy(&self.run(arguments).stdout).into_owned()
    }

    /// What pacman prints, line by line.
    pub(crate) fn lines<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> BTreeSet<String> {
        self.pacman(arguments).lines().map(str::to_owned).collect()
    }

    /// Has pacman change the system; it must.
    pub(crate) fn change<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pacman refuses: {said}");
    }

    /// Installs packages by their files.
    pub(crate) fn install(&self, packages: &[PathBuf]) {
        let mut arguments: Vec<&std::ffi::OsStr> =
            ["-Udd", "--noscriptlet", "--noprogressbar"].map(AsRef::as_ref).to_vec();
        arguments.extend(packages.iter().map(|path| path.as_os_str()));
        self.change(&arguments);
    }
}
