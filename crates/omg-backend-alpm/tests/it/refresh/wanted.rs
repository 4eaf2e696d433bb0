//! Which files a plan takes, and what they are worth.

use std::fs;

use omg_backend::PackageManager;
use omg_backend_alpm::Alpm;
use omg_core::{Action, Artifact, Code, Grade, Plan, Planned, Reason, SignatureSource, Source};
use omg_fetch::Sha256;

use super::harness::{Key, Scene};

fn planned(name: &str, version: &str) -> Planned {
    Planned {
        action: Action::Install,
        name: name.into(),
        architecture: "x86_64".into(),
        old_version: None,
        new_version: Some(version.into()),
        source: Source::Alpm,
        repository: "core".into(),
        reason: Reason::Requested,
        automatic: false,
        download_size: 0,
        installed_size_delta: 0,
        sha256: None,
        grade: None,
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A package that is nothing but what it says of itself.
fn package(directory: &std::path::Path, version: &str) -> Vec<u8> {
    let info = format!("# made by hand\npkgname = tool\npkgver = {version}\narch = any\n");
    fs::write(directory.join(".PKGINFO"), info).unwrap();
    let run = std::process::Command::new("tar")
        .args(["-c", ".PKGINFO"])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    run.stdout
}

#[test]
fn what_no_database_has_is_known_by_its_signature_and_its_name() {
    for (level, unsigned) in [("Required", None), ("Optional", Some(Grade::Risk))] {
        let scene = Scene::new(level);
        let alpm = Alpm::open(scene.root.path()).unwrap();
        let path = scene.dir.path().join("tool-1-1-any.pkg.tar");
        let verify = |bytes: &[u8], signature: Option<Vec<u8>>| {
            fs::write(&path, bytes).unwrap();
            let artifact = Artifact {
                name: "tool".into(),
                architecture: "any".into(),
                version: "1-1".into(),
                repository: String::new(),
                file_name: "tool-1-1-any.pkg.tar".into(),
                path: path.to_str().unwrap().into(),
                size: bytes.len() as u64,
                sha256: Sha256::of(bytes).to_string(),
                signature,
                grade: Grade::Risk,
            };
            run(alpm.verify_archived(&artifact)).map_err(|fault| fault.code)
        };
        let bytes = package(scene.dir.path(), "1-1");
        assert_eq!(verify(&bytes, Some(scene.key.sign(&bytes))), Ok(Grade::Community));
        assert_eq!(verify(&bytes, None).ok(), unsigned, "{level}");
        for signature in [Key::new("stranger").sign(&bytes), scene.key.sign(b"other")] {
            assert_eq!(verify(&bytes, Some(signature)), Err(Code::Signature));
        }
        // As well signed, and another version.
        let other = package(scene.dir.path(), "2-1");
        assert_eq!(verify(&other, Some(scene.key.sign(&other))), Err(Code::Digest));
        let none = b"no package";
        assert!(verify(none, Some(scene.key.sign(none))).is_err());
    }
}

#[test]
fn files_of_a_plan_have_addresses_digests_signatures_and_grades() {
    let scene = Scene::new("Required");
    scene.root.sync().unwrap();
    let alpm = Alpm::open(scene.root.path()).unwrap();
    let change = planned("tool0", "1.0-1");
    let wanted =
        run(alpm.wanted(&Plan { changes: vec![change.clone()], ..Plan::default() })).unwrap();
    let [one] = wanted.as_slice() else { unreachable!("{wanted:?}") };
    let bytes = b"tool0 1.0-1";
    assert_eq!(one.urls, [scene.mirror.url("tool0-1.0-1-x86_64.pkg.tar.zst")]);
    assert_eq!(one.sha256, Some(Sha256::of(bytes).to_string()));
    assert_eq!(one.size, Some(bytes.len() as u64));
    assert_eq!(one.signature, Some(SignatureSource::Suffix(".sig".into())));
    let path = scene.dir.path().join(&one.file_name);
    fs::write(&path, bytes).unwrap();
    let artifact = |signature: Option<Vec<u8>>| Artifact {
        name: one.name.clone(),
        architecture: one.architecture.clone(),
        version: one.version.clone(),
        repository: one.repository.clone(),
        file_name: one.file_name.clone(),
        path: path.to_str().unwrap().into(),
        size: bytes.len() as u64,
        sha256: Sha256::of(bytes).to_string(),
        signature,
        grade: one.grade,
    };
    let verify = |artifact: &Artifact| run(alpm.verify_artifact(&change, artifact));
    let good = artifact(Some(scene.key.sign(bytes)));
    assert_eq!(verify(&good).unwrap(), Grade::Community);
    for signature in [None, Some(Key::new("stranger").sign(bytes)), Some(scene.key.sign(b"other"))]
    {
        assert_eq!(verify(&artifact(signature)).unwrap_err().code, Code::Signature);
    }
    let other = Artifact { sha256: Sha256::of(b"other").to_string(), ..good.clone() };
    assert_eq!(verify(&other).unwrap_err().code, Code::Digest);
    // Arch's own keyring package makes it more.
    let keyrings = scene.root.path().join("usr/share/pacman/keyrings");
    fs::copy(keyrings.join("own.gpg"), keyrings.join("archlinux.gpg")).unwrap();
    assert_eq!(verify(&good).unwrap(), Grade::Verified);
    let gone = Plan { changes: vec![planned("tool0", "9-9")], ..Plan::default() };
    assert_eq!(run(alpm.wanted(&gone)).unwrap_err().code, Code::Gone);
}
