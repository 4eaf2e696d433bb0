//! Sync databases, against `pacman -Sl` and `-Si` for all of their entries.

use std::collections::BTreeMap;
use std::path::Path;

use omg_backend_alpm::conf::Conf;
use omg_backend_alpm::{desc, sync};
use omg_core::{Available, Fault, RelationKind, Repository, RepositoryId, Sink};

use crate::oracle::Root;

/// Everything that came in.
#[derive(Default)]
pub(crate) struct Everything {
    repositories: Vec<String>,
    /// Repository, name, version.
    pub(crate) offers: Vec<(String, String, String)>,
    records: BTreeMap<(String, String), String>,
    /// What a candidate's package says, by name: repository and lines as `-Si` has them.
    candidates: BTreeMap<String, (String, Vec<(String, String)>)>,
    warnings: Vec<String>,
}

impl Sink for Everything {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        self.repositories.push(repository.name.clone());
        Ok(RepositoryId(self.repositories.len() as u16 - 1))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        let name = package.name.to_owned();
        for offer in package.versions {
            let repository = self.repositories[usize::from(offer.repository.0)].clone();
            self.offers.push((repository.clone(), name.clone(), offer.version.to_owned()));
            self.records.insert((repository, name.clone()), offer.record.to_owned());
        }
        let candidate = package.versions[package.candidate.unwrap()];
        let related = |kind: RelationKind| -> String {
            let names = package.relations.iter().filter(|one| one.kind == kind);
            listed(names.map(|one| one.name))
        };
        let lines = [
            ("Version", candidate.version.to_owned()),
            ("Description", or_none(package.description)),
            ("Architecture", or_none(package.architecture)),
            ("Groups", listed(package.section.split(' ').filter(|one| !one.is_empty()))),
            ("Provides", listed(package.provides.iter().copied())),
            ("Depends On", related(RelationKind::Depends)),
            ("Optional Deps", related(RelationKind::Suggests)),
        ];
        let lines = lines.map(|(key, value)| (key.to_owned(), value)).to_vec();
        let repository = self.repositories[usize::from(candidate.repository.0)].clone();
        self.candidates.insert(name, (repository, lines));
        Ok(())
    }

    fn warning(&mut self, message: String) {
        self.warnings.push(message);
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "None".into() } else { text.into() }
}

/// Values as pacman lists them: two spaces between them.
fn listed<'a>(values: impl Iterator<Item = &'a str>) -> String {
    or_none(&values.collect::<Vec<_>>().join("  "))
}

fn everything(root: &Path) -> Everything {
    let mut all = Everything::default();
    sync::read(&Conf::read(root), &mut all).unwrap();
    assert!(all.warnings.is_empty(), "{:#?}", all.warnings);
    all
}

/// The packages that `pacman -Si` prints: a map from field to values each.
fn information(text: &str) -> Vec<BTreeMap<String, Vec<String>>> {
    let mut packages = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in block.lines() {
            match line.split_once(" : ") {
                Some((name, value)) if !line.starts_with(' ') => {
                    name.trim_end().clone_into(&mut key);
                    fields.entry(key.clone()).or_default().push(value.to_owned());
                }
                _ if line.starts_with(' ') => {
                    fields.get_mut(&key).unwrap().push(line.trim_start().to_owned());
                }
                _ => {
                    line.split(" :").next().unwrap().trim_end().clone_into(&mut key);
                    fields.entry(key.clone()).or_default().push(String::new());
                }
            }
        }
        packages.push(fields);
    }
    packages
}

/// The fields of a record as `pacman -Si` prints them.
fn printed(
    repository: &str,
    name: &str,
    version: &str,
    record: &str,
) -> BTreeMap<String, Vec<String>> {
    let first = |field: &str| or_none(desc::first(record, field).unwrap_or(""));
    let list = |field: &str| listed(desc::values(record, field));
    let size = |field: &str| desc::first(record, field).unwrap_or("0");
    let [download, installed] = sizes(size("CSIZE"), size("ISIZE"));
    let sums = [("MD5SUM", "MD5 Sum"), ("SHA256SUM", "SHA-256 Sum"), ("PGPSIG", "Signature")];
    let validations =
        sums.iter().filter_map(|(field, words)| desc::first(record, field).map(|_| *words));
    let optional: Vec<String> = desc::values(record, "OPTDEPENDS").map(str::to_owned).collect();
    let optional = if optional.is_empty() { vec!["None".to_owned()] } else { optional };
    let mut fields: BTreeMap<String, Vec<String>> = [
        ("Repository", repository.to_owned()),
        ("Name", name.to_owned()),
        ("Version", version.to_owned()),
        ("Description", first("DESC")),
        ("Architecture", first("ARCH")),
        ("URL", first("URL")),
        ("Licenses", list("LICENSE")),
        ("Groups", list("GROUPS")),
        ("Provides", list("PROVIDES")),
        ("Depends On", list("DEPENDS")),
        ("Conflicts With", list("CONFLICTS")),
        ("Replaces", list("REPLACES")),
        ("Packager", first("PACKAGER")),
        ("Download Size", download),
        ("Installed Size", installed),
        ("Build Date", date(first("BUILDDATE").parse().unwrap())),
        ("Validated By", listed(validations)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), vec![value]))
    .collect();
    fields.insert("Optional Deps".to_owned(), optional);
    fields
}

