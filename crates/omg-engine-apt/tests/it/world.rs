//! Small archives with everything in them that makes planning hard, drawn from a seed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::draw::{Draw, Names};
use crate::root::{Root, skeleton, suite};

/// Packages of one archive.
const PACKAGES: usize = 90;

const SUITES: [(&str, &str); 3] = [
    ("stable", ""),
    ("testing", ""),
    ("backports", "NotAutomatic: yes\nButAutomaticUpgrades: yes\n"),
];

/// One version of a package, as its record.
#[derive(Clone)]
struct Record {
    name: String,
    version: String,
    architecture: &'static str,
    fields: String,
}

impl Record {
    fn text(&self) -> String {
        format!(
            "Package: {0}\nVersion: {1}\nArchitecture: {2}\nMaintainer: Nobody <n@example.org>\n{3}",
            self.name, self.version, self.architecture, self.fields
        )
    }

    fn offered(&self) -> String {
        format!(
            "{0}Filename: pool/{1}_{2}_{3}.deb\nSize: {4}\nSHA256: {4:064x}\n\n",
            self.text(),
            self.name,
            self.version,
            self.architecture,
            1000 + self.name.len() + self.version.len()
        )
    }
}

/// Makes a root from a seed; what can be asked of it is returned with it.
pub(crate) fn world(dir: &Path, seed: u64) -> Option<(Root, Names)> {
    let mut draw = Draw(seed);
    skeleton(dir, true);
    let mut all: BTreeMap<(String, String, &'static str), Record> = BTreeMap::new();
    let kinds: Vec<usize> = (0..PACKAGES).map(|_| draw.below(100)).collect();
    for (at, (name, fields)) in SUITES.iter().enumerate() {
        let mut lists: BTreeMap<&str, String> = BTreeMap::new();
        for (number, kind) in kinds.iter().enumerate() {
            // Not everything is everywhere, and some versions are the same in two suites.
            if draw.chance(if at == 0 { 8 } else { 45 }) {
                continue;
            }
            let version = format!("{}.{}-1", 1 + draw.below(at + 1), draw.below(3));
            for record in records(&mut draw, number, *kind, &version) {
                let key = (record.name.clone(), record.version.clone(), record.architecture);
                let record = all.entry(key).or_insert(record).clone();
                let lists_of: &[&str] = match record.architecture {
                    "amd64" => &["amd64"],
                    "i386" => &["i386"],
                    _ => &["amd64", "i386"],
                };
                for architecture in lists_of {
                    lists.entry(architecture).or_default().push_str(&record.offered());
                }
            }
        }
        let lists: Vec<(&str, String)> = lists.into_iter().collect();
        suite(dir, name, fields, &lists);
    }
    pins(&mut draw, dir);
    let root = Root::new(dir, "amd64");
    let installed = install(&mut draw, &root, &all)?;
    let mut names: Vec<String> = all.keys().map(|(name, _, _)| name.clone()).collect();
    names.dedup();
    names.extend((0..6).map(|n| format!("virtual{n}")));
    names.extend([
        "nothing-of-this-name".to_owned(),
        "p1?".to_owned(),
        "p3:i386".to_owned(),
        "p7:i386".to_owned(),
    ]);
    let names = Names {
        all: names,
        installed,
        versions: all.keys().map(|(name, version, _)| (name.clone(), version.clone())).collect(),
        suites: SUITES.iter().map(|(name, _)| (*name).to_owned()).collect(),
    };
    Some((root, names))
}

fn records(draw: &mut Draw, number: usize, kind: usize, version: &str) -> Vec<Record> {
    let mut fields = format!(
        "Installed-Size: {}\nPriority: {}\n",
        10 + draw.below(500),
        draw.of(&["optional", "optional", "optional", "standard", "important", "required"])
    );
    let architecture = match kind {
        0..15 => "all",
        _ => "amd64",
    };
    if (0..3).contains(&number) {
        fields.push_str("Essential: yes\n");
    } else if number == 3 {
        fields.push_str("Protected: yes\n");
    } else if draw.chance(4) {
        fields.push_str("Section: metapackages\n");
    }
    let multi = match kind {
        15..35 => Some("same"),
        35..45 => Some("foreign"),
        45..50 => Some("allowed"),
        _ => None,
    };
    if let Some(multi) = multi {
        let _ = writeln!(fields, "Multi-Arch: {multi}");
    }
    for (field, chance, most) in
        [("Pre-Depends", 6, 1), ("Depends", 65, 3), ("Recommends", 25, 2), ("Suggests", 15, 2)]
    {
        if draw.chance(chance) {
            let groups: Vec<String> = (0..=draw.below(most)).map(|_| group(draw, number)).collect();
            let _ = writeln!(fields, "{field}: {}", groups.join(", "));
        }
    }
    for (field, chance) in [("Conflicts", 7), ("Breaks", 8), ("Replaces", 8)] {
        if draw.chance(chance) {
            let _ = writeln!(fields, "{field}: {}", relation(draw, PACKAGES, true));
        }
    }
    if draw.chance(18) {
        let name = draw.below(6);
        let provided = if draw.chance(35) {
            format!("virtual{name} (= {version})")
        } else {
            format!("virtual{name}")
        };
        let _ = writeln!(fields, "Provides: {provided}");
        if draw.chance(40) {
            let _ = writeln!(fields, "Conflicts: virtual{name}\nReplaces: virtual{name}");
            // A field may stand in a record once only.
            fields = once(&fields);
        }
    }
    let record = |architecture| Record {
        name: format!("p{number}"),
        version: version.to_owned(),
        architecture,
        fields: fields.clone(),
    };
    let mut records = vec![record(architecture)];
    if architecture == "amd64" && (multi.is_some() || kind > 92) {
        records.push(record("i386"));
    }
    records
}

/// Keeps the first line of each field.
fn once(fields: &str) -> String {
    let mut seen = Vec::new();
    let lines = fields.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or("").to_owned();
        let new = !seen.contains(&name);
        seen.push(name);
        new
    });
    lines.map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
}

