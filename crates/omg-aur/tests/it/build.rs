//! Recipes that are really built, by makepkg, and those that are refused.

mod archive;
mod hostile;
mod kitchen;
mod sources;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use omg_aur::build::{Built, Job, Options};
use omg_aur::recipes::CommitId;
use omg_core::{Code, Fault, Grade, Progress};

use crate::world::base;
use kitchen::{Kitchen, is_root, package, recipe};

/// Where the kitchen of a test in another process is.
const AS_USER: &str = "OMG_TEST_AS_USER";

pub(crate) fn job(name: &str, commit: &CommitId) -> Job {
    Job {
        base: base(name),
        commit: commit.clone(),
        needs: Vec::new(),
        changed: 0,
        may_be_young: true,
    }
}

pub(crate) fn build(kitchen: &Kitchen, job: &Job) -> Result<Built, Fault> {
    build_with(kitchen, job, Kitchen::options())
}

pub(crate) fn build_with(kitchen: &Kitchen, job: &Job, options: Options) -> Result<Built, Fault> {
    let (recipes, web) = (kitchen.world.recipes(), kitchen.web());
    let builder = kitchen.builder(&recipes, &web, options);
    recipes.fetch(&job.base).unwrap();
    let output = Mutex::new(String::new());
    let result = builder.build(job, None, &|progress| {
        if let Progress::Output { line, .. } = progress {
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    });
    if let Err(error) = &result {
        eprintln!("{error}\n{}", output.lock().unwrap());
    }
    result.map_err(Fault::from)
}

/// Is it a package, for pacman?
fn pacman_takes(path: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("pacman")
        .args(["--config", "/dev/null", "--logfile", "/dev/null", "-b"])
        .arg(directory.path())
        .args(["-Qip", "--", path])
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_recipe_is_built_from_itself_the_web_and_a_repository() {
    let Some(kitchen) = Kitchen::new() else { return };
    let archive = b"from the web\n";
    let url = kitchen.serve("data.txt", archive);
    let tip = kitchen.world.commit("library", &[("lib.txt", "from a repository\n")]);
    let library = kitchen.world.path("served/library.git");
    let sources = [
        ("own.txt".to_owned(), kitchen::sha256(b"from the recipe\n")),
        (format!("named.txt::{url}"), kitchen::sha256(archive)),
        (format!("library::git+file://{}#commit={tip}", library.display()), "SKIP".to_owned()),
    ];
    let body = "\
pkgver() { echo 1.0; }
check() { grep -q repository library/lib.txt; }
package() {
  [[ $(id -un) = root ]] # fakeroot
  install -Dm644 -t \"$pkgdir/usr/share/dish\" own.txt named.txt library/lib.txt
  ln -s lib.txt \"$pkgdir/usr/share/dish/link\"
}";
    let (pkgbuild, srcinfo) = recipe("dish", "1.0-1", &sources, body);
    let files =
        [("PKGBUILD", &*pkgbuild), (".SRCINFO", &srcinfo), ("own.txt", "from the recipe\n")];
    let commit = kitchen.world.commit("dish", &files);
    let built = build(&kitchen, &job("dish", &commit)).unwrap();
    assert!(!built.resumed && built.warnings.is_empty(), "{:?}", built.warnings);
    let [artifact] = &built.artifacts[..] else { panic!("{:?}", built.artifacts) };
    assert_eq!((artifact.name.as_str(), artifact.version.as_str()), ("dish", "1.0-1"));
    assert_eq!((artifact.architecture.as_str(), artifact.grade), ("any", Grade::Community));
    assert_eq!(artifact.repository, "aur");
    let bytes = fs::read(&artifact.path).unwrap();
    assert_eq!(artifact.sha256, kitchen::sha256(&bytes));
    assert_eq!(artifact.size, bytes.len() as u64);
    assert!(pacman_takes(&artifact.path).contains("dish"));
    let listed = Command::new("bsdtar").arg("-tf").arg(&artifact.path).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for file in ["own.txt", "named.txt", "lib.txt", "link"] {
        assert!(listed.contains(&format!("usr/share/dish/{file}")), "{listed}");
    }
    // Nothing is left but what is kept.
    let left = fs::read_dir(kitchen.directory().join("work")).unwrap();
    let left: Vec<_> = left.flatten().filter(|it| it.path().is_dir()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The same by a user who is not root, in a process of his.
#[test]
fn an_unprivileged_user_builds_as_himself() {
    if !is_root() {
        // Then every test here shows it.
        return;
    }
    let Some(kitchen) = Kitchen::new() else { return };
    let copy = kitchen.world.path("tests");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    kitchen::readable(&copy);
    let home = kitchen.world.path("user");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(65534), Some(65534)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(&copy)
        .args([
            "build::a_recipe_is_built_by_whoever_this_is",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(AS_USER, kitchen.shim())
        .env("TMPDIR", &home)
        .env("HOME", &home)
        .current_dir(&home)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("built by 65534"), "{text}{errors}");
}

#[test]
#[ignore = "it is started by another test, as another user"]
fn a_recipe_is_built_by_whoever_this_is() {
    let shim = std::env::var_os(AS_USER).unwrap();
    let kitchen = Kitchen::with_shim(Path::new(&shim)).unwrap();
    let (pkgbuild, srcinfo) = recipe("dish", "1-1", &[], package("dish"));
    let commit = kitchen.world.commit("dish", &[("PKGBUILD", &pkgbuild), (".SRCINFO", &srcinfo)]);
    let built = build(&kitchen, &job("dish", &commit)).unwrap();
    assert_eq!(built.artifacts.len(), 1);
    let output = Command::new("id").arg("-u").output().unwrap();
    eprintln!("built by {}", String::from_utf8_lossy(&output.stdout));
    let said = format!("built by {}\n", String::from_utf8_lossy(&output.stdout).trim());
    std::io::Write::write_all(&mut std::io::stdout(), said.as_bytes()).unwrap();
}

#[test]
fn a_base_can_make_several_packages() {
    let Some(kitchen) = Kitchen::new() else { return };
    let body = "package_menu-soup() { install -Dm644 /dev/null \"$pkgdir/usr/share/soup\"; }\n\
                package_menu-cake() { install -Dm644 /dev/null \"$pkgdir/usr/share/cake\"; }";
    let pkgbuild = format!(
        "pkgbase=menu\npkgname=(menu-soup menu-cake)\npkgver=1\npkgrel=2\nepoch=3\narch=(any)\n{body}\n"
    );
    let srcinfo = "pkgbase = menu\n\tpkgver = 1\n\tpkgrel = 2\n\tepoch = 3\n\tarch = any\n\n\
                   pkgname = menu-soup\n\npkgname = menu-cake\n";
    let commit = kitchen.world.commit("menu", &[("PKGBUILD", &pkgbuild), (".SRCINFO", srcinfo)]);
    let built = build(&kitchen, &job("menu", &commit)).unwrap();
    let names: Vec<_> = built.artifacts.iter().map(|it| it.file_name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("menu-cake-3:1-2-any.pkg.tar."), "{names:?}");
    assert!(names[1].starts_with("menu-soup-3:1-2-any.pkg.tar."), "{names:?}");
}

#[test]
fn one_that_fails_takes_with_it_only_what_needs_it_and_the_rest_is_not_built_again() {
    let Some(kitchen) = Kitchen::new() else { return };
    let mut jobs = Vec::new();
    let bad = "build() { echo on the way; echo it went wrong >&2; return 4; }\npackage() { :; }";
    for (name, body) in [("good", package("good")), ("bad", bad), ("other", package("other"))] {
        let (pkgbuild, srcinfo) = recipe(name, "1-1", &[], body);
        let files = [("PKGBUILD", &*pkgbuild), (".SRCINFO", &*srcinfo)];
        jobs.push(job(name, &kitchen.world.commit(name, &files)));
    }
    let needing = Job { needs: vec![base("bad")], base: base("good"), ..jobs[0].clone() };
    jobs.insert(2, needing);
    let (recipes, web) = (kitchen.world.recipes(), kitchen.web());
    for job in &jobs {
        recipes.fetch(&job.base).unwrap();
    }
    let builder = kitchen.builder(&recipes, &web, Kitchen::options());
    let results = builder.build_all(&jobs, None, &|_| {});
    let [good, bad, needing, other] = &results[..] else { panic!("{results:?}") };
    assert!(good.is_ok() && other.is_ok(), "{results:?}");
    let fault = bad.as_ref().unwrap_err();
    assert_eq!(fault.code, Code::Build);
    assert!(fault.cause.iter().any(|line| line.contains("it went wrong")), "{fault:?}");
    let log = fs::read_to_string(kitchen.directory().join("logs/bad.log")).unwrap();
    assert!(log.contains("on the way") && log.contains("it went wrong"));
    let fault = needing.as_ref().unwrap_err();
    assert!(fault.message.contains("'bad'"), "{fault:?}");

    // Another process goes on.
    let again = kitchen.builder(&recipes, &web, Kitchen::options());
    let list = again.resumable();
    let failed: Vec<_> = list.iter().filter(|it| it.failed.is_some()).map(|it| &*it.base).collect();
    assert_eq!((list.len(), &failed[..]), (3, &["bad"][..]));
    jobs.remove(2);
    let results = again.build_all(&jobs, None, &|_| {});
    let resumed = |at: usize| results[at].as_ref().unwrap().resumed;
    assert!(resumed(0) && results[1].is_err() && resumed(2), "{results:?}");
    // What was built is what it was, or is built again.
    let path = &results[0].as_ref().unwrap().artifacts[0].path;
    fs::write(path, b"something else").unwrap();
    let rebuilt = again.build(&jobs[0], None, &|_| {}).unwrap();
    assert!(!rebuilt.resumed);
    // Another commit is another thing.
    let commit = kitchen.world.commit("other", &[("note", "x")]);
    recipes.fetch(&base("other")).unwrap();
    assert!(!again.build(&job("other", &commit), None, &|_| {}).unwrap().resumed);
}

#[test]
fn a_build_that_downloads_fails_and_says_why() {
    let Some(kitchen) = Kitchen::new() else { return };
    let url = kitchen.serve("late.txt", b"x");
    let body = "build() { git clone 'https://example.org/x.git'; }\npackage() { :; }";
    for (name, sources, body) in [
        ("clones", String::new(), body),
        // A source that .SRCINFO does not have.
        ("hides", format!("source=('{url}')\nsha256sums=(SKIP)\n"), package("hides")),
    ] {
        let (pkgbuild, srcinfo) = recipe(name, "1-1", &[], body);
        let pkgbuild = format!("{sources}{pkgbuild}");
        let pkgbuild = if sources.is_empty() {
            pkgbuild
        } else {
            pkgbuild.replace("source=()\nsha256sums=()\n", "")
        };
        let files = [("PKGBUILD", &*pkgbuild), (".SRCINFO", &*srcinfo)];
        let commit = kitchen.world.commit(name, &files);
        let fault = build(&kitchen, &job(name, &commit)).unwrap_err();
        assert_eq!(fault.code, Code::Build);
        let hint = fault.hint.unwrap_or_default();
        assert!(hint.contains("builds have no network"), "{name}: {hint}");
    }
}

#[test]
fn a_commit_has_to_be_old_enough_whatever_the_aur_says() {
    let Some(kitchen) = Kitchen::new() else { return };
    let (pkgbuild, srcinfo) = recipe("dish", "1-1", &[], package("dish"));
    let commit = kitchen.world.commit("dish", &[("PKGBUILD", &pkgbuild), (".SRCINFO", &srcinfo)]);
    let young = Job { may_be_young: false, ..job("dish", &commit) };
    let options = || Options { min_age: Duration::from_hours(72), ..Kitchen::options() };
    for changed in [0, 1_500_000_000] {
        let young = Job { changed, ..young.clone() };
        let fault = build_with(&kitchen, &young, options()).unwrap_err();
        assert_eq!(fault.code, Code::Policy, "{fault:?}");
        assert!(fault.hint.unwrap().contains("aur.exempt"));
    }
    // In four days it is, because it was seen.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let clock = std::sync::Arc::new(move || now + 4 * 86_400);
    let built = build_with(&kitchen, &young, Options { clock, ..options() }).unwrap();
    assert_eq!(built.artifacts.len(), 1);
}
