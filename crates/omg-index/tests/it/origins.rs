//! Names that several kinds of origin have, and what the AUR knows.

use omg_core::{AurFacts, Available, Offer, Priority, Repository, RepositoryId, Sink, Source};
use omg_index::{Builder, Index, Marks, RowId};
use proptest::prelude::*;

const SOURCES: [Source; 2] = [Source::Alpm, Source::Aur];

fn facts(votes: u32) -> AurFacts<'static> {
    AurFacts {
        package_base: "yay-all",
        maintainer: Some("jguer"),
        votes,
        popularity: 25_300_000,
        first_submitted: 1_475_688_004,
        last_modified: 1_662_000_000,
        out_of_date: None,
    }
}

fn builder() -> (Builder, [RepositoryId; 2]) {
    let mut builder = Builder::new();
    let repositories = SOURCES.map(|source| {
        let name = if source == Source::Aur { "aur" } else { "extra" };
        let repository = Repository {
            name: name.into(),
            source,
            security: false,
            searched: true,
            uri: String::new(),
        };
        builder.repository(&repository).unwrap()
    });
    (builder, repositories)
}

fn add(
    builder: &mut Builder,
    repository: RepositoryId,
    (name, architecture, version): (&str, &str, &str),
    aur: Option<AurFacts<'_>>,
) {
    builder
        .package(&Available {
            name,
            architecture,
            description: "A pacman wrapper",
            section: "",
            priority: Priority::Optional,
            task: false,
            essential: false,
            download_size: 0,
            installed_size: 0,
            provides: &[],
            relations: &[],
            versions: &[Offer { version, repository, priority: 0, record: "" }],
            candidate: Some(0),
            aur,
        })
        .unwrap();
}

/// Source and version of each hit.
fn found(index: &Index, query: &str, installed: &Marks) -> Vec<(Source, String)> {
    let hits = index.search(query, None, installed);
    assert_eq!(hits.total, hits.hits.len());
    assert!(hits.hits.is_sorted_by_key(|hit| std::cmp::Reverse(hit.score)));
    let row = |row: RowId| index.row(row).unwrap();
    hits.hits.iter().map(|hit| (row(hit.row).source, row(hit.row).version.to_owned())).collect()
}

#[test]
fn a_name_is_shown_once_for_each_origin_and_repositories_come_first() {
    let (mut builder, [extra, aur]) = builder();
    // The order in which they come does not matter.
    add(&mut builder, aur, ("yay", "", "2-1"), Some(facts(4000)));
    add(&mut builder, extra, ("yay", "x86_64", "1-1"), None);
    add(&mut builder, aur, ("yay-bin", "", "2-1"), Some(facts(90)));
    let index = Index::open(builder.finish().unwrap().image).unwrap();
    let none = Marks::new(index.len());
    let (here, there) = ((Source::Alpm, "1-1".to_owned()), (Source::Aur, "2-1".to_owned()));
    assert_eq!(found(&index, "yay", &none)[..2], [here.clone(), there.clone()]);
    assert_eq!(found(&index, "wrapper", &none).len(), 3);
    let rows: Vec<RowId> = index.find("yay").collect();
    assert_eq!(rows.len(), 2);
    // What is installed comes first, and the other one is still shown.
    let mut marks = Marks::new(index.len());
    marks.set(rows[1]);
    assert_eq!(found(&index, "yay", &marks)[..2], [there, here]);
}

#[test]
fn an_origin_with_several_architectures_is_one_hit() {
    let (mut builder, [extra, aur]) = builder();
    add(&mut builder, extra, ("yay", "x86_64", "1-1"), None);
    add(&mut builder, extra, ("yay", "any", "1-1"), None);
    add(&mut builder, aur, ("yay", "", "2-1"), Some(facts(1)));
    let index = Index::open(builder.finish().unwrap().image).unwrap();
    assert_eq!(found(&index, "yay", &Marks::new(index.len())).len(), 2);
}

/// `Usage` of a repository in pacman.conf may be without `Search`.
#[test]
fn what_only_an_unsearched_repository_has_is_found_by_name_alone() {
    let (mut builder, [extra, _]) = builder();
    let quiet = Repository {
        name: "quiet".into(),
        source: Source::Alpm,
        security: false,
        searched: false,
        uri: String::new(),
    };
    let quiet = builder.repository(&quiet).unwrap();
    add(&mut builder, quiet, ("yay", "x86_64", "1-1"), None);
    add(&mut builder, extra, ("yay-bin", "x86_64", "2-1"), None);
    let index = Index::open(builder.finish().unwrap().image).unwrap();
    let mut marks = Marks::new(index.len());
    assert_eq!(found(&index, "yay", &marks), [(Source::Alpm, "2-1".to_owned())]);
    let row = index.find("yay").next().unwrap();
    assert_eq!(index.row(row).unwrap().repository, "quiet");
    // What is installed is found wherever it is from.
    marks.set(row);
    assert_eq!(found(&index, "yay", &marks).len(), 2);
}

proptest! {
    #[test]
    fn what_the_aur_knows_comes_back(
        name in "[a-z]{1,8}",
        (base, maintainer) in ("[a-z]{1,8}", prop::option::of("[a-zé]{0,8}")),
        (votes, popularity, out) in (any::<u32>(), any::<u32>(), prop::option::of(1_u64..)),
        (first, last) in (any::<u64>(), any::<u64>()),
    ) {
        let facts = AurFacts {
            package_base: &base,
            maintainer: maintainer.as_deref(),
            votes,
            popularity,
            first_submitted: first,
            last_modified: last,
            out_of_date: out,
        };
        let (mut builder, [extra, aur]) = builder();
        add(&mut builder, extra, (&name, "any", "1-1"), None);
        add(&mut builder, aur, (&name, "", "1-1"), Some(facts));
        let index = Index::open(builder.finish().unwrap().image).unwrap();
        let rows: Vec<_> = index.find(&name).map(|row| index.row(row).unwrap()).collect();
        prop_assert_eq!(rows.len(), 2);
        prop_assert_eq!((rows[0].source, rows[0].aur), (Source::Alpm, None));
        prop_assert_eq!((rows[1].source, rows[1].aur), (Source::Aur, Some(facts)));
    }
}
