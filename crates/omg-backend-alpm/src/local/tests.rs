use proptest::prelude::*;

use super::*;

fn database(entries: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(VERSION_FILE), "9\n").unwrap();
    for (name, desc) in entries {
        let entry = dir.path().join(name);
        fs::create_dir(&entry).unwrap();
        fs::write(entry.join("desc"), desc).unwrap();
    }
    dir
}

fn read_all(dir: &tempfile::TempDir) -> Installed {
    let list = |text: &str| vec![text.to_owned()];
    read(dir.path(), &Rules::new(&list("kept*"), &list("base"), &list("pac*"))).unwrap()
}

fn names(installed: &Installed) -> Vec<&str> {
    installed.packages.iter().map(|package| &*package.name).collect()
}

#[test]
fn packages_are_read_with_what_the_rules_say() {
    let dir = database(&[
        (
            "pacman-6-1",
            "%NAME%\npacman\n\n%VERSION%\n6-1\n\n%ARCH%\nx86_64\n\n%SIZE%\n77\n\n%DEPENDS%\nb\n\n",
        ),
        (
            "b-1:2-1",
            "%NAME%\nb\n\n%VERSION%\n1:2-1\n\n%DESC%\nB\n\n%REASON%\n1\n\n%GROUPS%\nx\nbase\n\n",
        ),
        ("kept-lib-1-1", "%NAME%\nkept-lib\n\n%VERSION%\n1-1\n\n%REASON%\n1\n"),
    ]);
    let installed = read_all(&dir);
    assert_eq!(installed.warnings, [""; 0]);
    let [b, kept, pacman] = installed.packages.as_slice() else { panic!("{installed:?}") };
    assert_eq!(
        (&*b.name, &*b.version, &*b.description, &*b.section),
        ("b", "1:2-1", "B", "x base")
    );
    assert!(b.automatic && !b.orphan && b.held && !b.essential);
    assert!(kept.automatic && kept.orphan && kept.held);
    assert!(!pacman.automatic && !pacman.held && pacman.essential);
    assert_eq!((pacman.installed_size, &*pacman.architecture), (77, "x86_64"));
    assert!(installed.record(pacman).starts_with("%NAME%\npacman\n"));
    assert_eq!(installed.edges.len(), 1);
}

#[test]
fn what_makes_no_sense_is_told_and_the_rest_is_kept() {
    let dir = database(&[
        ("good-1-1", "%NAME%\ngood\n\n%VERSION%\n1-1\n\n%REASON%\n7\n\n"),
        ("cut-1-1", "%NAME%\ncut\n\n%VERS"),
        ("empty-1-1", ""),
        ("other-1-1", "%NAME%\ngood\n\n%VERSION%\n1-1\n\n"),
        ("older-1-1", "%NAME%\nolder\n\n%VERSION%\n1-2\n\n"),
        ("two-1-1", "%NAME%\ntwo\n\n%VERSION%\n1-1\n\n"),
        ("two-1-10", "%NAME%\ntwo\n\n%VERSION%\n1-10\n\n"),
        ("two-1-9", "%NAME%\ntwo\n\n%VERSION%\n1-9\n\n"),
        ("bin-1-1", "\0\u{7f}\n%NAME%\u{1}"),
        ("no\nname-1-1", "%NAME%\nno\n"),
        ("-dash-1-1", ""),
        ("..-1-1", ""),
        ("nothing", ""),
    ]);
    fs::create_dir(dir.path().join("missing-1-1")).unwrap();
    fs::create_dir_all(dir.path().join("dir-1-1/desc")).unwrap();
    fs::write(dir.path().join("good-1-1/other"), "").unwrap();
    let installed = read_all(&dir);
    assert_eq!(names(&installed), ["good", "two"]);
    assert_eq!(&*installed.packages[1].version, "1-10");
    let all = installed.warnings.join("\n");
    assert!(!all.contains('\u{1}') && !all.contains("no\nname"), "{all}");
    for part in [
        "good-1-1/desc:8: the reason is neither 0 nor 1",
        "cut-1-1/desc:1: the record is cut off: it has no %VERSION%",
        "empty-1-1/desc:1: the record is cut off: it has no %NAME%",
        "other-1-1/desc:4: %NAME% is not that of the directory",
        "older-1-1/desc:4: %VERSION% is not that of the directory",
        "'two' is there in several versions",
        "bin-1-1/desc:1: the record is cut off",
        "/no\\x0aname-1-1 is not named as",
        "/-dash-1-1 is not named as",
        "/..-1-1 is not named as",
        "/nothing is not named as",
        "missing-1-1/desc while",
        "not a regular file",
    ] {
        assert!(all.contains(part), "{part} is not in\n{all}");
    }
    assert_eq!(installed.warnings.len(), 14);
}

