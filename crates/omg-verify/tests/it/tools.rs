//! gpg, gpgv and sqv.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::data::absent;

/// Is this program here?
pub(crate) fn have(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|it| it.success());
    if !found {
        absent(&format!("{program} is not installed"));
    }
    found
}

/// gpgv's verdict as apt takes it: a good signature, and none that is bad. `data` is none for a text with
/// its signature in it.
pub(crate) fn gpgv(keyring: &Path, signature: &Path, data: Option<&Path>) -> bool {
    let output = Command::new("gpgv")
        .args(["--status-fd", "1", "--keyring"])
        .arg(fs::canonicalize(keyring).unwrap())
        .arg(signature)
        .args(data)
        .env("GNUPGHOME", "/nonexistent")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let has = |word: &str| said.lines().any(|it| it.starts_with(&format!("[GNUPG:] {word}")));
    has("GOODSIG ") && has("VALIDSIG ") && !has("BADSIG ") && output.status.code() != Some(1)
}

/// sqv's verdict.
pub(crate) fn sqv(keyring: &Path, signature: &Path, data: &Path) -> bool {
    let output =
        Command::new("sqv").arg("--keyring").arg(keyring).arg(signature).arg(data).output();
    output.unwrap().status.success()
}

/// A directory in which gpg keeps keys; its agent ends with it.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.join(name), bytes).unwrap();
        self.join(name)
    }

    /// Runs gpg, which must succeed.
    pub(crate) fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.try_gpg(arguments);
        assert!(
            output.status.success(),
            "gpg {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    pub(crate) fn try_gpg(&self, arguments: &[&str]) -> Output {
        Command::new("gpg")
            .args(["--batch", "--yes", "--quiet", "--no-tty", "--trust-model", "always"])
            .args(["--pinentry-mode", "loopback", "--passphrase", ""])
            .args(arguments)
            .env("GNUPGHOME", self.path())
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    /// Makes a key and gives its fingerprint. `options` come before the command.
    pub(crate) fn key(
        &self,
        name: &str,
        options: &[&str],
        algorithm: &str,
        expires: &str,
    ) -> String {
        let user = format!("{name} <{name}@example.org>");
        let command = ["--quick-generate-key", &user, algorithm, "sign", expires];
        self.gpg(&[options, &command].concat());
        self.fingerprint(name)
    }

    /// Runs gpg's editor of keys with these lines.
    pub(crate) fn edit(&self, key: &str, lines: &str) {
        use std::io::Write as _;
        let mut child = Command::new("gpg")
            .args([
                "--no-tty",
                "--quiet",
                "--yes",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ])
            .args(["--command-fd", "0", "--edit-key", key])
            .env("GNUPGHOME", self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    pub(crate) fn fingerprint(&self, name: &str) -> String {
        self.fingerprints(name).remove(0)
    }

    /// Of the primary key, then of its subkeys.
    pub(crate) fn fingerprints(&self, name: &str) -> Vec<String> {
        let listed = self.gpg(&["--with-colons", "--list-keys", &format!("<{name}@example.org>")]);
        let listed = String::from_utf8(listed).unwrap();
        listed
            .lines()
            .filter(|it| it.starts_with("fpr:"))
            .map(|it| it.split(':').nth(9).unwrap().to_owned())
            .collect()
    }

    /// Writes the public keys with these names to a file.
    pub(crate) fn export(&self, file: &str, names: &[&str]) -> PathBuf {
        let users: Vec<_> = names.iter().map(|it| format!("<{it}@example.org>")).collect();
        let mut arguments = vec!["--export"];
        arguments.extend(users.iter().map(String::as_str));
        let keys = self.gpg(&arguments);
        self.write(file, keys)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .args(["--kill", "all"])
            .env("GNUPGHOME", self.path())
            .stderr(Stdio::null())
            .status();
    }
}
