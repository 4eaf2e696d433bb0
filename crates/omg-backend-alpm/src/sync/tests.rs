use std::fs;
use std::path::Path;

use omg_core::{Fault, Repository};
use proptest::prelude::*;

use super::*;

/// What came in, as lines.
#[derive(Default)]
struct Lines {
    repositories: Vec<Repository>,
    packages: Vec<String>,
    warnings: Vec<String>,
}

impl Sink for Lines {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        self.repositories.push(repository.clone());
        Ok(RepositoryId(self.repositories.len() as u16 - 1))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        let versions: Vec<String> = package
            .versions
            .iter()
            .map(|one| format!("{}@{}/{}", one.version, one.repository.0, one.priority))
            .collect();
        let relations: Vec<String> = package
            .relations
            .iter()
            .map(|one| format!("{}:{}", one.kind.as_str(), one.name))
            .collect();
        self.packages.push(format!(
            "{} {} [{}] {} {:?} {} {:?} {}",
            package.name,
            package.architecture,
            package.section,
            package.description,
            package.provides,
            relations.join(","),
            package.candidate,
            versions.join(",")
        ));
        Ok(())
    }

    fn warning(&mut self, message: String) {
        self.warnings.push(message);
    }
}

fn database(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        // As it is: the crate's own way refuses `..`.
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn lines(conf: &str, databases: &[(&str, Vec<u8>)]) -> Lines {
    let root = tempfile::tempdir().unwrap();
    let sync = root.path().join("var/lib/pacman/sync");
    fs::create_dir_all(&sync).unwrap();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    fs::write(root.path().join(conf::FILE), conf).unwrap();
    for (name, bytes) in databases {
        fs::write(sync.join(format!("{name}.db")), bytes).unwrap();
    }
    let mut lines = Lines::default();
    read(&Conf::read(root.path()), &mut lines).unwrap();
    let prefix = format!("{}/", sync.display());
    for warning in &mut lines.warnings {
        *warning = warning.replace(&prefix, "");
    }
    lines
}

#[test]
fn the_first_repository_that_installs_has_the_candidate() {
    let a = database(&[
        ("a-1-1/depends", "%DEPENDS%\nx>=1\n"),
        ("a-1-1/desc", "%NAME%\na\n\n%VERSION%\n1-1\n\n%DESC%\nfirst\n\n%GROUPS%\ng\nh"),
    ]);
    let b = database(&[(
        "a-2-1/desc",
        "%NAME%\na\n\n%VERSION%\n2-1\n\n%DESC%\nsecond\n\n%ARCH%\nany\n\n%PROVIDES%\np=1\n=2\n\n%OPTDEPENDS%\nq: why\n",
    )]);
    let all = [("a", a.clone()), ("b", b), ("c", a)];
    let found = lines("[b]\nUsage = Search\n[a]\n[c]\nServer = https://u:p@x/$repo@y\n", &all);
    assert_eq!(found.packages, ["a  [g h] first [] depends:x Some(1) 2-1@0/3,1-1@1/2,1-1@2/1"]);
    assert_eq!(found.repositories[2].uri, "https://x/c@y");
    assert!(found.repositories.iter().all(|repository| repository.searched));
    let quiet = lines("[b]\nUsage = Install Upgrade\n[a]\n", &all).repositories;
    assert_eq!([quiet[0].searched, quiet[1].searched], [false, true]);
    let found = lines("[b]\n[a]\n", &all);
    assert_eq!(found.packages, [r#"a any [] second ["p"] suggests:q Some(0) 2-1@0/2,1-1@1/1"#]);
    let found = lines("[b]\nUsage = Search\n", &all);
    assert!(found.packages[0].contains(" None "), "{:?}", found.packages);
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn bad_databases_and_records_are_left_out_and_the_rest_is_kept() {
    let good = "%NAME%\nok\n\n%VERSION%\n1-1\n";
    let mut files = vec![("ok-1-1/desc", good), ("alpm", "x"), ("ok-1-1/other", "x")];
    for bad in [
        "-rf-1-1/desc",
        ".x-1-1/desc",
        "..-1-1/desc",
        "../a-1-1/desc",
        "a b-1-1/desc",
        "a\n-1-1/desc",
        "a\u{1b}[1m-1-1/desc",
        "name/desc",
        "é-1-1/desc",
        "/etc/a-1-1/desc",
        "a-1 2-1/desc",
    ] {
        files.push((bad, good));
    }
    files.extend([
        ("ok-2-1/desc", "%NAME%\nok\n"),
        ("other-1-1/desc", "%NAME%\nfake\n\n%VERSION%\n9\n"),
    ]);
    let cut = {
        let whole = database(&[("cut-1-1/desc", good)]);
        whole[..700].to_vec()
    };
    let conf = "[junk]\n[core]\n[missing]\n[cut]\n[bz]\n";
    let databases = [
        ("core", database(&files)),
        ("junk", vec![b'x'; 5000]),
        ("cut", cut),
        ("bz", b"BZh9".to_vec()),
    ];
    let found = lines(conf, &databases);
    let names: Vec<&str> =
        found.packages.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["ok", "other"]);
    assert_eq!(found.repositories.len(), 5);
    let about = |text: &str| found.warnings.iter().filter(|one| one.contains(text)).count();
    assert_eq!(about("core.db: '"), 14, "{:#?}", found.warnings);
    assert_eq!(about("is there twice"), 1);
    assert_eq!(about("in its record, which does not count"), 2);
    assert_eq!(about("the repository is left out"), 3, "{:#?}", found.warnings);
    assert_eq!(about("try: omg sync)"), 1);
    assert_eq!(about("bzip2"), 1);
    assert!(found.warnings.iter().all(|one| !one.contains(char::is_control)));
}

#[test]
fn warnings_and_large_records_have_limits() {
    let large = format!("%DESC%\n{}\n", "x".repeat(1 << 20));
    let many = format!("%DEPENDS%\n{}\n", "x\n".repeat(20_001));
    let mut files = vec![("large-1-1/desc".to_owned(), large), ("many-1-1/desc".to_owned(), many)];
    files.extend((0..1000).map(|number| (format!("-{number}-1-1/desc"), "x\n".to_owned())));
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let found = lines("[a]\n", &[("a", database(&files))]);
    assert!(found.packages.is_empty());
    assert_eq!(found.warnings.len(), MOST_NAMED + 1);
    assert_eq!(found.warnings[MOST_NAMED], "902 more odd records are not named");
}

#[test]
fn records_cross_pieces_in_order() {
    let mut files = Vec::new();
    for number in 0..5000 {
        let name = format!("p{number}");
        let text = format!("%NAME%\n{name}\n\n%VERSION%\n1-1\n\n%DESC%\n{}\n", "long ".repeat(30));
        files.push((format!("{name}-1-1/desc"), text));
    }
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let found = lines("[a]\n[b]\n", &[("a", database(&files)), ("b", database(&files[..100]))]);
    assert_eq!(found.packages.len(), 5000);
    for (number, line) in found.packages.iter().enumerate() {
        assert!(line.starts_with(&format!("p{number} ")), "{line}");
    }
}

fn any_entry() -> impl Strategy<Value = (String, String)> {
    let path = prop_oneof!["[a-c.-]{0,3}-[0-9/]-1/(desc|depends)", "[\\x00-\\x7f]{0,12}"];
    let text = prop_oneof![
        "((%NAME%|%DEPENDS%|%PROVIDES%|%CSIZE%|%GROUPS%|[a-c<>=:0-9 ]{0,5})\n){0,8}",
        any::<String>(),
    ];
    (path, text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_database_is_read(entries in prop::collection::vec(any_entry(), 0..8)) {
        let files: Vec<(&str, &str)> =
            entries.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let bytes = database(&files);
        let found = lines("[a]\n[b]\n", &[("a", bytes.clone()), ("b", bytes)]);
        for line in &found.packages {
            prop_assert!(line.split(' ').next().is_some_and(crate::desc::valid_name), "{}", line);
        }
    }
}

#[test]
fn a_root_without_anything_has_no_repositories() {
    let mut found = Lines::default();
    read(&Conf::read(Path::new("/no/such/root")), &mut found).unwrap();
    assert!(found.repositories.is_empty());
}
