//! Looking up rows, offers, relations and records.

use std::collections::BTreeSet;

use omg_core::RelationKind;
use omg_index::{Index, RowId, unpack};
use proptest::prelude::*;

use crate::sample::{Sample, build, index, package};

#[test]
fn a_row_says_what_was_put_in() {
    let mut vim = package("vim", "editors", "Vi IMproved");
    vim.depends = vec!["libc6".into(), "vim-common".into()];
    vim.provides = vec!["editor".into()];
    let built = build(&[vim.clone(), package("libc6", "libs", "C library")]);
    let index = Index::open(built.image).unwrap();
    let id = index.find("vim").next().unwrap();
    let row = index.row(id).unwrap();
    assert_eq!(
        (row.name, row.architecture, row.description, row.section),
        ("vim", "amd64", "Vi IMproved", "editors")
    );
    assert_eq!(
        (row.version, row.repository, row.security, row.candidate),
        ("1.0", "stable/main", false, Some(1))
    );
    assert_eq!((row.download_size, row.installed_size), (7, 1 << 40));
    let offers: Vec<(&str, &str, bool)> =
        index.offers(id).map(|offer| (offer.version, offer.repository, offer.security)).collect();
    assert_eq!(offers, [("2.0", "security/main", true), ("1.0", "stable/main", false)]);
    let record = index.offers(id).next().unwrap().record;
    let block = unpack(&built.records[record.block as usize]).unwrap();
    assert_eq!(block.get(record), Some("Package: vim\nDescription: Vi IMproved\n"));
    let relations: Vec<(RelationKind, &str)> = index.relations(id).collect();
    assert_eq!(
        relations,
        [(RelationKind::Depends, "libc6"), (RelationKind::Depends, "vim-common")]
    );
    assert_eq!(index.providers("editor").collect::<Vec<_>>(), [id]);
    assert_eq!(index.dependents("vim-common").collect::<Vec<_>>(), [(id, RelationKind::Depends)]);
    assert!(index.row(RowId(2)).is_none() && index.offers(RowId(2)).next().is_none());
    assert!(index.find("vi").next().is_none() && index.row(RowId(u32::MAX)).is_none());
}

#[test]
fn an_empty_catalogue_is_an_index() {
    let index = index(&[]);
    assert!(
        index.is_empty() && index.find("").next().is_none() && index.suggest("vim", 3).is_empty()
    );
}

#[test]
fn repeated_and_nameless_packages_are_reported() {
    let built =
        build(&[package("a", "", "first"), package("a", "", "second"), package("", "", "")]);
    assert_eq!(built.warnings.len(), 2);
    let index = Index::open(built.image).unwrap();
    assert_eq!(index.row(RowId(0)).unwrap().description, "first");
    assert_eq!(index.len(), 1);
}

#[test]
fn equal_catalogues_give_equal_bytes() {
    let samples: Vec<Sample> = (0..500)
        .map(|n| package(&format!("package{}", n * 7919 % 500), "utils", "some words"))
        .collect();
    let (one, two) = (build(&samples), build(&samples));
    assert!(one.image == two.image && one.records == two.records);
}

fn sample() -> impl Strategy<Value = Sample> {
    let name = "[a-c]{1,3}(-[a-c]{1,3})?";
    let names = || prop::collection::vec(name, 0..4);
    (name, prop::sample::select(vec!["amd64", "i386", "all"]), names(), names()).prop_map(
        |(name, architecture, depends, provides)| Sample {
            architecture,
            depends,
            provides,
            ..package(&name, "utils", "")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lookups_equal_those_of_a_list(samples in prop::collection::vec(sample(), 0..40), name in "[a-c]{1,3}") {
        let index = index(&samples);
        let mut kept: Vec<&Sample> = Vec::new();
        for sample in &samples {
            let known = |other: &&Sample| (&other.name, other.architecture) == (&sample.name, sample.architecture);
            if !kept.iter().any(known) {
                kept.push(sample);
            }
        }
        let described = |ids: Vec<RowId>| -> BTreeSet<(String, String)> {
            ids.into_iter()
                .filter_map(|id| index.row(id))
                .map(|row| (row.name.to_owned(), row.architecture.to_owned()))
                .collect()
        };
        let expected = |holds: &dyn Fn(&Sample) -> bool| -> BTreeSet<(String, String)> {
            let kept = kept.iter().filter(|sample| holds(sample));
            kept.map(|sample| (sample.name.clone(), sample.architecture.to_owned())).collect()
        };
        prop_assert_eq!(index.len(), kept.len());
        prop_assert_eq!(described(index.find(&name).collect()), expected(&|it| it.name == name));
        prop_assert_eq!(described(index.providers(&name).collect()), expected(&|it| it.provides.contains(&name)));
        let dependents = index.dependents(&name).map(|(id, _)| id).collect();
        prop_assert_eq!(described(dependents), expected(&|it| it.depends.contains(&name)));
        let all: Vec<&str> = (0..kept.len() as u32).map(|id| index.row(RowId(id)).unwrap().name).collect();
        prop_assert!(all.is_sorted());
    }
}
