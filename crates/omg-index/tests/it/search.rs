//! What searches find, and in which order.

use std::collections::BTreeSet;

use omg_index::{Hit, Index, Marks, RowId};
use proptest::prelude::*;

use crate::sample::{Sample, index, names, package};

fn catalogue() -> Vec<Sample> {
    let mut apache = package("apache2", "httpd", "Apache HTTP Server");
    apache.provides = vec!["httpd".into()];
    let mut evince = package("evince", "gnome", "Document (PostScript, PDF) viewer");
    evince.provides = vec!["pdf-viewer".into()];
    vec![
        apache,
        evince,
        package("ripgrep", "utils", "Recursively searches directories for a regex pattern"),
        package("chromium", "web", "web browser"),
        package("chromium-l10n", "localization", "web browser - language packs"),
        package("postgresql", "database", "object-relational SQL database (supported version)"),
        package("nodejs", "web", "event-based server-side javascript engine"),
        package("libssl-dev", "libdevel", "Secure Sockets Layer toolkit - development files"),
        package("libssl3", "libs", "Secure Sockets Layer toolkit - shared libraries"),
        package("openssl", "utils", "Secure Sockets Layer toolkit - cryptographic utility"),
        package("python3-requests", "python", "elegant and simple HTTP library for Python3"),
        package("jq", "utils", "lightweight and flexible command-line JSON processor"),
        package("vim", "editors", "Vi IMproved - enhanced vi editor"),
        package("vim-gtk3", "editors", "Vi IMproved - with GTK3 GUI"),
        package("neovim", "editors", "heavily refactored vim fork"),
        package("docker.io", "admin", "Linux container runtime"),
        package(
            "docker-compose",
            "admin",
            "Punctual, lightweight development environments using Docker",
        ),
        package("g++", "devel", "GNU C++ compiler"),
        package("café-tools", "utils", "Outils du CAFÉ"),
    ]
}

#[test]
fn people_find_what_they_mean() {
    let index = index(&catalogue());
    for (query, wanted) in [
        ("vim", "vim"),
        ("VIM", "vim"),
        ("ripgrp", "ripgrep"),
        ("chromum", "chromium"),
        ("postgrsql", "postgresql"),
        ("node", "nodejs"),
        ("libssl dev", "libssl-dev"),
        ("dev libssl", "libssl-dev"),
        ("python requests", "python3-requests"),
        ("requests", "python3-requests"),
        ("json processor", "jq"),
        ("json procesor", "jq"),
        ("web server", "apache2"),
        ("httpd", "apache2"),
        ("pdf viewer", "evince"),
        ("pdf reader", "evince"),
        ("docker", "docker.io"),
        ("docker compose", "docker-compose"),
        ("web browser", "chromium"),
        ("c++", "g++"),
        ("CAFE\u{301}", "café-tools"),
        ("enhanced editor nonsense", "vim"),
    ] {
        assert_eq!(names(&index, query).first().map(String::as_str), Some(wanted), "{query}");
    }
    assert_eq!(names(&index, "vi"), ["vim", "vim-gtk3"]);
    assert!(names(&index, "").is_empty() && names(&index, " \t").is_empty());
    assert!(names(&index, "qqqzzzqqq").is_empty());
}

#[test]
fn misspelt_names_get_suggestions() {
    let index = index(&catalogue());
    assert_eq!(index.suggest("ripgrp", 3), ["ripgrep"]);
    assert_eq!(index.suggest("dockerio", 1), ["docker.io"]);
    assert_eq!(index.suggest("vmi", 1), ["vim"]);
    assert!(index.suggest("", 3).is_empty() && index.suggest("xy", 3).is_empty());
}

#[test]
fn loose_answers_say_so() {
    let index = index(&catalogue());
    let loose = |query: &str| index.search(query, None, &Marks::default()).loose;
    assert!(!loose("vim") && !loose("json processor"));
    assert!(loose("ripgrp") && loose("json procesor") && loose("enhanced editor nonsense"));
}

#[test]
fn limit_and_total() {
    let index = index(&catalogue());
    let all = index.search("vim", None, &Marks::default());
    let two = index.search("vim", Some(2), &Marks::default());
    assert_eq!((two.total, &two.hits[..]), (all.total, &all.hits[..2]));
    assert_eq!(index.search("vim", Some(0), &Marks::default()).total, all.total);
}

