//! The fake's packages in the words that the service reads.

use omg_core::{
    Available, Edge, Fault, Installed, InstalledPackage, Offer, PackageState, Priority, Relation,
    RelationKind, RepositoryId, Sink, Source,
};

use super::{FakePackage, record};

pub(super) fn stream(
    package: &FakePackage,
    plain: RepositoryId,
    security: RepositoryId,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let records: Vec<String> =
        package.versions.iter().map(|(version, _)| record::write(package, version)).collect();
    let offers: Vec<Offer<'_>> = package
        .versions
        .iter()
        .zip(&records)
        .map(|((version, secure), record)| Offer {
            version,
            repository: if *secure { security } else { plain },
            priority: 500,
            record,
        })
        .collect();
    let provides: Vec<&str> = package.provides.iter().map(String::as_str).collect();
    let relations: Vec<Relation<'_>> = package
        .depends
        .iter()
        .flat_map(|item| record::alternatives(item))
        .map(|name| Relation { kind: RelationKind::Depends, name })
        .collect();
    sink.package(&Available {
        name: &package.name,
        architecture: "all",
        description: &package.description,
        section: "fakes",
        priority: Priority::Optional,
        task: false,
        essential: false,
        download_size: 1000,
        installed_size: 4096,
        provides: &provides,
        relations: &relations,
        versions: &offers,
        candidate: Some(0),
        aur: None,
    })
}

pub(super) fn installed(packages: &[FakePackage]) -> Installed {
    let mut text = String::new();
    let mut rows = Vec::new();
    for package in packages {
        let version = package.installed.as_deref().unwrap_or("");
        let start = text.len();
        text.push_str(&record::write(package, version));
        rows.push(InstalledPackage {
            name: package.name.as_str().into(),
            version: version.into(),
            architecture: "all".into(),
            source: Source::Apt,
            state: PackageState::Installed,
            automatic: package.automatic,
            orphan: false,
            held: false,
            essential: false,
            installed_size: 4096,
            description: package.description.as_str().into(),
            section: "fakes".into(),
            record: start..text.len(),
        });
        text.push('\n');
    }
    let edges = edges(packages);
    for (number, row) in (0_u32..).zip(&mut rows) {
        row.orphan = row.automatic && !edges.iter().any(|edge| edge.to == number);
    }
    Installed { text: text.into(), packages: rows, edges, warnings: Vec::new() }
}

fn edges(packages: &[FakePackage]) -> Vec<Edge> {
    let number = |name: &str| {
        (0_u32..)
            .zip(packages)
            .find(|(_, package)| {
                package.name == name || package.provides.iter().any(|provided| provided == name)
            })
            .map(|(number, _)| number)
    };
    let mut edges: Vec<Edge> = (0_u32..)
        .zip(packages)
        .flat_map(|(from, package)| package.depends.iter().map(move |item| (from, item)))
        .filter_map(|(from, item)| {
            let to = record::alternatives(item).into_iter().find_map(number)?;
            Some(Edge { from, to, kind: RelationKind::Depends })
        })
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}
