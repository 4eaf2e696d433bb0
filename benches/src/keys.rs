//! An OpenPGP key of our own, to sign what is verified.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::host::done;

/// The key, gone when it is dropped.
pub(crate) struct Keys {
    directory: tempfile::TempDir,
}

impl Keys {
    /// Makes a key.
    pub(crate) fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let directory = tempfile::Builder::new().prefix("omg-bench-").tempdir()?;
        fs::DirBuilder::new().mode(0o700).create(directory.path().join("gpg"))?;
        let keys = Self { directory };
        let who = "Bench <bench@example.org>";
        keys.gpg(&["--passphrase", "", "--quick-gen-key", who, "ed25519", "sign", "never"])?;
        keys.gpg(&["--output", &keys.public().display().to_string(), "--export"])?;
        Ok(keys)
    }

    /// A file with the public key, as keyrings have it.
    pub(crate) fn public(&self) -> PathBuf {
        self.directory.path().join("public.gpg")
    }

    /// Writes a signature of a file over this hash; `way` is `--detach-sign` or `--clearsign`.
    pub(crate) fn sign(&self, way: &str, hash: &str, of: &Path, to: &Path) -> Outcome {
        let (of, to) = (of.display().to_string(), to.display().to_string());
        self.gpg(&["--digest-algo", hash, "--output", &to, way, &of])
    }

    fn gpg(&self, arguments: &[&str]) -> Outcome {
        let mut gpg = Command::new("gpg");
        gpg.env("GNUPGHOME", self.directory.path().join("gpg"));
        done(gpg.args(["--batch", "--quiet", "--yes"]).args(arguments)).map(drop)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // gpg leaves an agent behind that holds the directory.
        let home = self.directory.path().join("gpg");
        let _ended =
            Command::new("gpgconf").env("GNUPGHOME", home).args(["--kill", "all"]).status();
    }
}
