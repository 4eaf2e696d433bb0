use std::fs;

use proptest::prelude::*;

use super::*;

fn database() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, files) in [
        ("filesystem-1-1", "%FILES%\nbin\nusr/\nusr/bin/\netc/\n\n%BACKUP%\netc/x\tabc\n\n"),
        ("bc-1-1", "%FILES%\nusr/\nusr/bin/\nusr/bin/bc\nusr/bin/dc\nusr/share/bc"),
        ("perl-1-1", "%FILES%\nusr/bin/vendor_perl/\nusr/bin/vendor_perl/exiftool\nopt/x/bin/bc\n"),
        ("none-1-1", "%BACKUP%\nusr/bin/bc\tabc\n"),
    ] {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("files"), files).unwrap();
    }
    fs::create_dir(dir.path().join("missing-1-1")).unwrap();
    dir
}

fn found(lists: &Lists, query: &str) -> Vec<String> {
    let describe = |found: FileMatch| format!("{} {}", found.package, found.path);
    lists.owners(query).into_iter().map(describe).collect()
}

#[test]
fn owners_are_found_by_path_pattern_and_command() {
    let dir = database();
    let lists = Lists::read(dir.path()).unwrap();
    assert_eq!(lists.warnings(), [""; 0]);
    assert_eq!(found(&lists, "/usr/bin/bc"), ["bc /usr/bin/bc"]);
    assert_eq!(found(&lists, "usr/bin/bc"), ["bc /usr/bin/bc"]);
    assert_eq!(found(&lists, "/bin"), ["filesystem /bin"]);
    assert_eq!(found(&lists, "/usr/bin"), ["bc /usr/bin/", "filesystem /usr/bin/"]);
    assert_eq!(found(&lists, "//usr/bin//"), ["bc /usr/bin/", "filesystem /usr/bin/"]);
    assert_eq!(found(&lists, "bc"), ["perl /opt/x/bin/bc", "bc /usr/bin/bc"]);
    assert_eq!(found(&lists, "exiftool"), ["perl /usr/bin/vendor_perl/exiftool"]);
    assert_eq!(found(&lists, "/usr/bin/?c"), ["bc /usr/bin/bc", "bc /usr/bin/dc"]);
    assert_eq!(
        found(&lists, "?c"),
        ["perl /opt/x/bin/bc", "bc /usr/bin/bc", "bc /usr/bin/dc", "bc /usr/share/bc"]
    );
    assert_eq!(found(&lists, "/et?"), ["filesystem /etc/"]);
    assert_eq!(found(&lists, "usr/s*"), ["bc /usr/share/bc"]);
    for nothing in ["", "/", "/etc/x", "/usr/bin/bc\n/usr", "none", "/usr/bin/b", "/%FILES%"] {
        assert_eq!(found(&lists, nothing), [""; 0], "{nothing}");
    }
}

#[test]
fn one_list_is_read() {
    let dir = database();
    assert_eq!(
        list(dir.path(), "bc", "1-1").unwrap(),
        ["/usr/", "/usr/bin/", "/usr/bin/bc", "/usr/bin/dc", "/usr/share/bc"]
    );
    for empty in ["none", "missing"] {
        assert_eq!(list(dir.path(), empty, "1-1").unwrap(), [""; 0]);
    }
    for name in ["no", "../bc", "bc-1-1/../bc", ""] {
        assert!(matches!(list(dir.path(), name, "1-1"), Err(Error::NotInstalled { .. })), "{name}");
    }
}

#[test]
fn a_huge_list_is_refused() {
    let dir = database();
    let file = fs::File::create(dir.path().join("bc-1-1/files")).unwrap();
    file.set_len(LARGEST_LIST + 1).unwrap();
    assert!(matches!(list(dir.path(), "bc", "1-1"), Err(Error::TooLarge { .. })));
    let lists = Lists::read(dir.path()).unwrap();
    assert_eq!(lists.warnings().len(), 1);
    assert_eq!(found(&lists, "/bin"), ["filesystem /bin"]);
}

#[test]
fn directories_that_are_links_are_followed() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("usr/lib")).unwrap();
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.path().join(at)).unwrap();
    link("usr/bin", "bin");
    link("/usr/lib", "lib64");
    link("../../lib64", "usr/lib/self");
    link("round", "round");
    link("dash", "sh");
    let to = |path: &str| resolved(root.path(), path);
    assert_eq!(to("/bin/sh").as_deref(), Some("/usr/bin/sh"));
    assert_eq!(to("/lib64/x/").as_deref(), Some("/usr/lib/x"));
    assert_eq!(to("/usr/lib/self/self/x").as_deref(), Some("/usr/lib/x"));
    assert_eq!(to("/usr/../../bin/./x").as_deref(), Some("/usr/bin/x"));
    for same in ["/sh", "/usr/bin/sh", "/nowhere/x", "/round/x", "sh", "", "/"] {
        assert_eq!(to(same), None, "{same}");
    }
}

#[test]
fn the_cache_sees_changes() {
    let dir = database();
    let cache = Cache::default();
    let first = cache.lists(dir.path()).unwrap();
    assert!(Arc::ptr_eq(&first, &cache.lists(dir.path()).unwrap()));
    fs::write(dir.path().join("missing-1-1/files"), "%FILES%\nnew\n").unwrap();
    assert_eq!(found(&cache.lists(dir.path()).unwrap(), "/new"), ["missing /new"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_searched(bytes in prop::collection::vec(any::<u8>(), 0..200), near in "(%FILES%\n|[/a.]{0,4}\n|\n){0,9}", query in "[/a*?\\[\\]\\\\-]{0,8}", other in any::<String>()) {
        let mut lists = Lists::empty();
        lists.push("a", &bytes);
        lists.push("b", near.as_bytes());
        for query in [query, other] {
            lists.owners(&query);
            lists.commands(&query);
            resolved(Path::new("/nonexistent"), &query);
        }
        for path in sorted(paths(near.as_bytes())) {
            prop_assert!(path.contains("//") || !lists.owners(&path).is_empty(), "{}", path);
        }
    }
}
