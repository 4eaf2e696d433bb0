use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;

use super::*;
use crate::apt::oracle;

impl Conf {
    /// Every option with a value, as `apt-config dump --format '%f=%v%n'` writes it.
    fn dump(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut open = vec![(0_usize, String::new())];
        while let Some((at, name)) = open.pop() {
            let item = &self.items[at];
            if !item.value.is_empty() {
                lines.push(format!("{name}={}", item.value));
            }
            for &child in &item.children {
                let tag = &self.items[child].tag;
                let name = if name.is_empty() { tag.clone() } else { format!("{name}::{tag}") };
                open.push((child, name));
            }
        }
        lines
    }
}

/// What apt-config says of a root, and what we say, for options that start with `Test`.
fn compare(files: &[(&str, &str)]) -> Conf {
    let root = oracle::root();
    for (path, text) in files {
        fs::write(root.path().join("etc/apt").join(path), text).unwrap();
    }
    let conf = Conf::read(root.path());
    let mine = |lines: Vec<String>| -> BTreeSet<String> {
        lines
            .into_iter()
            .filter(|line| line.to_ascii_lowercase().starts_with("test") && !line.ends_with('='))
            .collect()
    };
    if let Some(theirs) = oracle::apt(root.path(), "apt-config", &["dump", "--format", "%F=%v%n"]) {
        if theirs.is_empty() {
            // apt refuses to work with a mistake in its configuration; we go on and tell.
            assert!(!conf.warnings().is_empty(), "{files:?}");
            return conf;
        }
        let theirs = theirs.lines().map(str::to_owned).collect();
        assert_eq!(mine(conf.dump()), mine(theirs), "{files:?}, {:?}", conf.warnings());
    }
    conf
}

#[test]
fn files_are_read_in_apts_order() {
    let conf = compare(&[
        ("apt.conf", "Test::Main \"yes\"; Test::Value \"main\";"),
        ("apt.conf.d/20late", "Test::Value \"late\"; Test::List { \"c\"; };"),
        (
            "apt.conf.d/10early.conf",
            "Test::Value \"early\"; Test::Early \"yes\"; Test::List { \"a\"; \"b\"; };",
        ),
        ("apt.conf.d/30ignored.bak", "Test::Value \"ignored\"; Test::Ignored \"yes\";"),
        ("apt.conf.d/.hidden", "Test::Hidden \"yes\";"),
        ("apt.conf.d/bad name", "Test::Bad \"yes\";"),
    ]);
    assert_eq!(conf.get("test::value"), Some("main"));
    assert_eq!(conf.list("Test::List"), ["a", "b", "c"]);
    assert!(conf.warnings().is_empty());
}

#[test]
fn the_syntax_is_apts() {
    for text in [
        "Test { One \"1\"; Two { Three \"3\"; }; };",
        "Test::A \"x\" ; // comment\nTest::B \"http://host/#frag\"; # comment\n/* Test::C \"no\"; */ Test::D \"yes\";",
        "Test::A /* in between */ \"x\";\n/* open\nTest::B \"no\";\n*/ Test::C \"x\";",
        "Test {\n  \"bare\";\n  Tag \"value\";\n  Deep::Er \"x\";\n};",
        "Test::List:: \"a\";\nTest::List:: \"b\";\nTest::List { \"c\"; };",
        "Test::List { \"a\"; \"b\"; };\n#clear Test::List;\nTest::List { \"c\"; };",
        "Test::A \"1\"; Test::B \"2\"; #clear Test;\nTest::C \"3\";",
        "Test::Unquoted value; Test::Percent %41%42; Test::Joined \"a\" \"b\"   \"c\";",
        "test::lower \"x\"; TEST::LOWER \"y\";",
        "Test \"value\" { Inner \"x\"; };",
        "Test::Multi\n\"over\"\n\"lines\";",
        "Test::A \"x\" junk; Test::B \"y\";",
        "Test::A \"x\"; } Test::B \"y\"; };",
        "Test::A \"x\"; { Test::B \"y\"; };",
        "Test::A \"open; Test::B \"y\";",
        "Test::A \"x\";\nTest::B \"end\"",
        "Test::A \"\"; Test::B \"a;b{c}\";",
        "Test::Odd;Test::Next \"x\";",
    ] {
        compare(&[("apt.conf", text)]);
    }
}

#[test]
fn paths_stand_below_their_parents_and_the_root() {
    let root = oracle::root();
    let text =
        "Dir::State::lists \"/srv/lists\"; Dir::Etc::preferences \"../pins\"; Dir::Cache \"tmp\";";
    fs::write(root.path().join("etc/apt/apt.conf"), text).unwrap();
    let conf = Conf::read(root.path());
    assert_eq!(conf.dir("Dir::State::lists"), root.path().join("srv/lists"));
    assert_eq!(conf.file("Dir::Etc::sourcelist"), root.path().join("etc/apt/sources.list"));
    assert_eq!(conf.file("Dir::State::status"), root.path().join("var/lib/dpkg/status"));
    assert_eq!(conf.below_root("/../../etc/passwd"), root.path().join("etc/passwd"));
}

#[test]
fn the_architecture_is_that_of_dpkg() {
    let root = oracle::root();
    let status = "Package: vim\nArchitecture: amd64\n\nPackage: dpkg\nStatus: install ok installed\nArchitecture: armhf\n\n";
    fs::write(root.path().join("var/lib/dpkg/status"), status).unwrap();
    fs::write(root.path().join("var/lib/dpkg/arch"), "armhf\narm64\n").unwrap();
    let conf = Conf::read(root.path());
    assert_eq!(conf.architectures(), ["armhf", "arm64"]);
}

#[test]
fn includes_stay_below_the_root_and_end() {
    let root = oracle::root();
    fs::write(
        root.path().join("etc/apt/apt.conf"),
        "#include \"/etc/apt/apt.conf\";\nTest::A \"x\";",
    )
    .unwrap();
    let conf = Conf::read(root.path());
    assert_eq!(conf.warnings().len(), 1, "{:?}", conf.warnings());
}

#[test]
fn this_machine_is_read_as_apt_reads_it() {
    let Ok(output) =
        std::process::Command::new("apt-config").args(["dump", "--format", "%F=%v%n"]).output()
    else {
        println!("skipped: apt-config can't be run");
        return;
    };
    let theirs: BTreeSet<String> =
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    let conf = Conf::read(Path::new("/"));
    let mut ours: Vec<String> = conf.dump();
    // apt-config replaces these by what it makes of them.
    ours.retain(|line| !line.starts_with("Acquire::Languages"));
    for line in &ours {
        assert!(theirs.contains(line), "{line}");
    }
    assert!(ours.len() > 20);
}

proptest! {
    #[test]
    fn no_text_panics(text in r"[\PC\n]{0,200}", more in r#"([A-Ca-c:]{1,4}|[{};"/#* \n]|//|/\*|\*/|#clear |#include )*"#) {
        let mut conf = Conf { root: "/nonexistent".into(), items: vec![Item::default()], files: Vec::new(), warnings: Vec::new() };
        conf_parse::parse(&mut conf, Path::new("x"), &text, 0);
        conf_parse::parse(&mut conf, Path::new("x"), &more, 0);
    }
}
