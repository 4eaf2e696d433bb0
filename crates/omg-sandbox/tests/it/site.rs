//! A workspace, and who may use it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use omg_sandbox::{Confinement, Identity, Limits, Profile};
use tempfile::TempDir;

/// Who builds if root runs the tests.
pub(crate) const NOBODY: Identity = Identity { uid: 65534, gid: 65534 };

pub(crate) struct Site {
    pub(crate) directory: TempDir,
}

/// Says that something is not tested here; where everything has to be there, that is a failure.
pub(crate) fn skip(what: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "can't be tested: {what}");
    eprintln!("skipped: {what}");
}

/// Makes a file that of whoever builds.
pub(crate) fn give(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY.uid), Some(NOBODY.gid)).unwrap();
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Site {
    /// `None`, said aloud, if bubblewrap is not there.
    pub(crate) fn new() -> Option<Self> {
        if !Path::new("/usr/bin/bwrap").exists() {
            skip("bubblewrap is not installed");
            return None;
        }
        let site = Self { directory: tempfile::tempdir().unwrap() };
        fs::set_permissions(site.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(site.workspace()).unwrap();
        give(&site.workspace());
        // Who is not root can't look into the directory of the build.
        fs::copy(env!("CARGO_BIN_EXE_omg-sandbox-exec"), site.shim()).unwrap();
        Some(site)
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.directory.path().join(part)
    }

    pub(crate) fn shim(&self) -> PathBuf {
        self.path("omg-sandbox-exec")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.path("workspace")
    }

    pub(crate) fn confinement(&self, profile: Profile) -> Confinement {
        let confinement = Confinement::new(profile, &self.shim());
        if is_root() { confinement.run_as(NOBODY) } else { confinement }
    }

    /// Runs a script of a shell and gives back its end and its output.
    pub(crate) fn script(&self, limits: Limits, script: &str) -> (omg_sandbox::Ended, String) {
        let confinement = self.confinement(Profile::Build).limits(limits);
        let mut output = String::new();
        let ended = confinement
            .command(&self.workspace(), "/bin/bash", &["-c", script])
            .run(None, &mut |line| {
                output.push_str(line);
                output.push('\n');
            })
            .unwrap();
        (ended, output)
    }
}
