//! The suite that every backend passes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use omg_backend::PackageManager as _;
use omg_backend::contract::{Expected, contract, moves};
use omg_backend_dpkg::Dpkg;

use super::root::{Root, installed, record};
use crate::oracle::unpack;

#[tokio::test]
async fn a_small_system_keeps_the_contract() {
    let release = "Origin: Debian\nSuite: stable\nCodename: bookworm";
    let packages =
        record("foo", "2", "amd64", "Provides: virtual") + &record("bar", "1", "all", "");
    let root = Root::new()
        .status(&(installed("foo", "1", "amd64", "") + &installed("own", "3", "all", "")))
        .suite("a.example", "stable", "main", release, &packages);
    root.write("var/lib/dpkg/info/foo.list", "/.\n/usr\n/usr/bin\n/usr/bin/foo\n");
    root.write("var/lib/dpkg/info/own.list", "/.\n/usr\n/usr/share\n/usr/share/own\n");
    let dpkg = Dpkg::open(root.path()).unwrap();
    let expected = Expected {
        installed: &[("foo", "1"), ("own", "3")],
        candidates: &[("foo", "2"), ("bar", "1")],
    };
    contract(&dpkg, &expected).await;
    moves(&dpkg, (false, true), || {
        root.write("var/lib/dpkg/status", installed("foo", "2", "amd64", ""));
    })
    .await;
    moves(&dpkg, (true, false), || {
        root.write(
            "etc/apt/preferences",
            "Package: *\nPin: release n=bookworm\nPin-Priority: 50\n",
        );
    })
    .await;
    moves(&dpkg, (false, false), || {
        root.write("var/lib/apt/lists/lock", "");
    })
    .await;
}

#[tokio::test]
async fn switched_alternatives_and_another_machine_id_are_noticed() {
    let root = Root::new().status(&installed("vim", "1", "amd64", ""));
    root.write("var/lib/dpkg/info/vim.list", "/.\n/usr/bin/vim.basic\n/usr/bin/vim.tiny\n");
    root.write("usr/bin/vim.basic", "");
    root.write("etc/machine-id", "1111\n");
    let alternatives = root.path().join("etc/alternatives");
    fs::create_dir(&alternatives).unwrap();
    symlink("/usr/bin/vim.basic", alternatives.join("vim")).unwrap();
    symlink("/etc/alternatives/vim", root.path().join("usr/bin/vim")).unwrap();
    let dpkg = Dpkg::open(root.path()).unwrap();
    let stands_for = async || dpkg.provides("vim").await.unwrap().matches[0].path.clone();
    assert_eq!(stands_for().await, "/usr/bin/vim.basic");
    for watched in [&alternatives, &root.path().join("etc")] {
        assert!(dpkg.watched().contains(watched), "{}", watched.display());
    }
    moves(&dpkg, (false, true), || {
        // As update-alternatives does it.
        symlink("/usr/bin/vim.tiny", alternatives.join("vim.dpkg-tmp")).unwrap();
        fs::rename(alternatives.join("vim.dpkg-tmp"), alternatives.join("vim")).unwrap();
    })
    .await;
    assert_eq!(stands_for().await, "/usr/bin/vim.tiny");
    moves(&dpkg, (true, false), || {
        root.write("etc/machine-id", "22222\n");
    })
    .await;
}

#[tokio::test]
async fn this_machine_keeps_the_contract() {
    match Dpkg::open(Path::new("/")) {
        Ok(dpkg) => contract(&dpkg, &Expected::default()).await,
        Err(error) => println!("skipped: {error}"),
    }
}

#[tokio::test]
async fn other_machines_keep_the_contract() {
    let Some(dir) = unpack("debian/roots.tar.gz") else { return };
    for machine in [
        "proxmox",
        "riscv64",
        "raspbian-car",
        "lenny-armel",
        "bullseye-web",
        "ubuntu-precise-or-bionic",
    ] {
        let dpkg = Dpkg::open(&dir.path().join(machine)).unwrap();
        println!("{machine}");
        contract(&dpkg, &Expected::default()).await;
    }
}
