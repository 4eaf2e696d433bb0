//! Owners and lists of files, against `dpkg -S` and `dpkg -L`.

use std::collections::BTreeSet;
use std::path::Path;

use omg_backend_dpkg::files::{self, Cache};
use omg_backend_dpkg::status;
use omg_core::FileOrigin;

use crate::oracle;

const ADMIN: &str = "/var/lib/dpkg";

/// `package path` for each owner that `dpkg -S` prints.
fn ask_dpkg(queries: &[&str]) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for some in queries.chunks(200) {
        let mut arguments = vec!["-S", "--"];
        arguments.extend(some);
        for line in oracle::run("dpkg-query", &arguments)?.lines() {
            let Some((packages, path)) = line.split_once(": ") else { continue };
            if !packages.contains("diversion") {
                for package in packages.split(", ") {
                    all.insert(format!("{} {path}", package.split(':').next().unwrap_or("")));
                }
            }
        }
    }
    Some(all)
}

#[test]
fn owners_are_those_of_dpkg() {
    let Some(settings) = oracle::host_settings() else { return };
    let installed = status::read(&settings).unwrap();
    let lists = Cache::default().lists(Path::new(ADMIN), &installed).unwrap();
    assert_eq!(lists.warnings(), [""; 0]);
    let mut paths: Vec<String> = Vec::new();
    for package in installed.packages.iter().step_by(3) {
        let all =
            files::list(Path::new(ADMIN), &package.name, &package.architecture).unwrap_or_default();
        paths.extend(all.iter().step_by(all.len().max(4) / 4).take(4).cloned());
    }
    let mut queries: Vec<&str> = paths.iter().map(String::as_str).collect();
    queries.extend([
        "/",
        "/.",
        "/bin",
        "/bin/",
        "/usr/bin/./",
        "/bin/sh",
        "/bin/sh.distrib",
        "/etc",
        "/does/not/exist",
        "bin/ls",
        "ls",
        "*/bin/z*",
        "/usr/bin/?z",
        "/usr/bin/[a-c]*",
        "/etc/*.conf",
        "[/]etc/*",
        "libc.so",
        "*.so.?",
        "\\*",
        "/usr/bin/perf",
        "/usr/share/doc/*/copyright",
        "?usr?bin?[!a-y]*",
    ]);
    assert!(queries.len() > 300, "{}", queries.len());
    let Some(wanted) = ask_dpkg(&queries) else { return };
    let mut have = BTreeSet::new();
    for query in &queries {
        let found = lists.owners(query);
        let installed = found.iter().filter(|one| one.origin == FileOrigin::Installed);
        have.extend(installed.map(|one| format!("{} {}", one.package, one.path)));
    }
    println!("{} queries, {} owners, {} bytes of lists", queries.len(), have.len(), lists.bytes());
    oracle::assert_same(have, wanted, "owners");
}

#[test]
fn lists_are_those_of_dpkg() {
    let Some(settings) = oracle::host_settings() else { return };
    let installed = status::read(&settings).unwrap();
    for package in installed.present().step_by(25) {
        let name = format!("{}:{}", package.name, package.architecture);
        let Some(text) = oracle::run("dpkg-query", &["-L", &name]) else { return };
        let wanted: Vec<&str> = text.lines().filter(|line| line.starts_with('/')).collect();
        assert_eq!(
            files::list(Path::new(ADMIN), &package.name, &package.architecture).unwrap(),
            wanted,
            "{name}"
        );
        let time = files::installed_at(Path::new(ADMIN), &package.name, &package.architecture);
        assert!(time.is_some(), "{name}");
    }
}

#[test]
fn commands_are_found_by_their_name() {
    let Some(settings) = oracle::host_settings() else { return };
    let installed = status::read(&settings).unwrap();
    let lists = Cache::default().lists(Path::new(ADMIN), &installed).unwrap();
    let found = lists.commands("dpkg-query");
    assert!(
        found
            .iter()
            .any(|one| one.package == "dpkg"
                && one.architecture.as_deref() == Some(&settings.native))
    );
}
