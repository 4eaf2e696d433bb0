use std::fs;
use std::path::Path;

use omg_core::{Installed, PackageState, RelationKind};
use proptest::prelude::*;

use super::*;

const STATUS: &str = "Package: a\nStatus: install ok installed\nPriority: required\nSection: libs\nInstalled-Size: 12\n\
Architecture: amd64\nVersion: 1:2-3\nDepends: b (>= 1)\nDescription: the a\n long\n\n\
Package: b\nEssential: yes\nStatus: hold ok installed\nArchitecture: all\nVersion: 2\nDescription: the b\n\n\
Package: c\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 3\nDescription: the c\n\n\
Package: d\nStatus: install reinstreq half-installed\nArchitecture: amd64\nVersion: 4\n\n\
Package: e\nStatus: unknown ok not-installed\n";

fn machine(status: &[u8]) -> (tempfile::TempDir, Settings) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path(), "amd64");
    fs::create_dir_all(&settings.admin).unwrap();
    fs::create_dir_all(settings.extended_states.parent().unwrap()).unwrap();
    fs::write(settings.admin.join("status"), status).unwrap();
    (dir, settings)
}

fn names(installed: &Installed) -> Vec<String> {
    installed
        .packages
        .iter()
        .map(|package| format!("{}:{} {}", package.name, package.architecture, package.version))
        .collect()
}

#[test]
fn every_field_and_state_is_read() {
    let (_dir, settings) = machine(STATUS.as_bytes());
    fs::write(&settings.extended_states, "Package: b\nArchitecture: amd64\nAuto-Installed: 1\n")
        .unwrap();
    let installed = read(&settings).unwrap();
    assert_eq!(names(&installed), ["a:amd64 1:2-3", "b:all 2", "c:amd64 3", "d:amd64 4"]);
    let [a, b, c, d] = &installed.packages[..] else { unreachable!() };
    assert_eq!((a.installed_size, &*a.section, &*a.description), (12 * 1024, "libs", "the a"));
    assert!(
        installed.record(a).starts_with("Package: a\n") && installed.record(a).ends_with(" long")
    );
    assert!(b.essential && b.held && b.automatic && !b.orphan && !a.automatic);
    assert_eq!((c.state, d.state), (PackageState::ConfigFiles, PackageState::Partial));
    let edges: Vec<_> =
        installed.edges.iter().map(|edge| (edge.from, edge.to, edge.kind)).collect();
    assert_eq!(edges, [(0, 1, RelationKind::Depends)]);
    assert_eq!(installed.warnings, [""; 0]);
}

#[test]
fn line_ends_do_not_matter() {
    let (_dir, settings) = machine(STATUS.as_bytes());
    let (_other, crlf) = machine(STATUS.replace('\n', "\r\n").as_bytes());
    assert_eq!(read(&settings).unwrap().packages, read(&crlf).unwrap().packages);
}

#[test]
fn bad_records_are_told_and_the_others_kept() {
    let text = b"Package: good\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nMaintainer: J\xe9r\xf4me\n\n\
        Package: no version\nStatus: install ok installed\n\n\
        Package: junk\nStatus: install ok installed\nVersion: 1\n\0\0\0\n\n\
        Package: -x\nVersion: 1\n\n\
        Package: v\nStatus: install ok installed\n\n\
        Version: 1\nStatus: install ok installed\n\n\
        Package: sp\nStatus: install ok installed\nVersion: 1 2\n\n\
        Package: last\nStatus: install ok installed\nArchitecture: all\nVersion: 2\nDescription: x";
    let (dir, settings) = machine(text);
    let installed = read(&settings).unwrap();
    assert_eq!(names(&installed), ["good:amd64 1", "last:all 2"]);
    let place = dir.path().join("var/lib/dpkg/status");
    let lines: Vec<&str> = installed
        .warnings
        .iter()
        .map(|warning| {
            warning
                .strip_prefix(&format!("{}:", place.display()))
                .unwrap()
                .split(':')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(lines, ["32", "7", "13", "15", "18", "21", "24"]);
}

#[test]
fn any_prefix_keeps_the_records_before_the_cut() {
    let whole: Vec<String> =
        vec!["a:amd64 1:2-3".into(), "b:all 2".into(), "c:amd64 3".into(), "d:amd64 4".into()];
    for end in 0..=STATUS.len() {
        let (_dir, settings) = machine(&STATUS.as_bytes()[..end]);
        let found = names(&read(&settings).unwrap());
        let complete = STATUS[..end].matches("\n\n").count();
        assert!(found.len() >= complete.min(4), "{end}: {found:?}");
        assert_eq!(&found[..complete.min(4)], &whole[..complete.min(4)], "{end}");
    }
}

#[test]
fn a_file_that_ends_within_a_line_is_told() {
    let (_dir, settings) = machine(&STATUS.as_bytes()[..STATUS.len() - 5]);
    let warnings = read(&settings).unwrap().warnings;
    assert!(
        warnings.iter().any(|warning| warning.contains("status:31: the file ends within a line")),
        "{warnings:?}"
    );
    let (_dir, settings) = machine(STATUS.as_bytes());
    assert_eq!(read(&settings).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn the_journal_is_applied_in_order() {
    let (_dir, settings) = machine(STATUS.as_bytes());
    let updates = settings.admin.join("updates");
    fs::create_dir(&updates).unwrap();
    let record = |name: &str, architecture: &str, version: &str, state: &str, more: &str| {
        format!(
            "Package: {name}\nStatus: install ok {state}\nArchitecture: {architecture}\n{more}Version: {version}\n"
        )
    };
    fs::write(updates.join("0001"), record("a", "amd64", "9", "unpacked", "")).unwrap();
    fs::write(updates.join("0000"), record("a", "amd64", "8", "unpacked", "")).unwrap();
    fs::write(updates.join("0002"), record("b", "amd64", "3", "installed", "")).unwrap();
    fs::write(updates.join("0003"), record("c", "i386", "3", "installed", "Multi-Arch: same\n"))
        .unwrap();
    fs::write(
        updates.join("0004"),
        "Package: d\nStatus: purge ok not-installed\nArchitecture: amd64\n",
    )
    .unwrap();
    fs::write(updates.join("tmp.i"), record("x", "amd64", "1", "installed", "")).unwrap();
    let installed = read(&settings).unwrap();
    assert_eq!(names(&installed), ["a:amd64 9", "b:amd64 3", "c:amd64 3", "c:i386 3"]);
    assert_eq!(installed.packages[0].state, PackageState::Partial);
}

#[test]
fn an_image_without_dpkg_has_its_records_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path(), "amd64");
    let parts = settings.admin.join("status.d");
    fs::create_dir_all(&parts).unwrap();
    fs::write(
        parts.join("base"),
        "Package: base-files\nVersion: 12\nArchitecture: amd64\nDescription: x\n",
    )
    .unwrap();
    fs::write(parts.join("base.md5sums"), "0  etc/issue\n").unwrap();
    fs::write(parts.join("tzdata"), "Package: tzdata\nArchitecture: all\nVersion: 2024a\n")
        .unwrap();
    let installed = read(&settings).unwrap();
    assert_eq!(names(&installed), ["base-files:amd64 12", "tzdata:all 2024a"]);
    assert!(installed.packages.iter().all(|package| package.state == PackageState::Installed));
}

#[test]
fn what_is_no_database_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path(), "amd64");
    assert!(matches!(read(&settings), Err(Error::NoDatabase { .. })));
    fs::create_dir_all(settings.admin.join("status")).unwrap();
    assert!(matches!(read(&settings), Err(Error::Io { .. })));
}

