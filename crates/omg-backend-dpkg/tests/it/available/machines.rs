//! Roots of other machines, with the sources that their lists belong to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::root::policies;
use super::{Policy, System};
use crate::oracle::unpack;

/// Root, native architecture, and sources.list.
const MACHINES: &[(&str, &str, &str)] = &[
    (
        "bullseye-web",
        "amd64",
        "deb http://deb.debian.org/debian bullseye main contrib non-free\n\
         deb http://deb.debian.org/debian bullseye-updates main # updates\n\
         deb [ signed-by=/usr/share/keyrings/x.gpg ] http://security.debian.org/debian-security bullseye-security main contrib non-free\n",
    ),
    (
        "lenny-armel",
        "armel",
        "deb http://archive.debian.org/debian-security/ lenny/updates main contrib non-free\n\
         deb http://archive.debian.org/debian/ lenny contrib non-free\n\
         deb http://ftp.us.debian.org/debian/ lenny main contrib non-free\n\
         deb http://http.us.debian.org/debian stable main contrib non-free\n\
         deb http://security.debian.org/ lenny/updates main contrib non-free\n\
         deb http://www.backports.org/debian lenny-backports main contrib non-free\n\
         deb http://10.82.108.51/kedars/sheevaplug_wifi/builds/packages binary/\n",
    ),
    (
        "raspbian-car",
        "armhf",
        "deb http://raspbian.raspberrypi.org/raspbian/ stretch main contrib non-free rpi\n\
         deb http://archive.raspberrypi.org/debian/ stretch main ui\n",
    ),
    (
        "ubuntu-precise-or-bionic",
        "arm64",
        "deb http://ports.ubuntu.com/ubuntu-ports/ bionic main restricted universe multiverse\n\
         deb http://ports.ubuntu.com/ubuntu-ports/ bionic-updates main restricted universe multiverse\n\
         deb http://ports.ubuntu.com/ubuntu-ports/ bionic-security main restricted universe multiverse\n\
         deb [arch=arm64] http://ports.ubuntu.com/ubuntu-ports/ bionic-backports main universe\n",
    ),
    ("riscv64", "riscv64", ""),
    ("proxmox", "amd64", ""),
];

const PINS: &[&str] = &[
    "",
    "Package: *\nPin: release a=*-backports\nPin-Priority: 600\n",
    "Package: *\nPin: origin security.debian.org\nPin-Priority: 50\n\nPackage: lib*\nPin: version 1*\nPin-Priority: 1001\n",
    "Package: /^(lib|python)/\nPin: release o=Ubuntu\nPin-Priority: -1\n\nPackage: *\nPin: release c=non-free\nPin-Priority: 1000\n",
];

#[tokio::test]
async fn candidates_on_other_machines_are_those_of_apt_cache() {
    let Some(dir) = unpack("debian/roots.tar.gz") else { return };
    for &(machine, native, sources) in MACHINES {
        let root = dir.path().join(machine);
        fs::create_dir_all(root.join("etc/apt")).unwrap();
        fs::write(root.join("etc/apt/sources.list"), sources).unwrap();
        for &pins in PINS.iter().take(if sources.is_empty() { 1 } else { PINS.len() }) {
            fs::write(root.join("etc/apt/preferences"), pins).unwrap();
            let system = System::open(&root, native).await;
            let compared =
                compare(&system, &root, native, machine, if pins.is_empty() { 1 } else { 5 });
            println!(
                "{machine}: {compared} compared, {} offered, {} repositories",
                system.catalogue.rows.len(),
                system.catalogue.repositories.len()
            );
        }
    }
}

/// Compares every `step`th package.
fn compare(system: &System, root: &Path, native: &str, machine: &str, step: usize) -> usize {
    let mut names: BTreeSet<&str> =
        system.installed.present().map(|package| &*package.name).collect();
    names.extend(system.catalogue.rows.keys().map(String::as_str));
    let names: Vec<&str> = names.into_iter().step_by(step).collect();
    let Some(theirs) = policies(root, native, &names) else { return 0 };
    let unknown = Policy::default();
    for &name in &names {
        let ours = system.policy(name);
        let wanted = theirs.get(name).unwrap_or(&unknown);
        let removed = wanted.versions.iter().any(|(_, priority)| *priority == -1)
            && wanted.installed.is_none();
        let wanted = if removed {
            Policy { versions: ours.versions.clone(), ..wanted.clone() }
        } else {
            wanted.clone()
        };
        assert_eq!(ours, wanted, "{machine}: {name}");
    }
    names.len()
}
