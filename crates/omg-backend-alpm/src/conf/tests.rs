use proptest::prelude::*;

use super::*;

fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn names(conf: &Conf) -> Vec<&str> {
    conf.repositories.iter().map(|one| one.name.as_str()).collect()
}

#[test]
fn paths_are_below_the_root() {
    let root = root(&[
        (
            FILE,
            "[options]\nDBPath = /db/../../x/\nCacheDir = /c /d\n[core]\nInclude = /etc/pacman.d/*list\n",
        ),
        ("etc/pacman.d/mirrorlist", "Server = http://a/$repo/$arch\n# Server = x\n[extra]\n"),
        ("etc/pacman.d/.hidden-list", "[hidden]\n"),
        ("etc/pacman.d/zlist", "Server = http://b/$repo\n"),
    ]);
    let conf = Conf::read(root.path());
    assert_eq!(conf.root, root.path());
    assert_eq!(conf.db_path, root.path().join("x"));
    assert_eq!(conf.cache_dirs, [root.path().join("c"), root.path().join("d")]);
    assert_eq!(conf.log_file, root.path().join("var/log/pacman.log"));
    assert_eq!(names(&conf), ["core", "extra"], "a section goes on over the end of a file");
    assert_eq!(conf.repositories[1].servers, ["http://b/extra"]);
    assert_eq!(conf.files.len(), 4, "the holds of omg are read, too");
    assert_eq!(conf.warnings.len(), 1, "$arch without Architecture: {:?}", conf.warnings);
}

#[test]
fn what_is_wrong_is_named_by_line() {
    let root = root(&[(
        FILE,
        "Color\n[options]\nArchitecture = a b\nNope = 1\nNever\nSigLevel = Required What\n\
         ParallelDownloads = 0\nCleanMethod = All\n[core]\nServer\nUsage = Sync Nothing\nCacheServer = $arch\n\
         Include = /no/such\n[core]\n[a/b]\nServer = x\n[local]\n[..]\n[]\nInclude\n",
    )]);
    let conf = Conf::read(root.path());
    let lines: Vec<usize> = conf
        .warnings
        .iter()
        .filter_map(|warning| warning.split("pacman.conf:").nth(1)?.split(':').next()?.parse().ok())
        .collect();
    assert_eq!(
        lines,
        [1, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 17, 18, 19, 20],
        "{:#?}",
        conf.warnings
    );
    assert_eq!(names(&conf), ["core"]);
    assert_eq!(conf.repositories[0].cache_servers, ["a"]);
    assert_eq!(conf.repositories[0].usage, Usage { sync: true, ..Usage::NONE });
    assert_eq!(conf.sig_level, SigLevel::default());
}

#[test]
fn levels_are_laid_over_those_of_options() {
    let text = "[core]\nSigLevel = PackageTrustAll\n[options]\nSigLevel = Required DatabaseNever\n[extra]\n";
    let root = root(&[(FILE, text)]);
    let conf = Conf::read(root.path());
    let required = Check { verify: Verify::Required, trust_all: false };
    assert_eq!(conf.sig_level.package, required);
    assert_eq!(conf.repositories[0].sig_level.package, Check { trust_all: true, ..required });
    assert_eq!(conf.repositories[0].sig_level.database.verify, Verify::Never);
    assert_eq!(conf.repositories[1].sig_level, conf.sig_level);
}

#[test]
fn without_a_file_the_databases_say() {
    let root = root(&[
        ("var/lib/pacman/sync/zzz.db", ""),
        ("var/lib/pacman/sync/extra.db", ""),
        ("var/lib/pacman/sync/aaa.db", ""),
        ("var/lib/pacman/sync/core.db", ""),
        ("var/lib/pacman/sync/core.files", ""),
    ]);
    let conf = Conf::read(root.path());
    assert_eq!(names(&conf), ["core", "extra", "aaa", "zzz"]);
    assert_eq!(conf.warnings.len(), 2);
    assert_eq!(conf.files, [FILE, "var/lib/omg/state/holds"].map(|it| root.path().join(it)));
    assert!(Conf::read(&root.path().join("nowhere")).repositories.is_empty());
}

#[test]
fn inclusions_end() {
    let root =
        root(&[(FILE, "[core]\nInclude = /etc/pacman.conf\nInclude = /etc/*.conf\nServer = x\n")]);
    let conf = Conf::read(root.path());
    assert!(conf.files.len() <= MOST_FILES + 1);
    assert!(conf.warnings.len() <= 101);
    assert!(conf.warnings.iter().any(|warning| warning.contains("deeper than 10")));
}

#[test]
fn a_huge_file_is_refused() {
    let root = root(&[(FILE, "")]);
    fs::File::create(root.path().join(FILE)).unwrap().set_len(LARGEST_FILE + 1).unwrap();
    assert!(Conf::read(root.path()).warnings[0].contains("has more than"));
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200),
        near in "((\\[options\\]|\\[core\\]|Include *= */etc/[*?a-z\\[\\]]{0,4}|(Server|Usage|SigLevel|Architecture|CleanMethod|DBPath) *=? *[A-Za-z$/. ]{0,8})\n){0,8}") {
        for text in [bytes, near.into_bytes()] {
            let root = root(&[]);
            fs::create_dir_all(root.path().join("etc")).unwrap();
            fs::write(root.path().join(FILE), text).unwrap();
            let conf = Conf::read(root.path());
            prop_assert!(conf.db_path.starts_with(root.path()));
        }
    }
}
