//! Which files a plan takes, and what they are worth.

use std::fs;

use omg_backend::PackageManager;
use omg_backend_dpkg::{Dpkg, lists};
use omg_core::{Action, Artifact, Code, Grade, Plan, Planned, Reason, Source};
use omg_fetch::Sha256;

use super::harness::Scene;

fn planned(name: &str, version: &str) -> Planned {
    Planned {
        action: Action::Install,
        name: name.into(),
        architecture: "amd64".into(),
        old_version: None,
        new_version: Some(version.into()),
        source: Source::Apt,
        repository: "sid/main".into(),
        reason: Reason::Requested,
        automatic: false,
        download_size: 0,
        installed_size_delta: 0,
        sha256: None,
        grade: None,
    }
}

fn artifact(planned: &Planned, sha256: &str) -> Artifact {
    Artifact {
        name: planned.name.clone(),
        architecture: planned.architecture.clone(),
        version: planned.new_version.clone().unwrap_or_default(),
        repository: planned.repository.clone(),
        file_name: "tool_1.0_amd64.deb".into(),
        path: "/nowhere".into(),
        size: 1000,
        sha256: sha256.into(),
        signature: None,
        grade: Grade::Risk,
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn files_of_a_plan_have_addresses_digests_and_grades() {
    let scene = Scene::new("");
    scene.root.sync().unwrap();
    let dpkg = Dpkg::open(scene.root.path()).unwrap();
    let change = planned("tool", "1.0");
    let plan = Plan { changes: vec![change.clone()], ..Plan::default() };
    let digest = Sha256::of(b"tool 1.0").to_string();
    let wanted = run(dpkg.wanted(&plan)).unwrap();
    let [one] = wanted.as_slice() else { unreachable!("{wanted:?}") };
    assert_eq!(one.urls, [scene.mirror.url("pool/main/tool_1.0_amd64.deb")]);
    assert_eq!((one.size, one.sha256.as_deref()), (Some(1000), Some(digest.as_str())));
    assert_eq!((one.file_name.as_str(), one.grade), ("tool_1.0_amd64.deb", Grade::Community));
    assert!(one.cached[0].ends_with("var/cache/apt/archives/tool_1.0_amd64.deb"));
    let good = artifact(&change, &digest);
    assert_eq!(run(dpkg.verify_artifact(&change, &good)).unwrap(), Grade::Community);
    let bad = artifact(&change, &Sha256::of(b"evil").to_string());
    assert_eq!(run(dpkg.verify_artifact(&change, &bad)).unwrap_err().code, Code::Digest);
    let gone = Plan { changes: vec![planned("tool", "9")], ..Plan::default() };
    assert_eq!(run(dpkg.wanted(&gone)).unwrap_err().code, Code::Gone);
}

#[test]
fn the_distributions_own_key_is_worth_more() {
    let scene = Scene::new("");
    scene.root.write("etc/os-release", b"ID=debian\n");
    let keyring = "usr/share/keyrings/debian-archive-keyring.gpg";
    scene.root.write(keyring, &scene.key.public());
    scene.root.sync().unwrap();
    let chain = lists::verify_chain(scene.root.path(), &()).unwrap();
    assert_eq!(chain.lists.len(), 1, "{chain:?}");
    assert_eq!(chain.lists[0].trust.grade(), Grade::Verified, "{chain:?}");
}

#[test]
fn a_list_that_was_edited_in_place_is_worth_nothing() {
    let scene = Scene::new("");
    scene.root.sync().unwrap();
    let path =
        scene.root.lists().join(format!("{}main_binary-amd64_Packages", scene.root.prefix()));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("Maintainer: x", "Depends: evil", 1)).unwrap();
    let chain = lists::verify_chain(scene.root.path(), &()).unwrap();
    assert_eq!(chain.lists[0].trust, lists::Trust::Unsigned);
    assert!(!chain.lists[0].problem.is_empty());
}

#[test]
fn trusted_sources_are_a_risk() {
    let scene = Scene::new("[trusted=yes]");
    fs::remove_file(scene.root.path().join("etc/apt/trusted.gpg.d/test.gpg")).unwrap();
    scene.root.sync().unwrap();
    let chain = lists::verify_chain(scene.root.path(), &()).unwrap();
    assert_eq!(chain.lists[0].trust, lists::Trust::Trusted, "{chain:?}");
    assert_eq!(chain.lists[0].trust.grade(), Grade::Risk);
}