#[test]
fn a_status_file_over_the_limit_is_refused_unread() {
    let (_dir, settings) = machine(b"");
    let file = fs::OpenOptions::new().write(true).open(settings.admin.join("status")).unwrap();
    file.set_len(source::LARGEST + 1).unwrap();
    assert!(matches!(read(&settings), Err(Error::TooLarge { .. })));
}

#[test]
fn a_file_without_end_is_refused() {
    let zero = Path::new("/dev/zero");
    assert!(matches!(read_settled(zero, &mut 1000), Err(Error::Io { .. })));
    let (dir, settings) = machine(b"");
    let fifo = dir.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    if made.is_ok_and(|status| status.success()) {
        fs::rename(&fifo, settings.admin.join("status")).unwrap();
        assert!(matches!(read(&settings), Err(Error::Io { .. })));
    }
}

#[test]
fn a_file_replaced_meanwhile_is_the_old_or_the_new_one() {
    let (dir, settings) = machine(STATUS.as_bytes());
    let long = STATUS.replace(
        "Depends: b (>= 1)\n",
        &format!("Depends: b (>= 1)\nX: {}\n", "x".repeat(300_000)),
    );
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for text in [&long[..], STATUS] {
                    let new = dir.path().join("new");
                    fs::write(&new, text).unwrap();
                    fs::rename(&new, settings.admin.join("status")).unwrap();
                }
            }
        });
        for _ in 0..50 {
            let installed = read(&settings).unwrap();
            assert_eq!(installed.packages.len(), 4);
            assert_eq!(installed.warnings, [""; 0]);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_file_of_garbage_gives_few_warnings() {
    let (_dir, settings) = machine("garbage\n\n".repeat(10_000).as_bytes());
    let installed = read(&settings).unwrap();
    assert_eq!((installed.packages.len(), installed.warnings.len()), (0, MOST_WARNINGS));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_damage_is_survived(at in 0..STATUS.len(), len in 0_usize..40, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut damaged = STATUS.as_bytes().to_vec();
        damaged.splice(at..(at + len).min(STATUS.len()), bytes);
        let (_dir, settings) = machine(&damaged);
        fs::write(&settings.extended_states, &damaged).unwrap();
        let installed = read(&settings).unwrap();
        prop_assert!(installed.packages.is_sorted_by_key(|package| (package.name.clone(), package.architecture.clone())));
        for package in &installed.packages {
            prop_assert!(!installed.record(package).is_empty());
        }
        let count = installed.packages.len() as u32;
        prop_assert!(installed.edges.iter().all(|edge| edge.from < count && edge.to < count));
    }

    #[test]
    fn any_text_is_indexed(text in any::<String>(), near in "((Package|Status|Version|Depends|Description|Provides): [a-c:(>= 1)|,]{0,9}\n|[ \n#])*") {
        for text in [text, near] {
            for row in rows(&text).rows {
                prop_assert!(text.get(row.record.clone()).is_some());
                row.description(&text);
            }
        }
    }
}