/// Alternatives that a package may need. Mostly of lower numbers, so that most can be installed.
fn group(draw: &mut Draw, number: usize) -> String {
    let count = if draw.chance(25) { 2 } else { 1 };
    let members: Vec<String> = (0..count).map(|_| relation(draw, number, false)).collect();
    members.join(" | ")
}

fn relation(draw: &mut Draw, below: usize, negative: bool) -> String {
    if draw.chance(12) {
        let name = format!("virtual{}", draw.below(6));
        return if draw.chance(20) { format!("{name} (>= 1.1)") } else { name };
    }
    let name = format!(
        "p{}",
        if below == 0 || draw.chance(4) { draw.below(PACKAGES + 2) } else { draw.below(below) }
    );
    let qualifier = if !negative && draw.chance(4) { ":any" } else { "" };
    let comparisons: &[&str] =
        if negative { &["<<", "<<", "<=", "="] } else { &[">=", ">=", ">=", "<<", "="] };
    if draw.chance(if negative { 85 } else { 20 }) {
        let comparison = draw.of(comparisons);
        return format!(
            "{name}{qualifier} ({comparison} {}.{}-1)",
            1 + draw.below(2),
            draw.below(3)
        );
    }
    format!("{name}{qualifier}")
}

fn pins(draw: &mut Draw, dir: &Path) {
    let mut text = String::new();
    if draw.chance(60) {
        text.push_str("Package: *\nPin: release n=testing\nPin-Priority: 400\n\n");
    }
    for _ in 0..draw.below(4) {
        let priority = draw.of(&["-1", "50", "990", "1001"]);
        let version = draw.of(&["1.0*", "1.1*", "2.0*"]);
        let _ = write!(
            text,
            "Package: p{}\nPin: version {version}\nPin-Priority: {priority}\n\n",
            draw.below(PACKAGES)
        );
    }
    fs::write(dir.join("etc/apt/preferences"), text).unwrap();
}

/// Installs a part of the archive the way apt-get would, so that the system is whole, and writes
/// dpkg's status of it: some packages held, some automatic, some removed but for their settings.
fn install(
    draw: &mut Draw,
    root: &Root,
    all: &BTreeMap<(String, String, &'static str), Record>,
) -> Option<Vec<String>> {
    let mut have: BTreeMap<(String, String), Record> = BTreeMap::new();
    let mut wanted = Vec::new();
    for _ in 0..40 {
        let name = if wanted.len() < 3 {
            format!("p{}", wanted.len())
        } else {
            format!("p{}", draw.below(PACKAGES))
        };
        let target = if draw.chance(60) { format!("{name}/stable") } else { name.clone() };
        let target = if draw.chance(10) { format!("{name}:i386") } else { target };
        wanted.push(name);
        let said =
            root.apt_get(&["install".to_owned(), "--no-install-recommends".to_owned(), target])?;
        if !said.ok || said.text.contains("Remv ") {
            continue;
        }
        for line in said.text.lines().filter_map(|line| line.strip_prefix("Inst ")) {
            let name = line.split([' ', ':']).next().unwrap();
            let version = line.split('(').nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
            let architecture = line
                .split('(')
                .nth(1)
                .and_then(|rest| rest.rsplit('[').next())
                .and_then(|rest| rest.split(']').next())
                .unwrap();
            let found =
                all.iter().find(|((n, v, a), _)| n == name && v == version && *a == architecture);
            let Some((_, record)) = found else { continue };
            have.insert((name.to_owned(), architecture.to_owned()), record.clone());
        }
        write_status(draw, root, &have, false);
    }
    write_status(draw, root, &have, true);
    let names = have.iter().map(|((name, architecture), _)| match architecture.as_str() {
        "i386" => format!("{name}:i386"),
        _ => name.clone(),
    });
    Some(names.collect())
}

fn write_status(
    draw: &mut Draw,
    root: &Root,
    have: &BTreeMap<(String, String), Record>,
    last: bool,
) {
    let mut status = String::new();
    let mut states = String::new();
    for record in have.values() {
        let held = last && draw.chance(7);
        let text = record.text().replacen(
            '\n',
            &format!("\nStatus: {} ok installed\n", if held { "hold" } else { "install" }),
            1,
        );
        let _ = writeln!(status, "{text}");
        if last && draw.chance(55) {
            let architecture =
                if record.architecture == "all" { "amd64" } else { record.architecture };
            let _ = writeln!(
                states,
                "Package: {}\nArchitecture: {architecture}\nAuto-Installed: 1\n",
                record.name
            );
        }
    }
    if last {
        status.push_str("Package: leftover\nStatus: deinstall ok config-files\nVersion: 1.0-1\nArchitecture: amd64\nMaintainer: x\nConffiles:\n /etc/leftover 0\n\n");
        status.push_str("Package: p89\nStatus: deinstall ok config-files\nVersion: 0.1-1\nArchitecture: armhf\nMaintainer: x\n\n");
    }
    fs::write(root.path.join("var/lib/dpkg/status"), status).unwrap();
    fs::write(root.path.join("var/lib/apt/extended_states"), states).unwrap();
}
