//! Small roots, built for one test, that both omg and apt read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Policy, System, read_policy};

/// A directory that plays the part of `/`.
pub(crate) struct Root {
    dir: tempfile::TempDir,
    sources: String,
}

/// A record of a list or of dpkg's status.
pub(crate) fn record(name: &str, version: &str, architecture: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!("{more}\n") };
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: A <a@b.c>\nInstalled-Size: 1\n\
         {more}Filename: pool/{name}_{version}.deb\nSize: 10\nSHA256: {}\nDescription: {name} of {version}\n\n",
        "0".repeat(64)
    )
}

/// The same, installed.
pub(crate) fn installed(name: &str, version: &str, architecture: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!("{more}\n") };
    format!(
        "Package: {name}\nStatus: install ok installed\nMaintainer: A <a@b.c>\nInstalled-Size: 1\n\
         Architecture: {architecture}\n{more}Version: {version}\nDescription: {name} of {version}\n\n"
    )
}

impl Root {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Self { dir, sources: String::new() };
        for path in [
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "etc/apt/sources.list.d",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
        ] {
            fs::create_dir_all(root.path().join(path)).unwrap();
        }
        root.write("var/lib/dpkg/status", "");
        root.write(
            "etc/apt/apt.conf.d/00arch",
            "APT::Architecture \"amd64\";\nAPT::Architectures { \"amd64\"; };\n",
        );
        root
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn status(self, text: &str) -> Self {
        self.write("var/lib/dpkg/status", text);
        self
    }

    pub(crate) fn preferences(self, text: &str) -> Self {
        self.write("etc/apt/preferences", text);
        self
    }

    pub(crate) fn conf(self, text: &str) -> Self {
        self.write("etc/apt/apt.conf.d/50test", text);
        self
    }

    /// Adds a suite of `http://HOST/debian` with one component.
    pub(crate) fn suite(
        mut self,
        host: &str,
        dist: &str,
        component: &str,
        release: &str,
        packages: &str,
    ) -> Self {
        let start = format!("var/lib/apt/lists/{host}_debian_dists_{dist}");
        let release = format!(
            "{release}\nDate: Sat, 21 Nov 2026 00:00:00 UTC\nSHA256:\n {} 1 x\n",
            "0".repeat(64)
        );
        self.write(&format!("{start}_Release"), release);
        self.write(&format!("{start}_{component}_binary-amd64_Packages"), packages);
        let _ = writeln!(self.sources, "deb http://{host}/debian {dist} {component}");
        self.write("etc/apt/sources.list", &self.sources);
        self
    }

    /// Sets the lines of sources.list.
    pub(crate) fn sources(self, text: &str) -> Self {
        self.write("etc/apt/sources.list", text);
        self
    }

    /// Compares omg with apt-cache for these packages, in full.
    pub(crate) async fn compare(&self, names: &[&str]) -> System {
        let system = System::open(self.path(), "amd64").await;
        if let Some(theirs) = policies(self.path(), "amd64", names) {
            for &name in names {
                let wanted = theirs.get(name).cloned().unwrap_or_default();
                assert_eq!(
                    system.policy(name),
                    wanted,
                    "{name}, with warnings {:?}",
                    system.catalogue.warnings
                );
            }
        }
        system
    }
}

/// Runs one of apt's programs on a root.
pub(crate) fn apt(root: &Path, native: &str, program: &str, arguments: &[&str]) -> Option<String> {
    let conf = tempfile::NamedTempFile::new().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let text = format!(
        "Dir \"{root}/\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\nDir::Cache \"{cache}\";\nDir::Bin::dpkg \"/bin/true\";\nDir::Bin::ischroot \"/bin/false\";\n\
         APT::Architecture \"{native}\";\n",
        root = root.display(),
        cache = cache.path().display()
    );
    fs::write(conf.path(), text).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).env("APT_CONFIG", conf.path()).env("LC_ALL", "C").stdin(Stdio::null());
    match command.output() {
        Ok(output) => {
            let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{program} {arguments:?}: {complaints}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            println!("skipped: {program} can't be run: {error}");
            None
        }
    }
}

/// What `apt-cache policy` says of these packages of a root.
pub(crate) fn policies(
    root: &Path,
    native: &str,
    names: &[&str],
) -> Option<BTreeMap<String, Policy>> {
    let mut all = BTreeMap::new();
    for part in names.chunks(1000) {
        let arguments: Vec<&str> = ["policy"].into_iter().chain(part.iter().copied()).collect();
        all.extend(read_policy(&apt(root, native, "apt-cache", &arguments)?));
    }
    Some(all)
}
