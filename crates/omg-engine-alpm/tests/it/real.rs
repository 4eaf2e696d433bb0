//! A root that pacman itself made, of real packages; and removals that it really carries out.

use std::collections::BTreeSet;
use std::fs;

use omg_core::{Action, Change, Operation};
use omg_engine::Planner;

use crate::era;
use crate::oracle::{self, compare, pacman};
use crate::random::Random;
use crate::root::Root;

/// Some of December 2017, small ones: the first are installed for others.
const PACKAGES: [&str; 16] = [
    "attr-2.4.47-3-x86_64",
    "acl-2.2.52-4-x86_64",
    "libcap-2.25-1-x86_64",
    "popt-1.16-9-x86_64",
    "readline-7.0.003-1-x86_64",
    "zlib-1:1.2.11-2-x86_64",
    "bzip2-1.0.6-6-x86_64",
    "xz-5.2.3-1-x86_64",
    "licenses-20171006-1-any",
    "iana-etc-20170824-1-any",
    "rsync-3.1.2-8-x86_64",
    "sed-4.4-1-x86_64",
    "which-2.21-2-x86_64",
    "less-487-1-x86_64",
    "gzip-1.8-2-x86_64",
    "bc-1.07.1-1-x86_64",
];

fn made_by_pacman() -> Option<Root> {
    if !oracle::available() {
        return None;
    }
    let directory = era::data("arch/signed-2017-12")?;
    let root = Root::new(&["core", "extra"], "");
    for name in ["core", "extra"] {
        let to = root.database().join(format!("sync/{name}.db"));
        fs::copy(directory.join(format!("{name}.db")), to).unwrap();
    }
    let files: Vec<String> = PACKAGES
        .iter()
        .map(|name| directory.join(format!("{name}.pkg.tar.xz")).display().to_string())
        .collect();
    for (files, more) in [(&files[..10], &["--asdeps"][..]), (&files[10..], &[])] {
        // What they depend on is larger than all of them; it is not there on purpose.
        let mut arguments = vec!["-U", "-dd", "--noscriptlet"];
        arguments.extend(more);
        arguments.extend(files.iter().map(String::as_str));
        let ran = pacman(&root, &arguments);
        assert!(ran.success, "{}{}", ran.stdout, ran.stderr);
    }
    Some(root)
}

#[test]
fn a_root_made_by_pacman_is_planned_as_pacman_would() {
    let Some(root) = made_by_pacman() else { return };
    let mut planner = root.planner();
    let mut done = 0;
    for name in PACKAGES.map(|file| file.rsplitn(4, '-').last().unwrap()) {
        for recursive in [false, true] {
            let mut change = Change::new(Operation::Remove, [name]);
            change.options.recursive = recursive;
            compare(&root, &mut planner, &change).unwrap();
            done += usize::from(planner.resolve(&change).is_ok());
        }
        for reinstall in [false, true] {
            let mut change = Change::new(Operation::Install, [name]);
            change.options.reinstall = reinstall;
            compare(&root, &mut planner, &change).unwrap();
        }
    }
    assert!(done >= 6, "only {done} could be removed");
    compare(&root, &mut planner, &Change::new(Operation::Upgrade, [""; 0])).unwrap();
    let file = era::data("arch/signed-2017-12/patch-2.7.5-1-x86_64.pkg.tar.xz").unwrap();
    compare(&root, &mut planner, &Change::new(Operation::Install, [file.to_str().unwrap()]))
        .unwrap();
}

/// Has pacman remove what nothing needs until it finds no more: names of what went.
fn swept(root: &Root) -> Option<BTreeSet<String>> {
    let installed = |root: &Root| -> BTreeSet<String> {
        pacman(root, &["-Qq"]).stdout.lines().map(str::to_owned).collect()
    };
    let before = installed(root);
    loop {
        let orphans = pacman(root, &["-Qdtq"]).stdout;
        let orphans: Vec<&str> = orphans.lines().collect();
        if orphans.is_empty() {
            return Some(&before - &installed(root));
        }
        let ran = pacman(root, &[&["-Rs", "--dbonly"][..], &orphans].concat());
        if !ran.success {
            return None;
        }
    }
}

fn sweep_equals(root: &Root) -> usize {
    let plan = root.planner().plan(&Change::new(Operation::Autoremove, [""; 0]));
    let Some(theirs) = swept(root) else {
        plan.unwrap_err();
        return 0;
    };
    let plan = plan.unwrap();
    assert!(plan.changes.iter().all(|change| change.action == Action::Remove));
    assert!(plan.changes.iter().all(|change| change.reason == omg_core::Reason::Unneeded));
    assert!(plan.unneeded.is_empty(), "{:?}", plan.unneeded);
    let ours: BTreeSet<String> = plan.changes.into_iter().map(|change| change.name).collect();
    assert_eq!(ours, theirs);
    assert!(root.planner().plan(&Change::new(Operation::Autoremove, [""; 0])).unwrap().is_empty());
    ours.len()
}

#[test]
fn what_pacman_sweeps_out_is_what_was_planned() {
    let Some(root) = made_by_pacman() else { return };
    assert!(sweep_equals(&root) >= 2);
    let Some(era) = era::of_2022() else { return };
    let mut random = Random(11);
    let mut gone = 0;
    for _ in 0..8 {
        let root = era.root(3, "");
        let seeds: Vec<usize> = (0..4).map(|_| random.below(era.packages.len())).collect();
        for at in era.closure(&seeds) {
            // Some that were asked for no longer are, so what they need goes with them.
            let automatic = !seeds.contains(&at) || random.percent(60);
            root.install(&era.packages[at].1, automatic);
        }
        gone += sweep_equals(&root);
    }
    assert!(gone > 50, "only {gone} went");
}
