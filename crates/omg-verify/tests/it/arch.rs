//! Arch's packages and keyrings, as pacman judges them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use omg_verify::openpgp::{CryptoPolicy, Fingerprint, Rules};
use omg_verify::pacman::{Keyring, Trust, verify};

use crate::data::{files, find, releases};
use crate::tools::have;

const SIGNED: &str = "arch/signed-2017-12";

/// A root with pacman's keyring as `pacman-key` itself makes it.
struct Root(tempfile::TempDir);

impl Root {
    /// Of the keyring in this directory. None without pacman.
    fn new(keyring: &Path) -> Option<Self> {
        if !have("pacman") {
            return None;
        }
        let root = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(root.join("var/lib/pacman")).unwrap();
        fs::create_dir_all(root.gnupg()).unwrap();
        // Where keyrings are is written into the program.
        let program = fs::read_to_string("/usr/bin/pacman-key").unwrap();
        let at = program.find("KEYRING_IMPORT_DIR='").unwrap();
        let end = at + program[at..].find('\n').unwrap();
        let program = format!(
            "{}KEYRING_IMPORT_DIR='{}'{}",
            &program[..at],
            keyring.display(),
            &program[end..]
        );
        fs::write(root.join("pacman-key"), program).unwrap();
        for arguments in [&["--init"] as &[_], &["--populate", "archlinux"]] {
            let output = Command::new("bash")
                .arg(root.join("pacman-key"))
                .arg("--gpgdir")
                .arg(root.gnupg())
                .args(arguments)
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        Some(root)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn gnupg(&self) -> PathBuf {
        self.join("etc/pacman.d/gnupg")
    }

    /// Does pacman itself accept this package file?
    fn accepts(&self, package: &Path, level: &str) -> bool {
        let config = format!("[options]\nArchitecture = auto\nSigLevel = {level}\n");
        fs::write(self.join("pacman.conf"), config).unwrap();
        let output = Command::new("pacman")
            .args(["-Updd", "--noconfirm", "--logfile", "/dev/null", "--config"])
            .arg(self.join("pacman.conf"))
            .arg("--gpgdir")
            .arg(self.gnupg())
            .arg("--root")
            .arg(self.0.path())
            .arg("--dbpath")
            .arg(self.join("var/lib/pacman"))
            .arg(package)
            .output()
            .unwrap();
        output.status.success()
    }

    /// What GnuPG says of every primary key: its validity as `gpg --with-colons` has it.
    fn validities(&self) -> BTreeMap<String, String> {
        let output = Command::new("gpg")
            .args([
                "--batch",
                "--no-permission-warning",
                "--with-colons",
                "--list-keys",
                "--homedir",
            ])
            .arg(self.gnupg())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut validity = String::new();
        let mut all = BTreeMap::new();
        for line in text.lines() {
            let field = |at: usize| line.split(':').nth(at).unwrap_or_default().to_owned();
            match line.split(':').next() {
                Some("pub") => validity = field(1),
                Some("fpr") if !validity.is_empty() => {
                    all.insert(field(9), std::mem::take(&mut validity));
                }
                _ => {}
            }
        }
        all
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .args(["--homedir"])
            .arg(self.gnupg())
            .args(["--kill", "all"])
            .stderr(Stdio::null())
            .status();
    }
}

fn ours(package: &Path, keyring: &Keyring, trust: Trust) -> Result<(), String> {
    let signature = fs::read(format!("{}.sig", package.display())).unwrap();
    verify(
        File::open(package).unwrap(),
        &signature,
        keyring,
        CryptoPolicy::now().with(Rules::Pacman),
        trust,
    )
    .map(drop)
    .map_err(|it| it.to_string())
}

#[test]
fn packages_are_judged_as_by_pacman() {
    let Some(data) = find(SIGNED) else { return };
    let Some(root) = Root::new(&data.join("keyring")) else { return };
    let populated = Keyring::populated(&root.gnupg()).unwrap();
    let shipped = Keyring::shipped(&data.join("keyring"), &["archlinux"]).unwrap();
    let packages = files(&data, |it| it.ends_with(".pkg.tar.xz"));
    assert_eq!(packages.len(), 107);
    let mut refused = Vec::new();
    for package in &packages {
        let verdict = ours(package, &populated, Trust::TrustedOnly);
        let theirs = root.accepts(package, "Required TrustedOnly");
        assert_eq!(verdict.is_ok(), theirs, "{}: {verdict:?}", package.display());
        let of_shipped = ours(package, &shipped, Trust::TrustedOnly);
        assert_eq!(of_shipped.is_ok(), theirs, "shipped: {}: {of_shipped:?}", package.display());
        if let Err(reason) = verdict {
            let name = package.file_name().unwrap().to_string_lossy().into_owned();
            assert!(reason.contains("expired"), "{name}: {reason}");
            // Whoever trusts all keys trusts expired ones, as pacman does.
            let all = ours(package, &populated, Trust::TrustAll);
            assert_eq!(all.is_ok(), root.accepts(package, "Required TrustAll"), "{name}: {all:?}");
            refused.push(name);
        }
    }
    assert_eq!(refused.len(), 5, "{refused:?}");
}

#[test]
fn keys_are_valid_as_gnupg_says() {
    let Some(old) = find(SIGNED) else { return };
    let Some(releases) = releases() else { return };
    let new = releases
        .path()
        .join("keyrings/archlinux-keyring_0~20260909-1_all")
        .join("usr/share/keyrings");
    // DSA of 1024 bits, which GnuPG believes in and we do not.
    let short = [
        "2C118C620F02DB9AC1D0F9FA94DD2393DA2EE423",
        "355BDB97ED4724E6B3A450E7A3D9562A589874AB",
        "A5CA9D5515DC2CA73DF748CA5C2E46A0F53A76ED",
        "C521846436D75A3294795B27B4360204B250F0D3",
    ];
    for (directory, all_rules, short) in [
        (old.join("keyring"), &[Rules::Pacman][..], &short[..]),
        // Of today's keys none needs what only the more lenient rules believe.
        (new, &[Rules::Pacman, Rules::Apt], &[]),
    ] {
        let Some(root) = Root::new(&directory) else { return };
        let populated = Keyring::populated(&root.gnupg()).unwrap();
        let shipped = Keyring::shipped(&directory, &["archlinux"]).unwrap();
        let mut full = 0;
        let each = root.validities();
        for (rules, (key, theirs)) in
            all_rules.iter().flat_map(|rules| each.iter().map(move |it| (*rules, it)))
        {
            let policy = CryptoPolicy::now().with(rules);
            let valid =
                |keyring: &Keyring| keyring.is_valid(&Fingerprint::parse(key).unwrap(), policy);
            let expected = matches!(theirs.as_str(), "f" | "u") && !short.contains(&key.as_str());
            assert_eq!(valid(&populated), Some(expected), "{key}: gpg says {theirs}");
            // The system's own key is not among the shipped ones.
            if theirs != "u" {
                assert_eq!(valid(&shipped), Some(expected), "{key}, shipped: gpg says {theirs}");
            }
            full += usize::from(expected);
        }
        println!("{}: {full} keys valid", directory.display());
        assert!(full > 40, "{full}");
    }
}
