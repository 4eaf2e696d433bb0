//! Files of packages that need not be installed, against `pacman -F` and `-Fl`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use omg_backend::PackageManager as _;
use omg_backend_alpm::Alpm;
use omg_core::{Code, FileOrigin};

use crate::roots::{self, Root};

const CORE: [&str; 7] = ["filesystem-", "bc-", "acl-", "attr-", "procps-ng-", "dhcpcd-", "less-"];
const EXTRA: [&str; 4] = ["inetutils-", "kmod-", "file-5", "less-"];

/// Packs entries of the local database as repo-add does: a `desc` and a `files` for each package.
fn pack(from: &Root, compression: &str, to: &Path) {
    let stage = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(from.local()).unwrap().flatten() {
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let dir = stage.path().join(&name);
        fs::create_dir(&dir).unwrap();
        fs::copy(entry.path().join("desc"), dir.join("desc")).unwrap();
        let files = fs::read_to_string(entry.path().join("files")).unwrap();
        fs::write(dir.join("files"), files.split("\n%BACKUP%").next().unwrap()).unwrap();
        names.push(name);
    }
    names.sort();
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(stage.path()).arg(compression).arg("-cf").arg(to).args(names);
    assert!(tar.status().unwrap().success());
}

/// A root with some packages, and databases of files of more.
fn system() -> Option<Root> {
    if !roots::programs(&["pacman", "fakeroot", "tar", "gzip", "zstd"]) {
        return None;
    }
    let root = Root::new("", &["core", "extra"]);
    for (name, starts, compression) in
        [("core", &CORE[..], "--gzip"), ("extra", &EXTRA[..], "--zstd")]
    {
        let other = Root::new("", &[]);
        let packages: Option<Vec<_>> =
            starts.iter().map(|start| roots::packages(&[start])).collect();
        other.install(&packages?.concat());
        for end in ["db", "files"] {
            pack(&other, compression, &root.sync().join(format!("{name}.{end}")));
        }
    }
    root.install(&roots::packages(&["filesystem-", "bc-"])?);
    Some(root)
}

/// `package path` of each line of `pacman -F --machinereadable`.
fn said(root: &Root, what: &str) -> BTreeSet<String> {
    let text = root.pacman(&["-F", "--machinereadable", what]);
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('\0').collect();
        format!("{} /{}", fields[1], fields[3])
    };
    text.lines().map(line).collect()
}

async fn found(alpm: &Alpm, what: &str) -> BTreeSet<String> {
    let files = alpm.provides(what).await.unwrap();
    assert_eq!(files.hint, None);
    let installed = files.matches.iter().map(|found| found.installed);
    assert!(installed.rev().is_sorted(), "what is installed comes first: {:?}", files.matches);
    files.matches.into_iter().map(|found| format!("{} {}", found.package, found.path)).collect()
}

#[tokio::test]
async fn files_of_all_packages_are_found_as_pacman_finds_them() {
    let Some(root) = system() else { return };
    let alpm = Alpm::open(root.path()).unwrap();
    let mut asked = 0;
    for name in ["bc", "less", "file", "kmod", "inetutils", "procps-ng"] {
        let own = alpm.available_files(name).await.unwrap();
        let text = root.pacman(&["-Flq", name]);
        let wanted: Vec<String> = text.lines().map(|line| format!("/{line}")).collect();
        assert_eq!(own, wanted, "{name}");
        for path in own.iter().step_by(3) {
            let have = found(&alpm, path).await;
            assert_eq!(have, said(&root, path), "{path}");
            let command = path.rsplit('/').next().unwrap();
            if path.contains("/bin/") && !command.is_empty() {
                let bins = said(&root, command).into_iter().filter(|line| line.contains("bin/"));
                assert_eq!(found(&alpm, command).await, bins.collect(), "{command}");
                asked += 1;
            }
        }
    }
    assert!(asked > 10, "{asked}");
    assert_eq!(found(&alpm, "/bin/less").await, found(&alpm, "/usr/bin/less").await);
    assert_eq!(found(&alpm, "/lib64/libacl.so").await, said(&root, "usr/lib/libacl.so"));
    let bc = alpm.provides("bc").await.unwrap().matches;
    assert_eq!(bc.len(), 1);
    assert!(bc[0].installed && bc[0].origin == FileOrigin::Installed);
    let less = alpm.provides("less").await.unwrap().matches;
    assert!(!less[0].installed && less[0].origin == FileOrigin::Contents);
    assert!(found(&alpm, "/usr/bin/nothing").await.is_empty());
    for bad in ["", "/", "//", "a\nb"] {
        assert_eq!(alpm.provides(bad).await.unwrap_err().code, Code::Usage);
    }
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let Some(root) = system() else { return };
    let alpm = Alpm::open(root.path()).unwrap();
    let fault = alpm.available_files("no-such-package").await.unwrap_err();
    assert_eq!((fault.code, fault.hint.as_deref()), (Code::NotFound, Some("sudo pacman -Fy")));
    fs::remove_file(root.sync().join("extra.files")).unwrap();
    let files = alpm.provides("kmod").await.unwrap();
    assert_eq!((files.matches.len(), files.hint.as_deref()), (0, Some("sudo pacman -Fy")));
    // What is damaged does not hide the rest.
    fs::write(root.sync().join("extra.files"), b"\x28\xb5\x2f\xfd damaged").unwrap();
    assert_eq!(alpm.provides("less").await.unwrap().matches.len(), 1);
    assert_eq!(alpm.files("less", "x86_64").await.unwrap_err().code, Code::NotFound);
}
