//! Local databases drawn at random, against what pacman makes of their dependencies.

use std::collections::BTreeSet;

use omg_backend::PackageManager as _;
use omg_backend_alpm::Alpm;
use omg_core::RelationKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::roots::{self, Root};

/// Packages, by the parts of their records.
#[derive(Debug, Clone)]
struct Drawn {
    version: String,
    reason: u8,
    depends: Vec<String>,
    optional: Vec<String>,
    provides: Vec<String>,
}

const VERSIONS: [&str; 6] = ["1", "1.0", "1-1", "2", "1:0.5", "1.0rc"];

fn version() -> impl Strategy<Value = String> {
    prop::sample::select(&VERSIONS[..]).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    (0..14_u32).prop_map(|number| format!("p{number}"))
}

fn relation() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(&["<", "<=", "=", ">=", ">"][..]);
    let bound = prop::option::of((sign, version()));
    (name(), bound).prop_map(|(name, bound)| match bound {
        Some((sign, version)) => format!("{name}{sign}{version}"),
        None => name,
    })
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let relations = || prop::collection::vec(relation(), 0..4);
    let optional = prop::collection::vec(relation().prop_map(|it| it + ": for x"), 0..2);
    let provision = (name(), prop::option::of(version()));
    let provision = provision.prop_map(|(name, version)| match version {
        Some(version) => format!("{name}={version}"),
        None => name,
    });
    let provides = prop::collection::vec(provision, 0..3);
    let version = (version(), 1..3_u8)
        .prop_map(|(version, release)| format!("{}-{release}", version.replace("-1", "")));
    (version, 0..2_u8, relations(), optional, provides).prop_map(
        |(version, reason, depends, optional, provides)| Drawn {
            version,
            reason,
            depends,
            optional,
            provides,
        },
    )
}

fn system(packages: &[Drawn]) -> Root {
    let root = Root::new("", &[]);
    for (number, package) in packages.iter().enumerate() {
        let mut desc = String::new();
        if package.reason == 1 {
            desc += "%REASON%\n1\n\n";
        }
        let lists = [
            ("DEPENDS", &package.depends),
            ("OPTDEPENDS", &package.optional),
            ("PROVIDES", &package.provides),
        ];
        for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
            desc += &format!("%{name}%\n{}\n\n", list.join("\n"));
        }
        root.entry(&format!("p{number}"), &package.version, &desc);
    }
    root
}

/// `-Qdt`, and who requires whom of `-Qi`.
fn compare(packages: &[Drawn]) {
    let root = system(packages);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let installed = runtime.block_on(Alpm::open(root.path()).unwrap().installed()).unwrap();
    assert_eq!(installed.warnings, [""; 0]);
    let orphans = installed.packages.iter().filter(|package| package.orphan);
    let orphans: BTreeSet<String> = orphans.map(|package| package.name.to_string()).collect();
    assert_eq!(orphans, root.lines(&["-Qdtq"]), "{packages:?}");
    let said = root.pacman(&["-Qi"]);
    let mut number = 0;
    for line in said.lines() {
        let (field, value) = line.split_once(" : ").unwrap_or((line, ""));
        let kind = match field.trim() {
            "Name" => {
                number = installed.packages.partition_point(|package| &*package.name < value);
                continue;
            }
            "Required By" => RelationKind::Depends,
            "Optional For" => RelationKind::Suggests,
            _ => continue,
        };
        let edges = installed.edges.iter();
        let edges = edges.filter(|edge| edge.to as usize == number && edge.kind == kind);
        let have: BTreeSet<&str> =
            edges.map(|edge| &*installed.packages[edge.from as usize].name).collect();
        let own = &*installed.packages[number].name;
        // Of what a package needs of itself there is no edge.
        let wanted = value.split_whitespace().filter(|name| *name != "None" && *name != own);
        assert_eq!(have, wanted.collect(), "{field} of {own} in {packages:?}");
    }
}

#[test]
fn dependencies_are_satisfied_as_pacman_has_it() {
    if !roots::programs(&["pacman"]) {
        return;
    }
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(drawn(), 14), |packages| {
            compare(&packages);
            Ok(())
        })
        .unwrap();
}

#[test]
fn damaged_entries_are_told_and_the_rest_is_what_pacman_lists() {
    if !roots::programs(&["pacman"]) {
        return;
    }
    let root = Root::new("", &[]);
    for name in ["good", "fine"] {
        root.entry(name, "1-1", "");
    }
    for entry in ["cut-1-1", "-x-1-1", "x"] {
        std::fs::create_dir(root.local().join(entry)).unwrap();
    }
    std::fs::write(root.local().join("cut-1-1/desc"), "%NAME%\ncut\n\n%VER").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let installed = runtime.block_on(Alpm::open(root.path()).unwrap().installed()).unwrap();
    let have: BTreeSet<String> =
        installed.packages.iter().map(|package| package.name.to_string()).collect();
    assert_eq!(installed.warnings.len(), 3);
    // pacman lists what it knows only the directory of, too.
    let said = root.lines(&["-Qq"]);
    assert!(have.is_subset(&said) && said.contains("cut"), "{said:?}");
}
