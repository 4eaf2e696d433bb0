//! A small signed archive of packages that dpkg-deb built.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use omg_core::{Artifact, Grade, Plan};
use omg_verify::digest::Sha256;

/// What a package is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Lines of the control file beside name, version and architecture.
    pub(crate) fields: String,
    /// Paths and contents.
    pub(crate) files: Vec<(String, String)>,
    /// Those of the files that are configuration.
    pub(crate) conffiles: Vec<String>,
    /// Names and texts of maintainer scripts.
    pub(crate) scripts: Vec<(&'static str, String)>,
}

impl Package {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let file = (format!("/usr/share/{name}/data"), format!("{name} {version}\n"));
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            files: vec![file],
            ..Self::default()
        }
    }

    pub(crate) fn fields(mut self, fields: &str) -> Self {
        self.fields.push_str(fields);
        self
    }

    pub(crate) fn conffile(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self.conffiles.push(path.to_owned());
        self
    }

    pub(crate) fn script(mut self, name: &'static str, body: &str) -> Self {
        self.scripts.push((name, format!("#!/bin/sh\n{body}\n")));
        self
    }

    fn control(&self) -> String {
        format!(
            "Package: {}\nVersion: {}\nArchitecture: amd64\nMaintainer: Nobody <n@example.org>\n{}Description: a package of a test\n",
            self.name, self.version, self.fields
        )
    }

    /// The name of its file in apt's cache.
    pub(crate) fn file_name(&self) -> String {
        format!("{}_{}_amd64.deb", self.name, self.version.replace(':', "%3a"))
    }

    /// Builds it into a directory.
    pub(crate) fn build(&self, into: &Path) -> PathBuf {
        let tree = tempfile::tempdir().unwrap();
        let control = tree.path().join("DEBIAN");
        fs::create_dir(&control).unwrap();
        fs::write(control.join("control"), self.control()).unwrap();
        if !self.conffiles.is_empty() {
            fs::write(control.join("conffiles"), self.conffiles.join("\n") + "\n").unwrap();
        }
        for (name, text) in &self.scripts {
            fs::write(control.join(name), text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(control.join(name), mode).unwrap();
        }
        for (path, text) in &self.files {
            let path = tree.path().join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(tree.path(), mode).unwrap();
        let to = into.join(self.file_name());
        run(Command::new("dpkg-deb")
            .args(["--root-owner-group", "-Znone", "-b"])
            .arg(tree.path())
            .arg(&to)
            .env("SOURCE_DATE_EPOCH", "1700000000"));
        to
    }
}

/// The archive, and the key that signs for it.
pub(crate) struct Repository {
    dir: tempfile::TempDir,
    home: PathBuf,
    /// Public part of the key.
    pub(crate) keyring: PathBuf,
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .args(["--kill", "all"])
            .env("GNUPGHOME", &self.home)
            .stderr(Stdio::null())
            .status();
    }
}

impl Repository {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("gnupg");
        let keyring = dir.path().join("key.gpg");
        fs::create_dir(&home).unwrap();
        fs::create_dir(dir.path().join("pool")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&home, mode).unwrap();
        let repository = Self { dir, home, keyring };
        let user = "Archive <archive@example.org>";
        repository.gpg(&["--quick-gen-key", user, "ed25519", "sign", "never"]);
        let path = repository.keyring.display().to_string();
        repository.gpg(&["--output", &path, "--export", "archive@example.org"]);
        repository
    }

    fn gpg(&self, arguments: &[&str]) {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--quiet", "--yes", "--passphrase", ""]);
        run(command
            .args(["--pinentry-mode", "loopback"])
            .args(arguments)
            .env("GNUPGHOME", &self.home));
    }

    /// Where the package files are.
    pub(crate) fn pool(&self) -> PathBuf {
        self.dir.path().join("pool")
    }

    /// Puts signed lists of a suite into a root, as apt would name them, and the suite into its sources.
    pub(crate) fn suite(&self, root: &Path, suite: &str, packages: &[Package]) {
        let mut list = String::new();
        for package in packages {
            let path = self.pool().join(package.file_name());
            if !path.exists() {
                package.build(&self.pool());
            }
            let bytes = fs::read(&path).unwrap();
            let _ = writeln!(
                list,
                "{}Filename: pool/{}\nSize: {}\nSHA256: {}\n",
                package.control(),
                package.file_name(),
                bytes.len(),
                Sha256::of(&bytes)
            );
        }
        let lists = root.join("var/lib/apt/lists");
        let prefix = format!("repo.test_debian_dists_{suite}");
        fs::write(lists.join(format!("{prefix}_main_binary-amd64_Packages")), &list).unwrap();
        let release = format!(
            "Origin: Test\nLabel: Test\nSuite: {suite}\nCodename: {suite}\nDate: Thu, 01 Oct 2026 00:00:00 UTC\nComponents: main\nArchitectures: amd64\nSHA256:\n {} {} main/binary-amd64/Packages\n",
            Sha256::of(list.as_bytes()),
            list.len()
        );
        let plain = self.dir.path().join("Release");
        fs::write(&plain, release).unwrap();
        let signed = lists.join(format!("{prefix}_InRelease")).display().to_string();
        self.gpg(&["--output", &signed, "--clearsign", &plain.display().to_string()]);
        let keyrings = root.join("usr/share/keyrings");
        fs::create_dir_all(&keyrings).unwrap();
        fs::copy(&self.keyring, keyrings.join("test.gpg")).unwrap();
        let sources = root.join("etc/apt/sources.list");
        let line = format!(
            "deb [signed-by=/usr/share/keyrings/test.gpg] http://repo.test/debian {suite} main\n"
        );
        let text = fs::read_to_string(&sources).unwrap_or_default();
        if !text.contains(&line) {
            fs::write(sources, text + &line).unwrap();
        }
    }

    /// The files that a plan takes, out of the pool.
    pub(crate) fn artifacts(&self, plan: &Plan) -> Vec<Artifact> {
        let comes = plan.changes.iter().filter(|change| change.new_version.is_some());
        comes
            .filter(|change| !change.repository.is_empty())
            .map(|change| {
                let version = change.new_version.clone().unwrap();
                let package = Package::new(&change.name, &version);
                let path = fs::canonicalize(self.pool().join(package.file_name())).unwrap();
                artifact(&path, &change.name, &version, &change.repository)
            })
            .collect()
    }
}

/// A file as the client tells of it.
pub(crate) fn artifact(path: &Path, name: &str, version: &str, repository: &str) -> Artifact {
    let bytes = fs::read(path).unwrap();
    Artifact {
        name: name.to_owned(),
        architecture: "amd64".to_owned(),
        version: version.to_owned(),
        repository: repository.to_owned(),
        file_name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        path: path.display().to_string(),
        size: bytes.len() as u64,
        sha256: Sha256::of(&bytes).to_string(),
        signature: None,
        grade: Grade::Verified,
    }
}

pub(crate) fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
}
