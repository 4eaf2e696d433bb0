//! Recipes that attack whoever builds them.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use omg_aur::build::Builder;
use omg_core::{Code, Fault};
use omg_sandbox::Limits;
use tar::EntryType;

use super::archive::{tar, zstd};
use super::kitchen::{Kitchen, is_root, package, recipe, sha256};
use super::{build, job};
use crate::world::base;

const SECRET: &str = "canary-5be1";

fn add(kitchen: &Kitchen, name: &str, body: &str) -> super::Job {
    let (pkgbuild, srcinfo) = recipe(name, "1-1", &[], body);
    let files = [("PKGBUILD", &*pkgbuild), (".SRCINFO", &*srcinfo)];
    job(name, &kitchen.world.commit(name, &files))
}

fn limited(kitchen: &Kitchen, job: &super::Job, limits: Limits) -> Fault {
    let (recipes, web) = (kitchen.world.recipes(), kitchen.web());
    recipes.fetch(&job.base).unwrap();
    let builder = kitchen.limited(&recipes, &web, Kitchen::options(), limits);
    builder.build(job, None, &|_| {}).map_err(Fault::from).unwrap_err()
}

/// Row 33, as one program: a recipe looks for a key, a variable, another process and the network, and
/// packs what it finds. It is run with and without the sandbox.
#[test]
#[ignore = "it is started by another test, with and without OMG_WEAKEN"]
fn a_recipe_looks_around() {
    let kitchen = Kitchen::new().unwrap();
    let key = kitchen.world.path("home/id_ed25519");
    fs::write(&key, SECRET).unwrap();
    super::kitchen::readable(&kitchen.world.path("home"));
    super::kitchen::readable(&key);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let body = format!(
        "build() {{
  : > hits
  grep -q {SECRET} '{key}' && echo key >> hits
  env | grep -q {SECRET} && echo variable >> hits
  grep -qs {SECRET} /proc/[0-9]*/environ && echo process >> hits
  (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo network >> hits
  [[ -e '{kitchen}' ]] && echo files >> hits
  echo \"hits: $(echo $(cat hits)) end\"
}}
package() {{ install -Dm644 hits \"$pkgdir/usr/share/hits\"; }}",
        key = key.display(),
        kitchen = kitchen.world.path("served").display(),
    );
    let job = add(&kitchen, "looker", &body);
    build(&kitchen, &job).unwrap();
    let log = fs::read_to_string(kitchen.directory().join("logs/looker.log")).unwrap();
    let hits = log.lines().find(|line| line.starts_with("hits:")).unwrap();
    std::io::stdout().write_all(format!("{hits}\n").as_bytes()).unwrap();
}

/// Row 31, as one program: the build puts a link to another file where its package should be.
#[test]
#[ignore = "it is started by another test, with and without OMG_WEAKEN"]
fn a_recipe_plants_a_link() {
    let kitchen = Kitchen::new().unwrap();
    let info = "pkgname = planter\npkgbase = planter\npkgver = 1-1\narch = any\n";
    let entry = (EntryType::Regular, &b".PKGINFO"[..], &b""[..], 0o644, info.as_bytes());
    let canary = kitchen.world.path("canary.pkg");
    let bytes = zstd(&tar(&[entry]));
    fs::write(&canary, &bytes).unwrap();
    let body = format!(
        "package() {{ :; }}\ncreate_package() {{ ln -s '{}' \"$PKGDEST/planter-1-1-any.pkg.tar.zst\"; }}",
        canary.display()
    );
    let word = match build(&kitchen, &add(&kitchen, "planter", &body)) {
        Ok(built) if built.artifacts[0].sha256 == sha256(&bytes) => "taken".to_owned(),
        Ok(built) => format!("something else: {built:?}"),
        Err(fault) => format!("refused by {}", fault.code.id()),
    };
    assert_eq!(fs::read(&canary).unwrap(), bytes, "the canary is what it was");
    std::io::stdout().write_all(format!("the canary is {word}\n").as_bytes()).unwrap();
}

fn again(test: &str, weaken: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env("OMG_WEAKEN", weaken)
        .env("OMG_TEST_SECRET", SECRET)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}

#[test]
fn a_build_finds_no_secret() {
    if Kitchen::new().is_none() {
        return;
    }
    let careless = again("build::hostile::a_recipe_looks_around", "33");
    for hit in ["key", "variable", "network", "files"] {
        let hits = careless.lines().find(|line| line.contains("hits:")).unwrap_or_default();
        assert!(hits.contains(hit), "there is no {hit} to find: {careless}");
    }
    let confined = again("build::hostile::a_recipe_looks_around", "");
    assert!(confined.contains("hits:  end") || confined.contains("hits: end"), "{confined}");
}

#[test]
fn a_build_can_not_hand_on_a_file_that_is_not_its_own() {
    if Kitchen::new().is_none() {
        return;
    }
    let careless = again("build::hostile::a_recipe_plants_a_link", "31");
    assert!(careless.contains("the canary is taken"), "{careless}");
    let careful = again("build::hostile::a_recipe_plants_a_link", "");
    assert!(careful.contains("refused by OMG-E0015"), "{careful}");
}

#[test]
fn nothing_but_its_packages_comes_out_of_a_build() {
    let Some(kitchen) = Kitchen::new() else { return };
    let file = "\"$PKGDEST/odd-1-1-any.pkg.tar.zst\"";
    let out = "$PKGDEST";
    for (at, plant) in [
        format!("mkfifo {file}"),
        format!("mkdir {file}"),
        format!("echo x > {file}; ln {file} $BUILDDIR/again"),
        format!("echo x > {file}"),
        format!("head -c 3M /dev/zero | zstd -q > {file}"),
        format!("echo x > \"{out}/../out/note\""),
        format!("rm -rf {out}; ln -s /build/work {out}"),
        format!("rm -rf {out}; echo x > {out}"),
        format!("chmod 000 {out}; chmod 000 $BUILDDIR"),
        ":".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let body = format!("package() {{ :; }}\ncreate_package() {{ {plant}; }}");
        let fault = build(&kitchen, &add(&kitchen, "odd", &format!("# {at}\n{body}"))).unwrap_err();
        assert!(
            matches!(fault.code, Code::Archive | Code::Build | Code::Permission),
            "{plant}: {fault:?}"
        );
        let kept = kitchen.directory().join("artifacts/odd");
        let kept = fs::read_dir(kept).map_or(0, Iterator::count);
        assert_eq!(kept, 0, "{plant}");
    }
    let left = fs::read_dir(kitchen.directory().join("work")).unwrap();
    assert_eq!(left.flatten().filter(|it| it.path().is_dir()).count(), 0, "all of it is removed");
}

#[test]
fn a_package_is_the_one_that_was_asked_for() {
    let Some(kitchen) = Kitchen::new() else { return };
    for (at, change) in
        ["pkgname=pacman", "pkgver=99", "pkgbase=other", "arch=(armv7h); CARCH=armv7h"]
            .into_iter()
            .enumerate()
    {
        let (pkgbuild, srcinfo) = recipe("guise", "1-1", &[], "");
        let body = "package() { :; }";
        let pkgbuild = format!("{pkgbuild}{change}\n{body}\n# {at}\n");
        let files = [("PKGBUILD", &*pkgbuild), (".SRCINFO", &*srcinfo)];
        let fault = build(&kitchen, &job("guise", &kitchen.world.commit("guise", &files)));
        let fault = fault.unwrap_err();
        assert_eq!(fault.code, Code::Archive, "{change}: {fault:?}");
        assert!(fault.cause.iter().any(|line| line.contains(".PKGINFO")), "{change}: {fault:?}");
    }
}

#[test]
fn a_build_that_takes_too_much_is_stopped() {
    let Some(kitchen) = Kitchen::new() else { return };
    let limits = Limits { wall: Duration::from_mins(1), ..Limits::default() };
    let body = |line: &str| format!("build() {{ {line}; }}\npackage() {{ :; }}");
    let big = add(&kitchen, "big", &body("head -c 10G /dev/zero > big; sleep 30"));
    let fault = limited(&kitchen, &big, Limits { disk: 64 << 20, ..limits });
    assert_eq!(fault.code, Code::Build);
    assert!(fault.message.contains("MiB on disk"), "{fault:?}");
    let slow = add(&kitchen, "slow", &body("sleep 1000"));
    let fault = limited(&kitchen, &slow, Limits { wall: Duration::from_secs(3), ..limits });
    assert!(fault.message.contains("longer than 3 s"), "{fault:?}");
    let bomb = add(&kitchen, "bomb", &body("f() { f | f & }; f; sleep 30"));
    let small = Limits { processes: 60, wall: Duration::from_secs(4), ..limits };
    assert_eq!(limited(&kitchen, &bomb, small).code, Code::Build);
}

#[test]
fn without_a_sandbox_nothing_is_built() {
    let Some(kitchen) = Kitchen::new() else { return };
    let canary = kitchen.world.canary();
    let job = add(&kitchen, "x", &format!("touch '{}'\n{}", canary.display(), package("x")));
    let (recipes, web) = (kitchen.world.recipes(), kitchen.web());
    recipes.fetch(&base("x")).unwrap();
    let none = Path::new("/nowhere/bwrap");
    let confinement = kitchen.confinement(Limits::default()).bubblewrap(none);
    let builder =
        Builder::new(&recipes, confinement, &web, &kitchen.directory(), Kitchen::options())
            .unwrap();
    assert_eq!(Fault::from(builder.check().unwrap_err()).code, Code::Sandbox);
    let fault = Fault::from(builder.build(&job, None, &|_| {}).unwrap_err());
    assert_eq!((fault.code, fault.code.exit()), (Code::Sandbox, 9));
    assert!(!kitchen.world.sprung());
    if is_root() {
        let own = omg_sandbox::Confinement::new(omg_sandbox::Profile::Build, &kitchen.shim());
        let directory = kitchen.directory();
        let builder = Builder::new(&recipes, own, &web, &directory, Kitchen::options()).unwrap();
        assert!(builder.build(&job, None, &|_| {}).is_err(), "nothing is built as root");
    }
    assert!(kitchen.confinement(Limits::default()).check(&kitchen.world.path("work")).is_ok());
}
