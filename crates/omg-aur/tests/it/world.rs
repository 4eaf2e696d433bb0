//! Real git repositories in a temporary directory, and a git as careless as one can be.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use omg_aur::recipes::{CommitId, PackageBase, RecipeBase, Recipes};
use tempfile::TempDir;

/// Recipes that are served, and the canary that hostile ones try to make.
pub(crate) struct World {
    pub(crate) directory: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { directory: tempfile::tempdir().unwrap() };
        for part in ["served", "work", "home"] {
            fs::create_dir(world.path(part)).unwrap();
        }
        world
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.directory.path().join(part)
    }

    pub(crate) fn canary(&self) -> PathBuf {
        self.path("canary")
    }

    /// A script that makes the canary.
    pub(crate) fn trap(&self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("#!/bin/sh\ntouch '{}'\n", self.canary().display())).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Takes the canary away and says whether it was there.
    pub(crate) fn sprung(&self) -> bool {
        fs::remove_file(self.canary()).is_ok()
    }

    /// Git as a careless program runs it: with the home's settings.
    pub(crate) fn git(&self, directory: &Path, arguments: &[&str]) -> Output {
        Command::new("git")
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .unwrap()
    }

    fn must(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = self.git(directory, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn work(&self, name: &str) -> PathBuf {
        let work = self.path("work").join(name);
        if !work.exists() {
            fs::create_dir(&work).unwrap();
            self.must(&work, &["init", "-q", "-b", "master", "--template="]);
        }
        work
    }

    /// Commits files (`path`, text) over what the recipe has, and serves it.
    pub(crate) fn commit(&self, name: &str, files: &[(&str, &str)]) -> CommitId {
        let work = self.work(name);
        for (path, text) in files {
            let path = work.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.publish(name)
    }

    pub(crate) fn link(&self, name: &str, path: &str, target: &str) {
        symlink(target, self.work(name).join(path)).unwrap();
    }

    /// Records another repository at a path, without having it.
    pub(crate) fn submodule(&self, name: &str, path: &str, url: &str) {
        let work = self.work(name);
        let commit = self.commit(name, &[("PKGBUILD", "pkgname=x\n")]);
        let entry = format!("160000,{commit},{path}");
        let module = format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
        fs::write(work.join(".gitmodules"), module).unwrap();
        self.must(&work, &["update-index", "--add", "--cacheinfo", &entry]);
        self.must(&work, &["add", ".gitmodules"]);
        self.record(name);
    }

    pub(crate) fn publish(&self, name: &str) -> CommitId {
        self.must(&self.work(name), &["add", "-A"]);
        self.record(name)
    }

    fn record(&self, name: &str) -> CommitId {
        const WHO: [&str; 4] = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
        let work = self.work(name);
        let commit = ["commit", "-q", "--no-verify", "--allow-empty", "-m", "upgpkg"];
        self.must(&work, &[&WHO[..], &commit[..]].concat());
        let served = self.path("served").join(format!("{name}.git"));
        if !served.exists() {
            fs::create_dir(&served).unwrap();
            self.must(&served, &["init", "-q", "--bare", "-b", "master", "--template="]);
        }
        let address = served.to_str().unwrap();
        self.must(&work, &["push", "-q", "--no-verify", "-f", address, "HEAD:refs/heads/master"]);
        CommitId::new(&self.must(&work, &["rev-parse", "HEAD"])).unwrap()
    }

    /// The recipes as OMG sees them, over git's own file transport.
    pub(crate) fn recipes(&self) -> Recipes {
        let address = format!("file://{}", self.path("served").display());
        Recipes::new(&self.path("cache"), RecipeBase::local(&address).unwrap()).unwrap()
    }
}

pub(crate) fn base(name: &str) -> PackageBase {
    PackageBase::new(name).unwrap()
}
