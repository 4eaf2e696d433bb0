//! Answers over a root that the real pacman made, against its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use omg_backend::PackageManager as _;
use omg_backend_alpm::{Alpm, details, local, mtree};
use omg_core::{Installed, InstalledPackage, RelationKind, Rfc3339};

use crate::catalogue::Catalogue;
use crate::roots::{self, Root};

const OPTIONS: &str =
    "IgnorePkg = lib[a-c]* krb5\nIgnoreGroup = base-dev*\nHoldPkg = glibc file* pacman";

fn lines<'a>(packages: impl Iterator<Item = &'a InstalledPackage>) -> BTreeSet<String> {
    packages.map(|package| format!("{} {}", package.name, package.version)).collect()
}

/// All packages of December 2017, every third as a dependency, beside databases of 2022.
async fn system() -> Option<(Root, Alpm, Installed)> {
    if !roots::programs(&["pacman", "fakeroot"]) {
        return None;
    }
    let (packages, era) = (roots::packages(&[""])?, roots::arch("era-2022-09")?);
    let root = Root::new(OPTIONS, &["core", "extra", "multilib"]);
    root.install(&packages);
    for name in ["core.db", "extra.db", "multilib.db"] {
        fs::copy(era.join(name), root.sync().join(name)).unwrap();
    }
    let all = root.pacman(&["-Qq"]);
    let mut arguments = vec!["-D", "--asdeps"];
    arguments.extend(all.lines().step_by(3));
    root.change(&arguments);
    let alpm = Alpm::open(root.path()).unwrap();
    let installed = alpm.installed().await.unwrap();
    assert_eq!(installed.warnings, [""; 0]);
    Some((root, alpm, installed))
}

#[tokio::test]
async fn everything_is_as_pacman_says() {
    let Some((root, alpm, installed)) = system().await else { return };
    let all = || installed.packages.iter();
    assert!(installed.packages.len() > 100);
    assert_eq!(lines(all()), root.lines(&["-Q"]));
    assert_eq!(lines(all().filter(|package| !package.automatic)), root.lines(&["-Qe"]));
    assert_eq!(lines(all().filter(|package| package.automatic)), root.lines(&["-Qd"]));
    let orphans = lines(all().filter(|package| package.orphan));
    assert!(!orphans.is_empty());
    assert_eq!(orphans, root.lines(&["-Qdt"]));
    upgrades(&root, &alpm, &installed).await;
    for package in all() {
        assert_eq!(package.essential, ["glibc", "file", "filesystem"].contains(&&*package.name));
    }
    info(&root, &alpm, &installed);
    files(&root, &alpm, &installed).await;
    owners(&root, &alpm, &installed).await;
    unpacked(&root, &installed);
}

/// `-Qu`, with what is ignored, and `-Qm`.
async fn upgrades(root: &Root, alpm: &Alpm, installed: &Installed) {
    let catalogue = alpm.packages(Catalogue::default()).await.unwrap();
    let (mut newer, mut foreign) = (BTreeSet::new(), BTreeSet::new());
    for package in &installed.packages {
        let (choice, offers) = catalogue.choose(alpm, &package.name, Some(package));
        if offers.is_empty() {
            assert_eq!(choice.offer, None, "{}", package.name);
            foreign.insert(format!("{} {}", package.name, package.version));
        }
        let taken = choice.offer.and_then(|at| offers.get(at)).map(|offer| offer.version.clone());
        let Some(version) = taken.filter(|version| **version != *package.version) else { continue };
        let line = format!("{} {} -> {version}", package.name, package.version);
        // `held` knows of the groups of the installed version alone, and so does `-Qu`.
        newer.insert(if package.held { line + " [ignored]" } else { line });
        let ignored = package.held || in_ignored_group(&catalogue, package);
        assert_eq!((choice.upgrade, choice.ignored), (!ignored, ignored), "{}", package.name);
    }
    assert!(newer.iter().any(|line| line.ends_with("[ignored]")) && newer.len() > 50);
    assert_eq!(newer, root.lines(&["-Qu"]));
    assert!(!foreign.is_empty());
    assert_eq!(foreign, root.lines(&["-Qm"]));
}

fn in_ignored_group(catalogue: &Catalogue, package: &InstalledPackage) -> bool {
    let records = catalogue.records(&package.name);
    records.iter().any(|record| details::groups(record).any(|group| group == "base-devel"))
}

/// Blocks of `pacman -Qi`: fields by name; optional dependencies have one a line.
fn blocks(text: &str) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let block = |block: &str| {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut last = String::new();
        for line in block.lines() {
            let value = match line.split_once(" : ").filter(|_| !line.starts_with(' ')) {
                Some((name, value)) => {
                    name.trim().clone_into(&mut last);
                    value
                }
                None => line,
            };
            fields.entry(last.clone()).or_default().push(value.trim().to_owned());
        }
        (fields.get("Name").unwrap()[0].clone(), fields)
    };
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(block).collect()
}

fn many<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let all = values.into_iter().collect::<Vec<_>>().join("  ");
    if all.is_empty() { "None".into() } else { all }
}

/// As pacman writes sizes (`humanize_size`).
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB"].iter();
    let mut unit = units.next().unwrap();
    while value > 2048.0 {
        value /= 1024.0;
        unit = units.next().unwrap();
    }
    format!("{value:.2} {unit}")
}

/// The end of a date as `%c` has it in the C locale: `Nov 21 08:57:03 2026`.
fn date(seconds: u64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = Rfc3339(seconds).to_string();
    let month: usize = text[5..7].parse().unwrap();
    let day: u32 = text[8..10].parse().unwrap();
    format!("{} {day:>2} {} {}", MONTHS[month - 1], &text[11..19], &text[..4])
}

