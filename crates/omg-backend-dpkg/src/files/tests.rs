use std::fs;

use omg_core::FileOrigin;
use proptest::prelude::*;

use super::*;

fn admin() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let info = dir.path().join("info");
    fs::create_dir(&info).unwrap();
    fs::write(info.join("dash.list"), "/.\n/bin\n/bin/dash\n/bin/sh\n").unwrap();
    fs::write(info.join("coreutils.list"), "/.\n/bin\n/bin/ls\n/usr/bin/install").unwrap();
    fs::write(info.join("libc6:amd64.list"), "/lib/\n\n/lib/libc.so.6\n").unwrap();
    fs::write(info.join("libc6:i386.list"), "/lib\n/lib/libc.so.6\n").unwrap();
    fs::write(info.join("one.list"), "/twice\n").unwrap();
    fs::write(info.join("two.list"), "/twice\n").unwrap();
    fs::write(info.join("dash.md5sums"), "x  bin/dash\n").unwrap();
    fs::write(dir.path().join("diversions"), "/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n:\n")
        .unwrap();
    dir
}

fn found(lists: &Lists, query: &str) -> Vec<String> {
    let describe = |found: FileMatch| {
        let mark = if found.origin == FileOrigin::Diversion { "!" } else { "" };
        let architecture = found.architecture.map(|name| format!(":{name}")).unwrap_or_default();
        format!("{mark}{}{architecture} {}", found.package, found.path)
    };
    lists.owners(query).into_iter().map(describe).collect()
}

#[test]
fn owners_are_found_by_path_pattern_and_part() {
    let dir = admin();
    let lists = Lists::read(dir.path(), None).unwrap();
    assert_eq!(found(&lists, "/bin/dash"), ["dash /bin/dash"]);
    assert_eq!(found(&lists, "/bin"), ["coreutils /bin", "dash /bin"]);
    assert_eq!(found(&lists, "/bin//."), ["coreutils /bin", "dash /bin"]);
    assert_eq!(found(&lists, "/bin/sh"), ["dash /bin/sh", "!dash /bin/sh.distrib"]);
    assert_eq!(found(&lists, "/b"), ["!local /b"]);
    assert_eq!(found(&lists, "/twice"), ["one /twice", "two /twice"]);
    assert_eq!(
        found(&lists, "/lib/libc.so.6"),
        ["libc6:amd64 /lib/libc.so.6", "libc6:i386 /lib/libc.so.6"]
    );
    assert_eq!(found(&lists, "*/ls"), ["coreutils /bin/ls"]);
    assert_eq!(found(&lists, "/bin/?s"), ["coreutils /bin/ls"]);
    assert_eq!(found(&lists, "in/ins"), ["coreutils /usr/bin/install"]);
    assert_eq!(found(&lists, "/lib"), ["libc6:amd64 /lib", "libc6:i386 /lib"]);
    assert_eq!(found(&lists, ""), [""; 0]);
    assert_eq!(found(&lists, "/bin/x\n/bin/ls"), [""; 0]);
}

#[test]
fn the_other_name_of_a_merged_directory_is_tried() {
    let dir = admin();
    let lists = Lists::read(dir.path(), None).unwrap();
    assert_eq!(found(&lists, "/usr/bin/ls"), ["coreutils /bin/ls"]);
    assert_eq!(found(&lists, "/bin/install"), ["coreutils /usr/bin/install"]);
    assert_eq!(merged_alias("/usr/share/x"), None);
    assert_eq!(merged_alias("/lib64/x").as_deref(), Some("/usr/lib64/x"));
}

#[test]
fn commands_are_files_in_directories_of_programs() {
    let dir = admin();
    let lists = Lists::read(dir.path(), None).unwrap();
    let packages = |name: &str| {
        lists.commands(name).into_iter().map(|found| found.package).collect::<Vec<_>>()
    };
    assert_eq!(packages("install"), ["coreutils"]);
    assert_eq!(packages("libc.so.6"), [""; 0]);
    assert_eq!(packages("bin/ls"), [""; 0]);
}

#[test]
fn one_list_is_read_with_or_without_architecture() {
    let dir = admin();
    assert_eq!(list(dir.path(), "libc6", "amd64").unwrap(), ["/lib", "/lib/libc.so.6"]);
    assert_eq!(list(dir.path(), "dash", "amd64").unwrap(), ["/.", "/bin", "/bin/dash", "/bin/sh"]);
    assert!(matches!(list(dir.path(), "../x", "amd64"), Err(Error::NotInstalled { .. })));
    assert!(installed_at(dir.path(), "dash", "amd64").is_some_and(|time| time > 1_000_000_000));
}

#[test]
fn the_cache_sees_changes() {
    let dir = admin();
    let cache = Cache::default();
    let mut installed = Installed::default();
    let package = |name: &str| omg_core::InstalledPackage {
        name: name.into(),
        version: "1".into(),
        architecture: "amd64".into(),
        source: omg_core::Source::Apt,
        state: omg_core::PackageState::Installed,
        automatic: false,
        orphan: false,
        held: false,
        essential: false,
        installed_size: 0,
        description: "".into(),
        section: "".into(),
        record: 0..0,
    };
    installed.packages = vec![package("dash"), package("new")];
    let first = cache.lists(dir.path(), &installed).unwrap();
    assert_eq!(found(&first, "/bin"), ["dash:amd64 /bin"]);
    assert!(Arc::ptr_eq(&first, &cache.lists(dir.path(), &installed).unwrap()));
    fs::write(dir.path().join("info/new.list"), "/bin/new\n").unwrap();
    let second = cache.lists(dir.path(), &installed).unwrap();
    assert_eq!(found(&second, "/bin/new"), ["new:amd64 /bin/new"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_searched(lists in prop::collection::vec(any::<u8>(), 0..200), query in "[/a*?\\[\\]\\\\-]{0,8}", other in any::<String>()) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("info")).unwrap();
        fs::write(dir.path().join("info/a.list"), &lists).unwrap();
        fs::write(dir.path().join("diversions"), &lists).unwrap();
        let lists = Lists::read(dir.path(), None).unwrap();
        for query in [query, other] {
            lists.owners(&query);
            lists.commands(&query);
        }
    }
}
