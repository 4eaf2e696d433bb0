//! What is installed, against dpkg-query, apt-mark and apt-get.

use std::collections::BTreeSet;

use omg_backend_dpkg::status::{self, Settings};
use omg_core::{Installed, InstalledPackage, PackageState};

use crate::oracle;

/// The name as apt prints it: with the architecture if it is a foreign one.
fn full_name(package: &InstalledPackage, settings: &Settings) -> String {
    if [&*settings.native, "all"].contains(&&*package.architecture) {
        package.name.to_string()
    } else {
        format!("{}:{}", package.name, package.architecture)
    }
}

fn host() -> Option<(Settings, Installed)> {
    let settings = oracle::host_settings()?;
    let installed = status::read(&settings).unwrap();
    assert_eq!(installed.warnings, [""; 0]);
    Some((settings, installed))
}

#[test]
fn packages_are_those_of_dpkg_query() {
    let Some((_, installed)) = host() else { return };
    let format = "-f=${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\t${db:Status-Want}\t${Installed-Size}\t${Section}\t${Essential}\t${binary:Summary}\n";
    let Some(wanted) = oracle::run("dpkg-query", &["-W", format]) else { return };
    let mut have: Vec<String> = Vec::new();
    for package in &installed.packages {
        let record = installed.record(package);
        assert!(record.starts_with(&format!("Package: {}\n", package.name)));
        let state = match package.state {
            PackageState::Installed => "installed",
            PackageState::ConfigFiles => "config-files",
            PackageState::Partial => "partial",
        };
        let held = if package.held { "hold" } else { "" };
        let size = package.installed_size / 1024;
        let essential = if package.essential { "yes" } else { "" };
        have.push(format!(
            "{}\t{}\t{}\t{state}\t{held}\t{size}\t{}\t{essential}\t{}",
            package.name,
            package.version,
            package.architecture,
            package.section,
            package.description
        ));
    }
    let wanted: Vec<String> = wanted
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split('\t').collect();
            if !["installed", "config-files"].contains(&fields[3]) {
                fields[3] = "partial";
            }
            if fields[4] != "hold" {
                fields[4] = "";
            }
            if fields[5].is_empty() {
                fields[5] = "0";
            }
            if fields[7] == "no" {
                fields[7] = "";
            }
            fields[8] = fields[8].trim_end();
            fields.join("\t")
        })
        .collect();
    assert_eq!(have.len(), wanted.len());
    oracle::assert_same(have, wanted, "packages");
}

#[test]
fn explicit_packages_are_those_of_apt_mark() {
    let Some((settings, installed)) = host() else { return };
    let Some(wanted) = oracle::run("apt-mark", &["showmanual"]) else { return };
    let have: BTreeSet<String> = installed
        .present()
        .filter(|package| !package.automatic)
        .map(|package| full_name(package, &settings))
        .collect();
    oracle::assert_same(have, wanted.lines().map(str::to_owned), "explicit");
}

#[test]
fn orphans_are_those_of_autoremove() {
    let Some((settings, installed)) = host() else { return };
    let Some(plan) = oracle::run("apt-get", &["-s", "autoremove"]) else { return };
    let have: BTreeSet<String> = installed
        .packages
        .iter()
        .filter(|package| package.orphan)
        .map(|package| full_name(package, &settings))
        .collect();
    oracle::assert_same(have, removed(&plan), "orphans");
}

/// The packages that a simulated run of apt-get would remove.
fn removed(plan: &str) -> Vec<String> {
    plan.lines()
        .filter_map(|line| line.strip_prefix("Remv ")?.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn orphans_are_those_of_autoremove_when_more_is_automatic() {
    let Some((mut settings, installed)) = host() else { return };
    let dir = tempfile::tempdir().unwrap();
    let states = dir.path().join("extended_states");
    let suggests = settings.autoremove.suggests;
    // apt takes priorities from the archive if it offers the same version: those that dpkg alone
    // calls required may be removed by apt.
    let is_required = |installed: &Installed, package: &InstalledPackage| {
        installed.record(package).contains("\nPriority: required\n")
    };
    // Every few packages marked automatic in turn, and apt told not to follow suggestions or told to.
    for (every, offset, follow) in
        [(1, 0, suggests), (1, 0, true), (2, 0, false), (3, 1, true), (5, 2, false)]
    {
        let marks: String = installed
            .present()
            .enumerate()
            .filter(|(at, package)| {
                (package.automatic || at % every == offset) && !is_required(&installed, package)
            })
            .map(|(_, package)| {
                let architecture = settings_arch(package, &settings);
                format!(
                    "Package: {}\nArchitecture: {architecture}\nAuto-Installed: 1\n\n",
                    package.name
                )
            })
            .collect();
        std::fs::write(&states, marks).unwrap();
        settings.extended_states.clone_from(&states);
        settings.autoremove.suggests = follow;
        let found = status::read(&settings).unwrap();
        let place = format!("Dir::State::extended_states={}", states.display());
        let follow = format!("APT::AutoRemove::SuggestsImportant={follow}");
        let Some(plan) = oracle::run("apt-get", &["-s", "-o", &place, "-o", &follow, "autoremove"])
        else {
            return;
        };
        let have: Vec<String> = found
            .packages
            .iter()
            .filter(|package| package.orphan)
            .map(|package| full_name(package, &settings))
            .collect();
        println!("{} orphans, every {every}", have.len());
        oracle::assert_same(have, removed(&plan), &format!("every {every}"));
    }
}

fn settings_arch<'a>(package: &'a InstalledPackage, settings: &'a Settings) -> &'a str {
    if &*package.architecture == "all" { &settings.native } else { &package.architecture }
}
