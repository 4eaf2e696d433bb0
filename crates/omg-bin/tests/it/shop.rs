//! A Debian archive of a few packages, signed with a key of its own, and a root that uses it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::plans::write;

/// A package: name, version, dependencies, and whether it has a configuration file.
type Package = (&'static str, &'static str, &'static str, bool);

const PACKAGES: &[Package] = &[
    ("editor", "1.0", "tool", false),
    ("tool", "1.0", "libtool1", true),
    ("tool", "2.0", "libtool1", true),
    ("libtool1", "1.0", "", false),
    ("other", "1.0", "", false),
];

/// An archive and a root, gone at the end of the test.
pub(crate) struct Shop {
    directory: tempfile::TempDir,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let shop = Self { directory: tempfile::Builder::new().prefix("shop-").tempdir().unwrap() };
        for package in PACKAGES {
            shop.pack(package);
        }
        shop.prepare_root();
        shop.publish();
        shop
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.root().join("srv/archive")
    }

    /// The file of a package in the archive.
    pub(crate) fn deb(&self, name: &str, version: &str) -> PathBuf {
        self.archive().join(format!("pool/{name}_{version}_amd64.deb"))
    }

    fn pack(&self, (name, version, depends, conffile): &Package) {
        let tree = self.directory.path().join("tree");
        write(&tree, &format!("usr/share/{name}/data"), &format!("{name} {version}\n"));
        let mut control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\n\
             Maintainer: Nobody <n@example.org>\nInstalled-Size: 10\n"
        );
        if !depends.is_empty() {
            let _ = writeln!(control, "Depends: {depends}");
        }
        let _ = writeln!(control, "Description: the package {name}");
        write(&tree, "DEBIAN/control", &control);
        if *conffile {
            write(&tree, &format!("etc/{name}.conf"), &format!("of {version}\n"));
            write(&tree, "DEBIAN/conffiles", &format!("/etc/{name}.conf\n"));
        }
        let deb = self.deb(name, version);
        std::fs::create_dir_all(deb.parent().unwrap()).unwrap();
        done(Command::new("dpkg-deb").args(["--root-owner-group", "-b"]).arg(&tree).arg(&deb));
        std::fs::remove_dir_all(&tree).unwrap();
    }

    fn prepare_root(&self) {
        let root = self.root();
        for directory in [
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "var/lib/dpkg/triggers",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/log/apt",
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "usr/share/keyrings",
        ] {
            std::fs::create_dir_all(root.join(directory)).unwrap();
        }
        for (path, text) in [
            ("var/lib/dpkg/status", ""),
            ("var/lib/dpkg/available", ""),
            ("var/lib/dpkg/arch", "amd64\n"),
            ("etc/os-release", "ID=debian\n"),
        ] {
            write(&root, path, text);
        }
        self.gpg(&[
            "--passphrase",
            "",
            "--quick-gen-key",
            "Shop <shop@example.org>",
            "ed25519",
            "sign",
            "never",
        ]);
        let key = root.join("usr/share/keyrings/shop.gpg").display().to_string();
        self.gpg(&["--output", &key, "--export"]);
        // Paths of a root's sources are paths of that root.
        let source =
            "deb [signed-by=/usr/share/keyrings/shop.gpg] file:///srv/archive stable main\n";
        write(&root, "etc/apt/sources.list", source);
    }

    fn gpg(&self, arguments: &[&str]) {
        use std::os::unix::fs::DirBuilderExt as _;
        let home = self.directory.path().join("gpg");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&home).unwrap();
        done(
            Command::new("gpg")
                .env("GNUPGHOME", &home)
                .args(["--batch", "--quiet", "--yes"])
                .args(arguments),
        );
    }

    /// Makes the archive's lists of what is in its pool, and signs them.
    pub(crate) fn publish(&self) {
        let archive = self.archive();
        let scanned = Command::new("dpkg-scanpackages")
            .args(["-m", "pool"])
            .current_dir(&archive)
            .output()
            .unwrap();
        assert!(scanned.status.success(), "{scanned:?}");
        let packages = String::from_utf8(scanned.stdout).unwrap();
        write(&archive, "dists/stable/main/binary-amd64/Packages", &packages);
        let digest = output(
            Command::new("sha256sum").arg(archive.join("dists/stable/main/binary-amd64/Packages")),
        );
        let digest = digest.split(' ').next().unwrap();
        let date = output(Command::new("date").arg("-Ru"));
        let release = format!(
            "Origin: Shop\nLabel: Shop\nSuite: stable\nCodename: stable\nDate: {}\n\
             Architectures: amd64\nComponents: main\nSHA256:\n {digest} {} main/binary-amd64/Packages\n",
            date.trim(),
            packages.len()
        );
        write(&archive, "dists/stable/Release", &release);
        self.sign();
    }

    /// Signs the archive's table of contents, whatever is in it.
    pub(crate) fn sign(&self) {
        let lists = self.archive().join("dists/stable");
        let path = |name: &str| lists.join(name).display().to_string();
        self.gpg(&["--output", &path("InRelease"), "--clearsign", &path("Release")]);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // gpg leaves an agent behind that holds the directory.
        let home = self.directory.path().join("gpg");
        let _ = Command::new("gpgconf").env("GNUPGHOME", home).args(["--kill", "all"]).status();
    }
}

fn done(command: &mut Command) {
    let run = command.output().unwrap();
    assert!(run.status.success(), "{command:?}: {run:?}");
}

fn output(command: &mut Command) -> String {
    let run = command.output().unwrap();
    assert!(run.status.success(), "{command:?}: {run:?}");
    String::from_utf8(run.stdout).unwrap()
}

/// What dpkg says is installed, `name version`, sorted.
pub(crate) fn installed(root: &Path) -> Vec<String> {
    let listed =
        output(Command::new("dpkg-query").arg("--admindir").arg(root.join("var/lib/dpkg")).args([
            "-W",
            "-f",
            "${db:Status-Abbrev}${Package} ${Version}\n",
        ]));
    // `hi` is installed and held.
    let rows = listed.lines().filter(|line| line.get(1..3) == Some("i "));
    let rows = rows.filter_map(|line| line.get(3..));
    let mut rows: Vec<String> = rows.map(|row| row.trim().to_owned()).collect();
    rows.sort();
    rows
}
