//! Reads what `apt-cache dumpavail` prints: enough for a ranking, by no means a parser of lists.

use std::error::Error;
use std::process::Command;

use omg_core::{Available, Offer, Priority, Relation, RelationKind, Repository, Sink, Source};
use omg_index::Builder;

/// One package, borrowed from the dump.
pub(crate) struct Package<'t> {
    name: &'t str,
    version: &'t str,
    architecture: &'t str,
    description: &'t str,
    section: &'t str,
    priority: Priority,
    essential: bool,
    download_size: u64,
    installed_size: u64,
    provides: Vec<&'t str>,
    relations: Vec<Relation<'t>>,
    record: &'t str,
}

/// The file that `OMG_DUMPAVAIL` names, else what apt-cache prints.
pub(crate) fn read() -> Result<String, Box<dyn Error>> {
    if let Some(path) = std::env::var_os("OMG_DUMPAVAIL") {
        return Ok(std::fs::read_to_string(path)?);
    }
    let output = Command::new("apt-cache").arg("dumpavail").output()?;
    Ok(String::from_utf8(output.stdout)?)
}

pub(crate) fn parse(text: &str) -> Vec<Package<'_>> {
    text.split("\n\n").filter(|record| record.starts_with("Package:")).map(package).collect()
}

fn package(record: &str) -> Package<'_> {
    let field = |wanted: &str| {
        record.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(": ")).unwrap_or("")
    };
    let mut relations = Vec::new();
    for (name, kind) in [
        ("Pre-Depends", RelationKind::PreDepends),
        ("Depends", RelationKind::Depends),
        ("Recommends", RelationKind::Recommends),
        ("Suggests", RelationKind::Suggests),
        ("Enhances", RelationKind::Enhances),
    ] {
        relations.extend(bare(field(name)).map(|name| Relation { kind, name }));
    }
    Package {
        name: field("Package"),
        version: field("Version"),
        architecture: field("Architecture"),
        description: field("Description"),
        section: field("Section"),
        priority: match field("Priority") {
            "required" => Priority::Required,
            "important" => Priority::Important,
            "standard" => Priority::Standard,
            "extra" => Priority::Extra,
            _ => Priority::Optional,
        },
        essential: field("Essential") == "yes",
        download_size: field("Size").parse().unwrap_or(0),
        installed_size: field("Installed-Size").parse::<u64>().unwrap_or(0) * 1024,
        provides: bare(field("Provides")).collect(),
        relations,
        record,
    }
}

fn bare(field: &str) -> impl Iterator<Item = &str> {
    field
        .split([',', '|'])
        .filter_map(|item| item.split_whitespace().next())
        .map(|name| name.split(':').next().unwrap_or(name))
}

pub(crate) fn feed(packages: &[Package<'_>], builder: &mut Builder) -> Result<(), Box<dyn Error>> {
    let repository = builder.repository(&Repository {
        name: "stable/main".to_owned(),
        source: Source::Apt,
        security: false,
        searched: true,
        uri: String::new(),
    })?;
    for package in packages {
        builder.package(&Available {
            name: package.name,
            architecture: package.architecture,
            description: package.description,
            section: package.section,
            priority: package.priority,
            task: false,
            essential: package.essential,
            download_size: package.download_size,
            installed_size: package.installed_size,
            provides: &package.provides,
            relations: &package.relations,
            versions: &[Offer {
                version: package.version,
                repository,
                priority: 500,
                record: package.record,
            }],
            candidate: Some(0),
            aur: None,
        })?;
    }
    Ok(())
}
