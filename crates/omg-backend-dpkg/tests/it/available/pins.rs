//! Candidates under every kind of pin, each on a root of its own, with apt-cache as the judge.

use super::root::{Root, installed, record};

const STABLE: &str = "Origin: Debian\nLabel: Debian\nSuite: stable\nVersion: 12.12\nCodename: bookworm\nComponents: main";
const TESTING: &str =
    "Origin: Debian\nLabel: Debian\nSuite: testing\nCodename: trixie\nComponents: main";
const BACKPORTS: &str = "Origin: Debian Backports\nLabel: Debian Backports\nSuite: stable-backports\nCodename: bookworm-backports\nNotAutomatic: yes\nButAutomaticUpgrades: yes\nComponents: main";
const EXPERIMENTAL: &str = "Origin: Debian\nLabel: Debian\nSuite: experimental\nCodename: rc-buggy\nNotAutomatic: yes\nComponents: main";

/// Two releases; `foo` 1 is installed, 2 in stable, 3 in testing.
fn two() -> Root {
    Root::new()
        .status(
            &(installed("foo", "1", "amd64", "")
                + &installed("own", "5", "amd64", "")
                + &installed("bar", "2", "amd64", "")),
        )
        .suite(
            "a.example",
            "stable",
            "main",
            STABLE,
            &(record("foo", "2", "amd64", "")
                + &record("bar", "2", "amd64", "")
                + &record("baz", "1", "all", "Source: foo (2)")),
        )
        .suite(
            "b.example",
            "testing",
            "main",
            TESTING,
            &(record("foo", "3", "amd64", "")
                + &record("bar", "1", "amd64", "")
                + &record("baz", "2", "amd64", "Source: foo (3)")),
        )
}

const NAMES: &[&str] = &["foo", "bar", "baz", "own"];

#[tokio::test]
async fn without_pins_the_newest_wins() {
    let system = two().compare(NAMES).await;
    assert_eq!(system.policy("foo").candidate.as_deref(), Some("3"));
    assert_eq!(system.policy("own").candidate.as_deref(), Some("5"));
    let names: Vec<_> =
        system.catalogue.repositories.iter().map(|repository| repository.name.as_str()).collect();
    assert_eq!(names, ["bookworm/main", "trixie/main"]);
}

#[tokio::test]
async fn backports_upgrade_only_what_came_from_them() {
    let root = Root::new()
        .status(&(installed("old", "1", "amd64", "") + &installed("new", "2~bpo1", "amd64", "")))
        .suite(
            "a.example",
            "stable",
            "main",
            STABLE,
            &(record("old", "1", "amd64", "")
                + &record("new", "1", "amd64", "")
                + &record("third", "1", "amd64", "")),
        )
        .suite(
            "a.example",
            "stable-backports",
            "main",
            BACKPORTS,
            &(record("old", "2~bpo1", "amd64", "")
                + &record("new", "2~bpo2", "amd64", "")
                + &record("only", "9", "amd64", "")),
        );
    let system = root.compare(&["old", "new", "third", "only"]).await;
    assert_eq!(system.policy("old").candidate.as_deref(), Some("1"));
    assert_eq!(system.policy("new").candidate.as_deref(), Some("2~bpo2"));
    assert_eq!(system.policy("only").candidate.as_deref(), Some("9"));
}

#[tokio::test]
async fn experimental_is_taken_only_if_nothing_else_is_there() {
    let root = Root::new().status(&installed("old", "1", "amd64", "")).suite(
        "a.example",
        "experimental",
        "main",
        EXPERIMENTAL,
        &(record("old", "2", "amd64", "") + &record("only", "2", "amd64", "")),
    );
    root.compare(&["old", "only"]).await;
}

