//! Roots with pacman's databases in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use omg_engine::Planner;
use omg_engine_alpm::AlpmPlanner;

use crate::entry::Entry;

/// A temporary root. pacman sees it through the same pacman.conf as the planner.
pub(crate) struct Root {
    dir: tempfile::TempDir,
}

impl Root {
    /// A root with these repositories, in order, and more lines for `[options]`.
    pub(crate) fn new(repositories: &[&str], options: &str) -> Self {
        let root = Self { dir: tempfile::tempdir().unwrap() };
        // pacman 7.1 wants the directories of hooks and keys to be there.
        for directory in [
            "etc",
            "hooks",
            "gnupg",
            "var/lib/pacman/local",
            "var/lib/pacman/sync",
            "var/cache/pacman/pkg",
        ] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        fs::write(root.database().join("local/ALPM_DB_VERSION"), "9\n").unwrap();
        root.configure(repositories, options);
        root
    }

    pub(crate) fn configure(&self, repositories: &[&str], options: &str) {
        let mut conf = format!("[options]\nArchitecture = x86_64\nSigLevel = Never\n{options}\n");
        for name in repositories {
            conf.push_str(&format!("[{name}]\n"));
        }
        fs::write(self.path().join("etc/pacman.conf"), conf).unwrap();
    }

    /// Names a server of a repository. There is none; pacman wants one to be named.
    pub(crate) fn serve(&self, repository: &str) {
        let path = self.path().join("etc/pacman.conf");
        let conf = fs::read_to_string(&path).unwrap();
        let section = format!("[{repository}]\n");
        let served = format!("{section}Server = file:///nonexistent\n");
        fs::write(path, conf.replace(&section, &served)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("var/lib/pacman")
    }

    /// Puts a package into the local database, without its files.
    pub(crate) fn install(&self, entry: &Entry, automatic: bool) {
        let directory = self.database().join(format!("local/{}-{}", entry.name, entry.version));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("desc"), entry.local_text(automatic)).unwrap();
        fs::write(directory.join("files"), "%FILES%\n").unwrap();
    }

    /// Makes a sync database.
    pub(crate) fn repository(&self, name: &str, entries: &[Entry]) {
        let records = tempfile::tempdir().unwrap();
        for entry in entries {
            let directory = records.path().join(format!("{}-{}", entry.name, entry.version));
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("desc"), entry.sync_text()).unwrap();
        }
        let file = self.database().join(format!("sync/{name}.db"));
        let mut tar = Command::new("tar");
        tar.arg("-czf").arg(file).arg("--sort=name").arg("-C").arg(records.path());
        if entries.is_empty() {
            tar.args(["-T", "/dev/null"]);
        } else {
            tar.args(entries.iter().map(|entry| format!("{}-{}", entry.name, entry.version)));
        }
        assert!(tar.status().unwrap().success());
    }

    pub(crate) fn planner(&self) -> AlpmPlanner {
        AlpmPlanner::open(self.path()).unwrap()
    }

    /// A package file with these fields of its `.PKGINFO` besides name and version.
    pub(crate) fn package_file(&self, name: &str, version: &str, more: &str) -> PathBuf {
        let content = tempfile::tempdir().unwrap();
        let info = format!(
            "pkgname = {name}\npkgbase = {name}\npkgver = {version}\npkgdesc = made for a test\n\
             builddate = 1600000000\nsize = 7000\narch = any\n{more}"
        );
        fs::write(content.path().join(".PKGINFO"), info).unwrap();
        fs::create_dir_all(content.path().join("usr/share/doc")).unwrap();
        fs::write(content.path().join("usr/share/doc").join(name), "text").unwrap();
        let file = self.path().join(format!("{name}-{version}-any.pkg.tar.gz"));
        let mut tar = Command::new("tar");
        tar.arg("-czf").arg(&file).arg("-C").arg(content.path()).args([".PKGINFO", "usr"]);
        assert!(tar.status().unwrap().success());
        file
    }
}
