//! Systems that may be changed: a Debian of mmdebstrap's and an Arch of pacman's, in directories of
//! their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::arch::data;
use crate::host::{Daemon, done, has};
use crate::report::Report;

type Failed = Box<dyn std::error::Error>;

/// Only root can change a system.
fn may(report: &mut Report) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        report.line("(only root can change a system: left out)");
    }
    root
}

/// A daemon that fetches from nowhere by itself.
pub(crate) fn daemon(root: &Path) -> Result<Daemon, Failed> {
    Daemon::start_on_with(root, |cache| {
        let settings = cache.with_file_name(".config/omg");
        fs::create_dir_all(&settings)?;
        fs::write(settings.join("settings.toml"), "[aur]\nenabled = false\n")
    })
}

/// A whole Debian with the archive's lists.
pub(crate) struct Debian(tempfile::TempDir);

impl Debian {
    /// A copy of the root that `OMG_DEBIAN_ROOT` names, else one made by mmdebstrap. `None`, which is
    /// said, where there is neither.
    pub(crate) fn new(report: &mut Report) -> Result<Option<Self>, Failed> {
        if !may(report) {
            return Ok(None);
        }
        let directory = tempfile::Builder::new().prefix("omg-bench-").tempdir()?;
        let root = directory.path().join("root");
        let made = match std::env::var_os("OMG_DEBIAN_ROOT") {
            Some(given) => done(Command::new("cp").arg("-a").arg(given).arg(&root)),
            None if has(report, "mmdebstrap") => {
                let mut mmdebstrap = Command::new("mmdebstrap");
                done(mmdebstrap.args(["--quiet", "--variant=apt", "bookworm"]).arg(&root))
            }
            None => return Ok(None),
        };
        let system = Self(directory);
        // The archive may be out of reach.
        if let Err(error) = made.map(drop).and_then(|()| system.apt_get(&["update"])) {
            report.line(&format!("(no Debian could be made: left out: {error})"));
            return Ok(None);
        }
        Ok(Some(system))
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    /// The same system once more. apt's package cache names the lists by their paths, which differ
    /// outside and inside of a root, so that two tools that use one root in turn build it anew each time.
    pub(crate) fn twin(&self) -> Result<Self, Failed> {
        let directory = tempfile::Builder::new().prefix("omg-bench-").tempdir()?;
        done(Command::new("cp").arg("-a").arg(self.root()).arg(directory.path()))?;
        Ok(Self(directory))
    }

    /// A command inside, as an administrator would run it there.
    pub(crate) fn inside(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(self.root()).args(words).env_clear().envs([
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LC_ALL", "C.UTF-8"),
            ("DEBIAN_FRONTEND", "noninteractive"),
        ]);
        command
    }

    /// Its own apt-get, with lists as old as they may be.
    pub(crate) fn apt_get(&self, words: &[&str]) -> Outcome {
        let mut all = vec!["apt-get", "-q", "-y", "-o", "Acquire::Check-Valid-Until=false"];
        all.extend(words);
        done(&mut self.inside(&all)).map(drop)
    }
}

/// A small Arch: real packages, real databases, and a repository `tiny` with one package of ours.
pub(crate) struct Arch(tempfile::TempDir);

/// What is installed is everything whose file name begins so.
const INSTALLED: &[&str] = &[
    "acl-",
    "attr-",
    "bzip2-",
    "dialog-",
    "diffutils-",
    "file-",
    "gmp-",
    "grep-",
    "gzip-",
    "less-",
    "lib",
    "make-",
    "mpfr-",
    "npth-",
    "pciutils-",
    "popt-",
    "psmisc-",
    "readline-",
    "sed-",
    "usbutils-",
    "which-",
    "xz-",
    "zlib-",
];

impl Arch {
    /// `None`, which is said, where pacman or its data is missing.
    pub(crate) fn new(report: &mut Report) -> Result<Option<Self>, Failed> {
        let mut tools = ["pacman", "bsdtar", "repo-add"].into_iter();
        if !may(report) || !tools.all(|tool| has(report, tool)) {
            return Ok(None);
        }
        let packages = data().join("arch/signed-2017-12");
        if !packages.is_dir() {
            report.line(&format!("({} is not there: left out)", packages.display()));
            return Ok(None);
        }
        let system = Self(tempfile::Builder::new().prefix("omg-bench-").tempdir()?);
        for part in [
            "etc",
            "hooks",
            "srv",
            "var/lib/pacman/local",
            "var/lib/pacman/sync",
            "var/cache/pacman/pkg",
        ] {
            fs::create_dir_all(system.root().join(part))?;
        }
        fs::write(system.root().join("var/lib/pacman/local/ALPM_DB_VERSION"), "9\n")?;
        system.offer("http://127.0.0.1:9")?;
        let mut pacman = system.pacman(&["-U", "-dd", "--noscriptlet"]);
        for entry in fs::read_dir(&packages)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let wanted = INSTALLED.iter().any(|start| name.starts_with(start));
            if wanted && name.ends_with(".pkg.tar.xz") {
                pacman.arg(path.as_os_str());
            }
        }
        done(&mut pacman)?;
        system.pack()?;
        Ok(Some(system))
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    /// Says where the repositories are; that of ours is in the root.
    pub(crate) fn offer(&self, server: &str) -> Outcome {
        let mut conf = String::from("[options]\nArchitecture = x86_64\nSigLevel = Never\n");
        for name in ["core", "extra", "multilib"] {
            conf.extend(["[", name, "]\nServer = ", server, "/$repo\n"]);
        }
        let tiny = self.root().join("srv").display().to_string();
        conf.extend(["[tiny]\nServer = file://", &tiny, "\n"]);
        Ok(fs::write(self.root().join("etc/pacman.conf"), conf)?)
    }