#[test]
fn the_layout_must_be_of_the_version_that_is_known() {
    let version = |dir: &tempfile::TempDir| match read(dir.path(), &Rules::default()) {
        Err(error @ Error::DatabaseVersion { .. }) => {
            (error.to_string(), error.fault().hint.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    };
    let dir = database(&[("a-1-1", "%NAME%\na\n\n%VERSION%\n1-1\n\n")]);
    let file = dir.path().join(VERSION_FILE);
    fs::write(&file, "8\n").unwrap();
    let (message, hint) = version(&dir);
    assert!(
        message.contains("is of version 8, not 9") && hint == "sudo pacman-db-upgrade",
        "{message}"
    );
    for text in ["", "x9", "99999999999999999999"] {
        fs::write(&file, text).unwrap();
        version(&dir);
    }
    fs::remove_file(&file).unwrap();
    assert!(version(&dir).0.contains("no version"));
    for text in ["9", " 9\n\n"] {
        fs::write(&file, text).unwrap();
        assert_eq!(names(&read_all(&dir)), ["a"]);
    }
    let none = tempfile::tempdir().unwrap();
    assert_eq!(names(&read_all(&none)), [""; 0]);
    let gone = none.path().join("local");
    assert!(matches!(read(&gone, &Rules::default()), Err(Error::NoDatabase { .. })));
}

#[test]
fn a_huge_record_is_refused_and_a_pipe_is_not_waited_for() {
    let dir = database(&[("a-1-1", "%NAME%\na\n\n%VERSION%\n1-1\n\n"), ("b-1-1", "")]);
    let file = fs::File::create(dir.path().join("b-1-1/desc")).unwrap();
    file.set_len(LARGEST_RECORD + 1).unwrap();
    fs::create_dir(dir.path().join("c-1-1")).unwrap();
    let pipe = dir.path().join("c-1-1/desc");
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let installed = read_all(&dir);
    assert_eq!(names(&installed), ["a"]);
    assert_eq!(installed.warnings.len(), 2);
    assert!(installed.warnings[0].contains("more than 1048576 bytes"));
}

#[test]
fn scriptlets_are_found() {
    let dir = database(&[("a-1-1", ""), ("b-1-1", "")]);
    fs::write(dir.path().join("a-1-1/install"), "post_install() { :; }").unwrap();
    assert!(has_scriptlet(dir.path(), "a", "1-1") && !has_scriptlet(dir.path(), "b", "1-1"));
    assert!(!has_scriptlet(dir.path(), "../a", "1-1"));
    assert_eq!(entry_dir(dir.path(), "a", "1/../b-1"), None);
}

proptest! {
    #[test]
    fn any_record_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200), near in "(%(NAME|VERSION|REASON|DEPENDS|PROVIDES|GROUPS)%\n|a\n|1-1\n|a>1\n|\n){0,14}") {
        let start = "%NAME%\na\n\n%VERSION%\n1-1\n\n";
        let dir = database(&[("a-1-1", &near), ("b-1-1", "")]);
        fs::write(dir.path().join("b-1-1/desc"), bytes).unwrap();
        for text in [near.clone(), format!("{start}{near}")] {
            fs::write(dir.path().join("a-1-1/desc"), text).unwrap();
            let installed = read_all(&dir);
            for package in &installed.packages {
                let details = crate::details::read(installed.record(package));
                prop_assert_eq!((details.name, details.version), (&*package.name, &*package.version));
            }
        }
    }
}