/// Seconds since the epoch as strftime(3) writes `%c` in the C locale, in UTC.
fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400);
    let time = seconds.rem_euclid(86_400);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][days.rem_euclid(7) as usize];
    let (mut year, mut left) = (1970, days);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while left >= 365 + i64::from(leap(year)) {
        left -= 365 + i64::from(leap(year));
        year += 1;
    }
    let names = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(' ');
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (month, length) in names.zip(lengths) {
        if left < length {
            let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
            let day = left + 1;
            return format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year}");
        }
        left -= length;
    }
    unreachable!()
}

/// The two sizes as pacman writes them: both in the unit that suits the first.
fn sizes(download: &str, installed: &str) -> [String; 2] {
    let mut values: [f64; 2] = [download, installed].map(|one| one.parse().unwrap());
    let mut unit = 0;
    while values[0] > 2048.0 {
        values = values.map(|value| value / 1024.0);
        unit += 1;
    }
    values.map(|value| format!("{value:.2} {}", ["B", "KiB", "MiB", "GiB"][unit]))
}

fn check(databases: &str, least: usize) {
    let Some(root) = Root::with_databases(databases) else { return };
    let Some(list) = root.pacman(&["-Sl"]) else { return };
    let all = everything(root.dir.path());
    let mut wanted: Vec<String> = list.lines().map(str::to_owned).collect();
    let mut have: Vec<String> = all
        .offers
        .iter()
        .map(|(repository, name, version)| format!("{repository} {name} {version}"))
        .collect();
    wanted.sort();
    have.sort();
    assert!(wanted.len() >= least, "{}", wanted.len());
    assert!(have == wanted, "{databases}: the lists differ");
    check_information(&root, &all);
}

fn check_information(root: &Root, all: &Everything) {
    let Some(text) = root.pacman(&["-Si"]) else { return };
    let packages = information(&text);
    assert_eq!(packages.len(), all.offers.len());
    for wanted in packages {
        let one = |key: &str| wanted.get(key).map_or("", |values| values[0].as_str());
        let (repository, name, version) = (one("Repository"), one("Name"), one("Version"));
        let record = &all.records[&(repository.to_owned(), name.to_owned())];
        let have = printed(repository, name, version, record);
        assert_eq!(have, wanted, "{repository}/{name}");
        check_candidate(all, repository, name, &wanted);
    }
}

/// The single fields that go into the index, for the repository that pacman would take it from.
fn check_candidate(
    all: &Everything,
    repository: &str,
    name: &str,
    wanted: &BTreeMap<String, Vec<String>>,
) {
    let (from, lines) = &all.candidates[name];
    let first = all
        .repositories
        .iter()
        .position(|one| all.records.contains_key(&(one.clone(), name.to_owned())));
    assert_eq!(first, all.repositories.iter().position(|one| one == from), "{name}");
    if from != repository {
        return;
    }
    for (key, have) in lines {
        let values = &wanted[key];
        let bare = |text: &str| -> String {
            let text = text.split(": ").next().unwrap();
            text.split(['<', '>', '=']).next().unwrap().to_owned()
        };
        let names = match key.as_str() {
            "Provides" | "Depends On" => {
                values[0].split("  ").map(bare).collect::<Vec<_>>().join("  ")
            }
            "Optional Deps" => values.iter().map(|one| bare(one)).collect::<Vec<_>>().join("  "),
            _ => values[0].clone(),
        };
        assert_eq!(*have, names, "{repository}/{name} {key}");
    }
}

#[test]
fn all_entries_of_a_large_system_are_pacmans() {
    check("arch/merged", 13_252);
}

#[test]
fn all_entries_of_one_time_are_pacmans() {
    check("arch/era-2022-09", 6_900);
}

#[test]
fn the_older_layout_is_read_as_pacman_does() {
    check("arch/era-2015-06", 100);
}

#[test]
fn the_databases_of_the_signed_packages_are_read_as_pacman_does() {
    check("arch/signed-2017-12", 1_000);
}

#[test]
fn a_record_that_disagrees_with_its_directory_counts_as_with_pacman() {
    let dir = tempfile::tempdir().unwrap();
    let path = |end: &str| dir.path().join(end);
    std::fs::create_dir_all(path("var/lib/pacman/sync")).unwrap();
    std::fs::create_dir_all(path("etc")).unwrap();
    std::fs::write(path("etc/pacman.conf"), "[options]\nSigLevel = Never\n[core]\n").unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    for (file, text) in [
        ("good-1-1/desc", "%NAME%\ngood\n\n%VERSION%\n1-1\n\n"),
        ("name-1-1/desc", "%NAME%\nother\n\n%VERSION%\n1-1\n\n"),
        ("version-1-1/desc", "%NAME%\nversion\n\n%VERSION%\n2-1\n\n"),
        ("none-1-1/desc", "%DESC%\nneither\n\n"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, file, text.as_bytes()).unwrap();
    }
    let bytes = builder.into_inner().unwrap();
    std::fs::write(path("var/lib/pacman/sync/core.db"), bytes).unwrap();
    let root = Root { dir };
    let Some(list) = root.pacman(&["-Sl"]) else { return };
    let mut all = Everything::default();
    sync::read(&Conf::read(root.dir.path()), &mut all).unwrap();
    let mut have: Vec<String> = all
        .offers
        .iter()
        .map(|(repository, name, version)| format!("{repository} {name} {version}"))
        .collect();
    have.sort();
    assert_eq!(have, list.lines().collect::<Vec<_>>());
    assert_eq!(all.warnings.len(), 2, "{:?}", all.warnings);
}
