use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;

use super::*;
use crate::apt::oracle;

/// Names of the lists of packages that belong to these sources, ours and apt's.
fn compare(conf: &str, files: &[(&str, &str)]) -> Sources {
    let root = oracle::root();
    fs::write(
        root.path().join("etc/apt/apt.conf"),
        format!("APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\n{conf}"),
    )
    .unwrap();
    for (path, text) in files {
        fs::write(root.path().join("etc/apt").join(path), text).unwrap();
    }
    let sources = Sources::read(&Conf::read(root.path()));
    let ours: BTreeSet<String> = sources
        .suites
        .iter()
        .flat_map(|suite| &suite.packages)
        .map(|target| target.file.clone())
        .collect();
    let arguments =
        ["indextargets", "--no-release-info", "--format", "$(FILENAME)", "Created-By: Packages"];
    if let Some(theirs) = oracle::apt(root.path(), "apt-get", &arguments) {
        let theirs: BTreeSet<String> =
            theirs.lines().filter_map(|line| line.rsplit('/').next()).map(str::to_owned).collect();
        assert_eq!(ours, theirs, "{files:?}, {:?}", sources.warnings);
    }
    sources
}

#[test]
fn one_line_sources_name_the_lists_that_apt_names() {
    for text in [
        "deb http://deb.debian.org/debian bookworm main contrib non-free-firmware\n",
        "deb [arch=amd64,i386 signed-by=/x.gpg] https://user:pw@host.example:8443/a_b/ sid main # comment\n",
        "deb [ arch+=arm64 lang=none ] http://h/d s c\ndeb-src http://h/d s c\n# deb http://no/no n n\n",
        "deb [arch-=amd64] http://h/d s c\ndeb [arch=all] http://h2/d s c\ndeb [arch-=all] http://h3/d s c\n",
        "deb file:/srv/repo ./\ndeb http://h/flat stable/\ndeb http://h/root /\n",
        "deb mirror+file:/etc/apt/mirrors.txt bookworm main\ndeb cdrom:[Debian GNU/Linux 12]/ bookworm main\n",
        "deb http://h/$(ARCH)/x s/$(ARCH)/ \n",
        "deb http://h/d a~b+c main/sub\ndeb http://h/d%20e s c\ndeb http://[::1]:80/x s c\n",
        "deb http://h/d s c\ndeb http://h/d s c c2\ndeb http://h/d/ s c\n",
        "\n   \t\ndeb\thttp://h/d\ts  c   c2\r\n",
        "deb [target=Packages] http://h/d s c\ndeb [target-=Packages] http://h2/d s c\ndeb [Packages=no] http://h3/d s c\n",
        "deb tor+http://abc.onion/debian s c\ndeb copy:/x s c\ndeb ftp://ftp.h/d s c\n",
    ] {
        let sources = compare("", &[("sources.list", text)]);
        assert!(sources.warnings.is_empty(), "{text}: {:?}", sources.warnings);
    }
}

#[test]
fn deb822_sources_name_the_lists_that_apt_names() {
    let one = "# comment\nTypes: deb deb-src\nURIs: http://a/d http://b/d/\n https://c/d\nSuites: s s-updates\nComponents: x y\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n\nTypes: deb\nURIs: file:/srv\nSuites: ./\nEnabled: yes\n";
    let two = "Enabled: no\nTypes: deb\nURIs: http://off/d\nSuites: s\nComponents: x\n\n\n# only a comment\n\nTypes: deb\nURIs: http://on/d\nSuites: s\nComponents: x\nArchitectures: amd64 armhf\n";
    let three = "Types: deb\nURIs: http://z/d\nSuites: s\nComponents: x\nArchitectures-Add: i386\nArchitectures-Remove: amd64\nTargets: Packages\n";
    let four = "types: deb\nuris: http://lower/d\nsuites: s\ncomponents: x\nLanguages: none\n";
    for text in [one, two, three, four] {
        let sources = compare("", &[("sources.list.d/x.sources", text)]);
        assert!(sources.warnings.is_empty(), "{text}: {:?}", sources.warnings);
    }
    let files = [
        ("sources.list", "deb http://first/d s c\n"),
        ("sources.list.d/b.list", "deb http://b/d s c\n"),
        ("sources.list.d/a.sources", four),
        ("sources.list.d/c.list.save", "deb http://no/d s c\n"),
        ("sources.list.d/d", "deb http://no/d s c\n"),
    ];
    assert_eq!(compare("", &files).suites.len(), 3);
}

#[test]
fn architectures_and_lists_follow_the_configuration() {
    compare("APT::Architectures { \"i386\"; };", &[("sources.list", "deb http://h/d s c\n")]);
    compare(
        "Dir::Etc::sourcelist \"other.list\"; Dir::Etc::sourceparts \"-\";",
        &[
            ("other.list", "deb http://h/d s c\n"),
            ("sources.list.d/x.list", "deb http://no/d s c\n"),
        ],
    );
    compare(
        "Acquire::IndexTargets::deb::Packages::MetaKey \"$(COMPONENT)/bin-$(ARCHITECTURE)/List\";",
        &[("sources.list", "deb http://h/d s c\n")],
    );
}

#[test]
fn mistakes_are_told_with_their_line() {
    for (text, line) in [
        ("deb http://h/d s c\nrpm http://h/d s c\n", 2),
        ("deb http://h/d s\n", 1),
        ("deb nohost s c\n", 1),
        ("deb [arch] http://h/d s c\n", 1),
        ("deb http://h/d ./ c\n", 1),
        ("\n\ndeb\n", 3),
    ] {
        let root = oracle::root();
        fs::write(root.path().join("etc/apt/sources.list"), text).unwrap();
        let sources = Sources::read(&Conf::read(root.path()));
        assert_eq!(sources.warnings.len(), 1, "{text}");
        assert!(
            sources.warnings[0].contains(&format!("sources.list:{line}: ")),
            "{:?}",
            sources.warnings
        );
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in r"((deb|http://h/d|s/?|c|\[|\]|=|arch|Types:|URIs:|Suites:|\n| |#|%|\PC)){0,40}") {
        let conf = Conf::read(Path::new("/nonexistent"));
        let mut sources = Sources::default();
        sources.file(&conf, Path::new("x.list"), &text);
        sources.file(&conf, Path::new("x.sources"), &text);
    }
}
