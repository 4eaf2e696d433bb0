//! This machine, every installed package of it.

use std::collections::BTreeSet;
use std::path::Path;

use super::{System, read_policy};
use crate::oracle::run;

fn native() -> Option<String> {
    Some(run("dpkg", &["--print-architecture"])?.trim().to_owned())
}

#[tokio::test]
async fn candidates_are_those_of_apt_cache() {
    let Some(native) = native() else { return };
    let system = System::open(Path::new("/"), &native).await;
    let mut names: BTreeSet<String> = BTreeSet::new();
    for package in system.installed.present() {
        let foreign = &*package.architecture != "all" && *package.architecture != *native;
        names.insert(if foreign {
            format!("{}:{}", package.name, package.architecture)
        } else {
            package.name.to_string()
        });
    }
    let some = (system.catalogue.rows.len() / 2000).max(1);
    names.extend(system.catalogue.rows.keys().step_by(some).cloned());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut compared = 0;
    for part in names.chunks(2000) {
        let arguments: Vec<&str> = ["policy"].into_iter().chain(part.iter().copied()).collect();
        let Some(text) = run("apt-cache", &arguments) else { return };
        for (name, theirs) in read_policy(&text) {
            compared += 1;
            let ours = system.policy(&name);
            let theirs = if theirs.installed.is_none()
                && theirs.versions.iter().any(|(_, priority)| *priority == -1)
            {
                // A removed package's version, which apt lists and never installs.
                super::Policy { versions: ours.versions.clone(), ..theirs }
            } else {
                theirs
            };
            assert_eq!(ours, theirs, "{name}");
        }
    }
    println!("{compared} packages compared");
    assert!(compared >= names.len(), "{compared} of {}", names.len());
}

#[tokio::test]
async fn upgradable_packages_are_those_of_apt_list() {
    let Some(native) = native() else { return };
    let Some(text) = run("apt", &["list", "--upgradable"]) else { return };
    let theirs: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once('/')?;
            Some((name.to_owned(), rest.split_whitespace().nth(1)?.to_owned()))
        })
        .collect();
    let system = System::open(Path::new("/"), &native).await;
    let ours: BTreeSet<(String, String)> = system
        .installed
        .present()
        .filter_map(|package| {
            let policy = system.policy(&package.name);
            let candidate = policy.candidate?;
            omg_backend_dpkg::version::compare(&candidate, policy.installed.as_deref()?)
                .is_gt()
                .then(|| (package.name.to_string(), candidate))
        })
        .collect();
    println!("{} upgradable", ours.len());
    assert_eq!(ours, theirs);
}