    /// The package, its repository, and the databases as `pacman -Sy` would leave them; the package is
    /// in pacman's cache.
    fn pack(&self) -> Outcome {
        let (srv, tree) = (self.root().join("srv"), tempfile::tempdir()?);
        fs::create_dir_all(tree.path().join("usr/share/tiny"))?;
        fs::write(tree.path().join("usr/share/tiny/data"), "tiny\n")?;
        fs::write(
            tree.path().join(".PKGINFO"),
            "pkgname = tiny\npkgbase = tiny\npkgver = 1.0-1\npkgdesc = made for a measurement\n\
             url = https://example.org/\nbuilddate = 1600000000\npackager = Nobody <no@body>\n\
             size = 5\narch = any\nlicense = MIT\n",
        )?;
        let file = srv.join("tiny-1.0-1-any.pkg.tar.gz");
        let mut bsdtar = Command::new("bsdtar");
        bsdtar.current_dir(tree.path()).args(["--uid", "0", "--gid", "0", "-czf"]).arg(&file);
        done(bsdtar.args([".PKGINFO", "usr"]))?;
        done(Command::new("repo-add").arg("-q").arg(srv.join("tiny.db.tar.gz")).arg(&file))?;
        let sync = self.root().join("var/lib/pacman/sync");
        for name in ["core", "extra", "multilib"] {
            let from = data().join("arch/era-2022-09").join(format!("{name}.db"));
            fs::write(sync.join(format!("{name}.db")), fs::read(from)?)?;
        }
        fs::write(sync.join("tiny.db"), fs::read(srv.join("tiny.db.tar.gz"))?)?;
        fs::copy(&file, self.root().join("var/cache/pacman/pkg/tiny-1.0-1-any.pkg.tar.gz"))?;
        Ok(())
    }

    /// pacman on this root.
    pub(crate) fn pacman(&self, words: &[&str]) -> Command {
        let at = |path: &str| self.root().join(path);
        let mut command = Command::new("pacman");
        command.arg("--root").arg(self.root()).arg("--dbpath").arg(at("var/lib/pacman"));
        command.arg("--config").arg(at("etc/pacman.conf"));
        command.arg("--cachedir").arg(at("var/cache/pacman/pkg"));
        command.arg("--logfile").arg(at("pacman.log")).arg("--hookdir").arg(at("hooks"));
        command.arg("--noconfirm").args(words).env("LC_ALL", "C");
        command
    }
}
