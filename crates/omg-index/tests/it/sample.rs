//! Small catalogues.

use omg_core::{Available, Offer, Priority, Relation, RelationKind, Repository, Sink, Source};
use omg_index::{Builder, Built, Index, Marks};

/// A package in few words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) architecture: &'static str,
    pub(crate) description: String,
    pub(crate) section: &'static str,
    pub(crate) depends: Vec<String>,
    pub(crate) provides: Vec<String>,
}

pub(crate) fn package(name: &str, section: &'static str, description: &str) -> Sample {
    Sample {
        name: name.to_owned(),
        architecture: "amd64",
        description: description.to_owned(),
        section,
        depends: Vec::new(),
        provides: Vec::new(),
    }
}

pub(crate) fn build(samples: &[Sample]) -> Built {
    let mut builder = Builder::new();
    let repositories = ["stable/main", "security/main"].map(|name| {
        let security = name.starts_with("security");
        let repository = Repository {
            name: name.into(),
            source: Source::Apt,
            security,
            searched: true,
            uri: String::new(),
        };
        builder.repository(&repository).unwrap()
    });
    for sample in samples {
        let record = format!("Package: {}\nDescription: {}\n", sample.name, sample.description);
        let versions =
            [("2.0", repositories[1]), ("1.0", repositories[0])].map(|(version, repository)| {
                Offer { version, repository, priority: 500, record: &record }
            });
        let relations: Vec<Relation<'_>> = sample
            .depends
            .iter()
            .map(|name| Relation { kind: RelationKind::Depends, name })
            .collect();
        let provides: Vec<&str> = sample.provides.iter().map(String::as_str).collect();
        builder
            .package(&Available {
                name: &sample.name,
                architecture: sample.architecture,
                description: &sample.description,
                section: sample.section,
                priority: Priority::Optional,
                task: false,
                essential: false,
                download_size: 7,
                installed_size: 1 << 40,
                provides: &provides,
                relations: &relations,
                versions: &versions,
                candidate: Some(1),
                aur: None,
            })
            .unwrap();
    }
    builder.finish().unwrap()
}

pub(crate) fn index(samples: &[Sample]) -> Index {
    Index::open(build(samples).image).unwrap()
}

pub(crate) fn names(index: &Index, query: &str) -> Vec<String> {
    let hits = index.search(query, None, &Marks::new(index.len()));
    assert_eq!(hits.total, hits.hits.len());
    hits.hits.iter().map(|hit| index.row(hit.row).unwrap().name.to_owned()).collect()
}