fn info(root: &Root, alpm: &Alpm, installed: &Installed) {
    let blocks = blocks(&root.pacman(&["-Qi"]));
    assert_eq!(blocks.len(), installed.packages.len());
    for (number, package) in installed.packages.iter().enumerate() {
        let said = &blocks[&*package.name];
        let record = installed.record(package);
        let own = details::read(record);
        let by = |kind: RelationKind| {
            let edges = installed.edges.iter();
            let edges = edges.filter(|edge| edge.to as usize == number && edge.kind == kind);
            many(edges.map(|edge| &*installed.packages[edge.from as usize].name))
        };
        let is = |name: &str, value: String| {
            assert_eq!(said[name], [value], "{name} of {}", package.name);
        };
        is("Version", own.version.to_owned());
        is("Description", own.description.to_owned());
        is("Architecture", own.architecture.to_owned());
        is("URL", own.url.unwrap_or("None").to_owned());
        is("Licenses", many(own.licenses.iter().copied()));
        is("Groups", many(details::groups(record)));
        is("Provides", many(own.provides.iter().copied()));
        is("Depends On", many(own.depends.iter().copied()));
        is("Required By", by(RelationKind::Depends));
        is("Optional For", by(RelationKind::Suggests));
        is("Conflicts With", many(own.conflicts.iter().copied()));
        is("Replaces", many(own.replaces.iter().copied()));
        is("Installed Size", size(own.installed_size.unwrap()));
        is("Packager", own.maintainer.unwrap().to_owned());
        let reason = ["Explicitly installed", "Installed as a dependency for another package"];
        is("Install Reason", reason[usize::from(package.automatic)].to_owned());
        let script = local::has_scriptlet(&root.local(), &package.name, &package.version);
        is("Install Script", if script { "Yes" } else { "No" }.to_owned());
        let time = alpm.installed_at(&package.name, &package.architecture).unwrap();
        assert!(said["Install Date"][0].ends_with(&date(time)), "{said:?} {}", date(time));
        let optional: Vec<&str> = said["Optional Deps"]
            .iter()
            .map(|line| line.strip_suffix(" [installed]").unwrap_or(line))
            .filter(|line| *line != "None")
            .collect();
        assert_eq!(own.suggests, optional, "{}", package.name);
    }
}

async fn files(root: &Root, alpm: &Alpm, installed: &Installed) {
    let mut have = String::new();
    let below = root.path().display();
    for package in &installed.packages {
        for path in alpm.files(&package.name, &package.architecture).await.unwrap() {
            have += &format!("{} {below}{path}\n", package.name);
        }
    }
    assert!(have.lines().count() > 5_000);
    assert!(have == root.pacman(&["-Ql"]), "lists of files differ");
}

async fn owners(root: &Root, alpm: &Alpm, installed: &Installed) {
    let mut paths: BTreeSet<String> = BTreeSet::new();
    for package in &installed.packages {
        paths.extend(alpm.files(&package.name, &package.architecture).await.unwrap());
    }
    let mut paths: Vec<String> = paths.into_iter().collect();
    // Through links, and what nobody owns.
    paths.extend(
        ["/bin/bc", "/sbin/bc", "/lib/libacl.so", "/usr/sbin/bc", "/bin", "/lib64/", "/usr/bin/"]
            .map(Into::into),
    );
    let below = root.path().display().to_string();
    for some in paths.chunks(2_000) {
        let mut arguments = vec![PathBuf::from("-Qo")];
        arguments.extend(some.iter().map(|path| format!("{below}{path}").into()));
        let said = root.lines(&arguments);
        let mut have = BTreeSet::new();
        for path in some {
            for found in alpm.owns(path).await.unwrap().matches {
                assert!(found.installed);
                let version = &installed.named(&found.package)[0].version;
                have.insert(format!(
                    "{below}{} is owned by {} {version}",
                    found.path, found.package
                ));
            }
        }
        let excess: Vec<_> = have.difference(&said).take(10).collect();
        let missing: Vec<_> = said.difference(&have).take(10).collect();
        assert!(
            excess.is_empty() && missing.is_empty(),
            "excess {excess:#?}, missing {missing:#?}"
        );
    }
}

/// Every `mtree` says what is on the disk.
fn unpacked(root: &Root, installed: &Installed) {
    use std::os::unix::fs::MetadataExt as _;
    let root_user = rustix::process::geteuid().is_root();
    for package in &installed.packages {
        let entry = local::entry_dir(&root.local(), &package.name, &package.version).unwrap();
        let found = mtree::read(&entry.join("mtree")).unwrap();
        assert_eq!(found.warnings, [""; 0], "{}", package.name);
        for entry in found.entries.iter().filter(|entry| !entry.is_meta()) {
            let path = root.path().join(&entry.path);
            let data = fs::symlink_metadata(&path).unwrap();
            let kind = data.file_type();
            let same = match entry.kind {
                mtree::Kind::Directory => kind.is_dir(),
                mtree::Kind::Link => kind.is_symlink(),
                mtree::Kind::File => kind.is_file(),
                _ => false,
            };
            assert!(same, "{entry:?}");
            match entry.kind {
                mtree::Kind::Link => {
                    assert_eq!(entry.link.as_deref(), fs::read_link(&path).ok().as_deref());
                }
                mtree::Kind::File => assert_eq!(entry.size, Some(data.len()), "{entry:?}"),
                _ => {}
            }
            if root_user && kind.is_file() {
                assert_eq!(entry.mode, Some(data.mode() & 0o7777), "{entry:?}");
            }
            assert!(entry.sha256.is_some() || !kind.is_file(), "{entry:?}");
        }
    }
}
