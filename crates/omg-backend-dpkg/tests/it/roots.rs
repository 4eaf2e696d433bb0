//! Status files of other real machines, and broken ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use omg_backend_dpkg::status::{self, Settings};
use omg_core::{Installed, PackageState};

use crate::oracle;

/// Every root of the archive: its directory and its status file.
fn roots(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    let mut roots: Vec<PathBuf> =
        entries.filter(|path| path.join("var/lib/dpkg/status").is_file()).collect();
    roots.sort();
    roots
}

fn described(installed: &Installed) -> BTreeSet<String> {
    let all = installed.packages.iter().map(|package| {
        let state = match package.state {
            PackageState::Installed => "installed",
            PackageState::ConfigFiles => "config-files",
            PackageState::Partial => "partial",
        };
        format!("{} {} {state}", package.name, package.version)
    });
    all.collect()
}

#[test]
fn every_package_of_other_machines_is_read() {
    let Some(dir) = oracle::unpack("debian/roots.tar.gz") else { return };
    let roots = roots(dir.path());
    assert!(roots.len() >= 5, "{roots:?}");
    for root in roots {
        let settings = Settings::new(&root, "amd64");
        let installed = status::read(&settings).unwrap();
        assert_eq!(installed.warnings, [""; 0], "{}", root.display());
        let stanzas = fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap();
        let stanzas = stanzas.lines().filter(|line| line.starts_with("Package: ")).count();
        println!(
            "{}: {} of {stanzas}, {} edges",
            root.display(),
            installed.packages.len(),
            installed.edges.len()
        );
        assert!(installed.packages.len() > 100 && installed.packages.len() <= stanzas);
        compare_with_dpkg(&root, &installed);
    }
}

fn compare_with_dpkg(root: &Path, installed: &Installed) {
    let admin = root.join("var/lib/dpkg");
    let admin = format!("--admindir={}", admin.display());
    let format = "-f=${Package} ${Version} ${db:Status-Status}\n";
    let Some(text) = oracle::run("dpkg-query", &[&admin, "-W", format]) else { return };
    if text.is_empty() {
        println!("skipped: dpkg-query can't read {}", root.display());
        return;
    }
    let wanted = text.lines().map(|line| {
        let (start, state) = line.rsplit_once(' ').unwrap_or((line, ""));
        let state = if ["installed", "config-files"].contains(&state) { state } else { "partial" };
        format!("{start} {state}")
    });
    oracle::assert_same(described(installed), wanted, &root.display().to_string());
}