#[test]
fn one_row_stands_for_all_architectures_but_installed_ones() {
    let foreign = Sample { architecture: "i386", ..package("vim", "editors", "Vi IMproved") };
    let index = index(&[catalogue(), vec![foreign]].concat());
    let mut marks = Marks::new(index.len());
    assert_eq!(
        index
            .search("vim", None, &marks)
            .hits
            .iter()
            .filter(|hit| is(&index, **hit, "vim"))
            .count(),
        1
    );
    let rows: Vec<RowId> = index.find("vim").collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(index.row(rows[0]).unwrap().architecture, "amd64");
    marks.set(rows[1]);
    let hits = index.search("vim", None, &marks).hits;
    assert_eq!(hits[0].row, rows[1], "installed comes first");
    assert_eq!(hits[1].row, rows[0]);
}

fn is(index: &Index, hit: Hit, name: &str) -> bool {
    index.row(hit.row).is_some_and(|row| row.name == name)
}

#[test]
fn scores_of_two_indexes_compare() {
    let samples = catalogue();
    let whole = index(&samples);
    let (one, two): (Vec<_>, Vec<_>) =
        samples.iter().cloned().enumerate().partition(|(at, _)| at % 3 == 0);
    let part =
        |part: Vec<(usize, Sample)>| index(&part.into_iter().map(|(_, it)| it).collect::<Vec<_>>());
    let (one, two) = (part(one), part(two));
    for query in ["vim", "libssl", "docker", "web browser", "toolkit"] {
        let scored = |index: &Index| -> Vec<(u32, String)> {
            let hits = index.search(query, None, &Marks::default());
            let hits = hits.hits.iter().filter(|_| !hits.loose);
            hits.map(|hit| (hit.score, index.row(hit.row).unwrap().name.to_owned())).collect()
        };
        let merged: BTreeSet<_> =
            scored(&one).into_iter().chain(scored(&two)).map(|(_, name)| name).collect();
        let expected: BTreeSet<_> = scored(&whole).into_iter().map(|(_, name)| name).collect();
        assert!(merged.is_superset(&expected), "{query}");
        let best = scored(&one).into_iter().chain(scored(&two)).max().map(|(_, name)| name);
        assert_eq!(best, scored(&whole).into_iter().max().map(|(_, name)| name), "{query}");
    }
}

#[test]
fn threads_may_search_at_once() {
    let index = index(&catalogue());
    let expected = names(&index, "vim");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..200).for_each(|_| assert_eq!(names(&index, "vim"), expected)));
        }
    });
}

fn sample() -> impl Strategy<Value = Sample> {
    ("[a-d]{1,4}(-[a-d]{1,4})?", "[a-d]{1,5}( [a-d]{1,5}){0,3}")
        .prop_map(|(name, description)| package(&name, "utils", &description))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn matches_equal_those_of_a_scan(samples in prop::collection::vec(sample(), 0..60), word in "[a-d]{1,5}") {
        let index = index(&samples);
        let found: BTreeSet<String> = names(&index, &word).into_iter().collect();
        let mut seen = BTreeSet::new();
        // The first of packages with one name is kept.
        let kept: Vec<&Sample> = samples.iter().filter(|sample| seen.insert(sample.name.clone())).collect();
        for sample in kept {
            let in_description = match word.len() {
                0..=2 => false,
                3 => sample.description.split(' ').any(|it| it.starts_with(&word)),
                _ => sample.description.contains(&word),
            };
            let in_name = if word.len() <= 2 { sample.name.starts_with(&word) } else { sample.name.contains(&word) };
            let meant = in_name || in_description;
            if word.len() <= 2 {
                prop_assert_eq!(found.contains(&sample.name), meant, "{} in {:?}", word, sample);
            } else {
                prop_assert!(!meant || found.contains(&sample.name), "{} in {:?}", word, sample);
            }
        }
        let exact = samples.iter().any(|sample| sample.name == word);
        prop_assert!(!exact || names(&index, &word).first() == Some(&word));
    }

    #[test]
    fn all_words_in_any_order(samples in prop::collection::vec(sample(), 0..40), one in "[a-d]{4,5}", two in "[a-d]{4,5}") {
        let index = index(&samples);
        let set = |query: String| names(&index, &query).into_iter().collect::<BTreeSet<String>>();
        prop_assert_eq!(set(format!("{one} {two}")), set(format!("{two} {one}")));
    }

    #[test]
    fn no_query_panics(query in any::<String>(), limit in prop::option::of(0_usize..5)) {
        let index = index(&catalogue());
        let hits = index.search(&query, limit, &Marks::default());
        prop_assert!(hits.hits.len() <= limit.unwrap_or(usize::MAX));
        prop_assert!(hits.hits.is_sorted_by_key(|hit| std::cmp::Reverse(hit.score)));
        index.suggest(&query, 5);
    }

    #[test]
    fn no_odd_query_panics(query in "[a-z0-9 .+_s-]{0,4096}") {
        let index = index(&catalogue());
        index.search(&query, Some(3), &Marks::default());
        index.suggest(&query, 5);
    }
}