#[tokio::test]
async fn a_pin_above_1000_downgrades() {
    let root = two().preferences("Package: bar\nPin: version 1*\nPin-Priority: 1001\n");
    let system = root.compare(NAMES).await;
    assert_eq!(system.policy("bar").candidate.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_pin_of_1000_downgrades_and_990_does_not() {
    for priority in ["1000", "999", "990"] {
        let text = format!("Package: bar\nPin: release n=trixie\nPin-Priority: {priority}\n");
        two().preferences(&text).compare(NAMES).await;
    }
}

#[tokio::test]
async fn a_negative_pin_hides() {
    let root = two().preferences("Package: foo\nPin: release o=Debian\nPin-Priority: -1\n\nPackage: baz\nPin: version *\nPin-Priority: -1\n");
    let system = root.compare(NAMES).await;
    assert_eq!(system.policy("baz").candidate, None);
    assert_eq!(system.policy("foo").candidate.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_target_release_is_preferred() {
    for release in ["bookworm", "stable", "12*", "a=stable", "n=trixie", "/^book/"] {
        two().conf(&format!("APT::Default-Release \"{release}\";")).compare(NAMES).await;
    }
}

#[tokio::test]
async fn general_pins_go_by_release_and_host() {
    for pin in [
        "release a=testing",
        "release n=trix*",
        "release l=Debian, a=testing",
        "release o=Debian,v=12.12",
        "release v=12*",
        "release c=main",
        "release b=amd64",
        "release a=now",
        "release testing",
        "release *",
        "release o=/deb.+/",
        "origin b.example",
        "origin \"b.example\"",
        "origin *.example",
        "origin \"\"",
    ] {
        for priority in [-5, 50, 100, 600, 1001] {
            let text = format!(
                "Explanation: for a test\nPackage: *\nPin: {pin}\nPin-Priority: {priority}\n"
            );
            two().preferences(&text).compare(NAMES).await;
        }
    }
}

#[tokio::test]
async fn never_is_for_places_only() {
    let root = two().preferences("Package: *\nPin: origin b.example\nPin-Priority: never\n\nPackage: foo\nPin: version 3\nPin-Priority: 1001\n");
    let system = root.compare(NAMES).await;
    assert_eq!(system.policy("foo").candidate.as_deref(), Some("2"));
}

#[tokio::test]
async fn names_may_be_patterns_lists_and_sources() {
    for name in [
        "foo bar",
        "ba*",
        "b?r",
        "[fb]*",
        "/^ba/",
        "/A[rz]$/",
        "src:foo",
        "src:f*",
        "foo:amd64",
        "foo:any",
        "ba*:any",
        "foo:i386",
        "src:foo:any",
        "nothing",
    ] {
        for pin in ["version 1*", "release a=stable", "version 2"] {
            let text = format!("Package: {name}\nPin: {pin}\nPin-Priority: 1002\n");
            two().preferences(&text).compare(NAMES).await;
        }
    }
}

#[tokio::test]
async fn the_first_pin_that_matches_counts() {
    let first = "Package: foo\nPin: version 2\nPin-Priority: 700\n";
    let second = "# a comment\nPackage: f*\nPin: version *\nPin-Priority: 800\n";
    for text in [format!("{first}\n{second}"), format!("{second}\n\n\n{first}")] {
        two().preferences(&text).compare(NAMES).await;
    }
    let root = two();
    root.write(
        "etc/apt/preferences.d/20-late",
        "Package: *\nPin: release a=testing\nPin-Priority: 50\n",
    );
    root.write(
        "etc/apt/preferences.d/10-early.pref",
        "Package: *\nPin: release a=testing\nPin-Priority: 450\n",
    );
    root.write(
        "etc/apt/preferences.d/00-ignored.bak",
        "Package: *\nPin: release a=testing\nPin-Priority: 1\n",
    );
    root.compare(NAMES).await;
}

#[tokio::test]
async fn the_installed_version_can_be_pinned() {
    for text in [
        "Package: own\nPin: version 5\nPin-Priority: -1\n",
        "Package: *\nPin: release a=now\nPin-Priority: 600\n",
        "Package: bar\nPin: release a=now\nPin-Priority: 700\n",
        "Package: bar\nPin: release n=bookworm\nPin-Priority: 50\n",
        "Package: foo\nPin: version 1\nPin-Priority: 600\n",
    ] {
        two().preferences(text).compare(NAMES).await;
    }
}

#[tokio::test]
async fn one_version_in_two_components_is_one_version() {
    let same = record("foo", "1", "amd64", "");
    let root = Root::new()
        .status(&installed("foo", "0.9", "amd64", ""))
        .suite("a.example", "stable", "main", STABLE, &same)
        .suite("b.example", "testing", "main", TESTING, &same)
        .suite(
            "c.example",
            "stable",
            "contrib",
            STABLE,
            &record("foo", "1", "amd64", "Depends: other"),
        )
        .preferences("Package: *\nPin: origin b.example\nPin-Priority: 550\n");
    let system = root.compare(&["foo"]).await;
    let offers = &system.catalogue.rows["foo"][0].offers;
    let wanted =
        [("1", 550, "bookworm/main"), ("1", 550, "trixie/main"), ("1", 500, "bookworm/contrib")];
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(version, priority, place)| ((*version).to_owned(), *priority, (*place).to_owned()))
        .collect();
    assert_eq!(*offers, wanted);
}

#[tokio::test]
async fn architectures_are_apart() {
    let root = Root::new()
        .status(
            &(installed("lib", "1", "amd64", "Multi-Arch: same")
                + &installed("lib", "1", "i386", "Multi-Arch: same")),
        )
        .suite(
            "a.example",
            "stable",
            "main",
            STABLE,
            &(record("lib", "2", "amd64", "Multi-Arch: same") + &record("tool", "1", "all", "")),
        )
        .conf("APT::Architectures { \"i386\"; };\n")
        .preferences("Package: lib\nPin: version 2\nPin-Priority: 700\n");
    root.write(
        "var/lib/apt/lists/a.example_debian_dists_stable_main_binary-i386_Packages",
        record("lib", "3", "i386", "Multi-Arch: same"),
    );
    let system = root.compare(&["lib", "lib:i386", "tool"]).await;
    assert_eq!(system.policy("lib:i386").candidate.as_deref(), Some("3"));
    assert_eq!(system.policy("lib").candidate.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_package_may_change_its_architecture() {
    let root = Root::new()
        .status(&(installed("foo", "1", "all", "") + &installed("bar", "1", "amd64", "")))
        .suite(
            "a.example",
            "stable",
            "main",
            STABLE,
            &(record("foo", "2", "amd64", "") + &record("bar", "2", "all", "")),
        );
    root.compare(&["foo", "bar"]).await;
}

#[tokio::test]
async fn epochs_tildes_and_local_builds() {
    let status = installed("epoch", "1:1.0", "amd64", "")
        + &installed("local", "9.9-0local1", "amd64", "")
        + &installed("tilde", "1.0~rc1", "amd64", "");
    let root = Root::new().status(&status).suite(
        "a.example",
        "stable",
        "main",
        STABLE,
        &(record("epoch", "2.0", "amd64", "")
            + &record("epoch", "1:1.0+b1", "amd64", "")
            + &record("local", "9.8", "amd64", "")
            + &record("tilde", "1.0", "amd64", "")),
    );
    let system = root.compare(&["epoch", "local", "tilde"]).await;
    assert_eq!(system.policy("local").candidate.as_deref(), Some("9.9-0local1"));
}

#[tokio::test]
async fn removed_packages_are_not_installed() {
    let status = "Package: gone\nStatus: deinstall ok config-files\nVersion: 7\nArchitecture: amd64\nDescription: x\n\n";
    let root = Root::new().status(status).suite(
        "a.example",
        "stable",
        "main",
        STABLE,
        &record("gone", "6", "amd64", ""),
    );
    assert_eq!(candidate(&root, "gone").await.as_deref(), Some("6"));
}

#[tokio::test]
async fn phased_updates_wait_for_their_turn() {
    let mut names = Vec::new();
    let (mut status, mut packages) = (String::new(), String::new());
    for percentage in (0..=100).step_by(4) {
        let name = format!("phased{percentage}");
        status += &installed(&name, "1", "amd64", "");
        packages += &record(
            &name,
            "2",
            "amd64",
            &format!("Source: source{percentage} (2.0)\nPhased-Update-Percentage: {percentage}"),
        );
        packages += &record(&name, "1", "amd64", "");
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for conf in [
        "",
        "APT::Get::Phase-Policy \"true\"; APT::Machine-ID \"912e43bd1c1d4ba481f9f8ccab25f9ee\";",
        "APT::Get::Phase-Policy \"true\"; APT::Machine-ID \"0123456789abcdef0123456789abcdef\";",
        "APT::Get::Phase-Policy \"true\"; APT::Get::Always-Include-Phased-Updates \"true\";",
        "APT::Get::Phase-Policy \"true\"; Update-Manager::Never-Include-Phased-Updates \"true\";",
    ] {
        let root = Root::new()
            .status(&status)
            .suite("a.example", "stable", "main", STABLE, &packages)
            .conf(conf);
        root.compare(&names).await;
    }
}

#[tokio::test]
async fn source_pins_know_the_source_of_what_is_installed() {
    for version in ["1", "2"] {
        let text = format!("Package: src:origin\nPin: version {version}\nPin-Priority: 1001\n");
        let root = Root::new()
            .status(&installed("foo", "1", "amd64", "Source: origin"))
            .suite(
                "a.example",
                "stable",
                "main",
                STABLE,
                &record("foo", "2", "amd64", "Source: origin (7)"),
            )
            .preferences(&text);
        root.compare(&["foo"]).await;
    }
}

/// Only the candidate, where apt's table has rows that omg has not: removed versions, which
/// nothing can install, and local builds of a version that the archive has too.
async fn candidate(root: &Root, name: &str) -> Option<String> {
    let ours = super::System::open(root.path(), "amd64").await.policy(name).candidate;
    if let Some(theirs) = super::root::policies(root.path(), "amd64", &[name]) {
        assert_eq!(ours, theirs[name].candidate);
    }
    ours
}

#[tokio::test]
async fn a_rebuild_with_the_same_version_is_no_upgrade() {
    let root = Root::new()
        .status(
            &(installed("foo", "1", "amd64", "Depends: libc6")
                + &installed("bar", "1", "amd64", "Depends: a (>= 1), b")),
        )
        .suite(
            "a.example",
            "stable",
            "main",
            STABLE,
            &(record("foo", "1", "amd64", "Depends: other")
                + &record("bar", "1", "amd64", "Depends: a (>= 1) , b")),
        );
    assert_eq!(candidate(&root, "foo").await.as_deref(), Some("1"));
    // The same build, written differently.
    root.compare(&["bar"]).await;
}
