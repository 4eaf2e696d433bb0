//! Sources that are not what they should be, or that lead somewhere else.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use omg_aur::build::{Place, Reference, sources};
use omg_aur::srcinfo::Srcinfo;
use omg_core::{Code, Grade, Progress};

use super::kitchen::{Kitchen, package, recipe, sha256};
use super::{build, job};
use crate::data::skip;
use crate::world::base;

/// Of `abc`.
const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

/// A recipe with one source from the web, and lists of checksums as given.
fn with_sums(kitchen: &Kitchen, name: &str, source: &str, lists: &[(&str, &str)]) -> super::Job {
    let mut srcinfo = format!(
        "pkgbase = {name}\n\tpkgver = 1\n\tpkgrel = 1\n\tarch = any\n\tsource = {source}\n"
    );
    srcinfo.extend(lists.iter().map(|(list, sum)| format!("\t{list} = {sum}\n")));
    srcinfo.extend([format!("\npkgname = {name}\n")]);
    let pkgbuild = format!(
        "pkgname={name}\npkgver=1\npkgrel=1\narch=(any)\nsource=('{source}')\nsha256sums=(SKIP)\n{}\n",
        package(name)
    );
    let files = [("PKGBUILD", &*pkgbuild), (".SRCINFO", &*srcinfo)];
    job(name, &kitchen.world.commit(name, &files))
}

#[test]
fn checksums_decide_and_skip_vouches_for_nothing() {
    let Some(kitchen) = Kitchen::new() else { return };
    let url = kitchen.serve("x.txt", b"abc");
    let good = sha256(b"abc");
    let bad = sha256(b"abd");
    let refused: [(&str, &[(&str, &str)]); 6] = [
        ("wrong", &[("sha256sums", &bad)]),
        ("skipped", &[("sha256sums", "SKIP")]),
        ("missing", &[]),
        ("cksum", &[("cksums", "1219131554")]),
        ("one-wrong", &[("md5sums", MD5), ("sha256sums", &bad)]),
        ("weak-wrong", &[("md5sums", "00000000000000000000000000000000")]),
    ];
    for (name, lists) in refused {
        let fault = build(&kitchen, &with_sums(&kitchen, name, &url, lists)).unwrap_err();
        assert_eq!(fault.code, Code::Digest, "{name}: {fault:?}");
        assert_eq!(fault.code.exit(), 9);
    }
    let uneven =
        with_sums(&kitchen, "uneven", &url, &[("sha256sums", &good), ("sha256sums", &good)]);
    assert_eq!(build(&kitchen, &uneven).unwrap_err().code, Code::Build);
    let weak = build(&kitchen, &with_sums(&kitchen, "weak", &url, &[("md5sums", MD5)])).unwrap();
    assert_eq!(weak.artifacts[0].grade, Grade::Risk);
    assert!(weak.warnings[0].contains("MD5"), "{:?}", weak.warnings);
    let strong = with_sums(&kitchen, "strong", &url, &[("md5sums", MD5), ("sha256sums", &good)]);
    assert_eq!(build(&kitchen, &strong).unwrap().artifacts[0].grade, Grade::Community);
    // What is not there is the network's fault, not the recipe's.
    let gone = url.replace("x.txt", "gone.txt");
    let gone = with_sums(&kitchen, "gone", &gone, &[("sha256sums", &good)]);
    assert_eq!(build(&kitchen, &gone).unwrap_err().code, Code::Network);
}

/// Row 34: fetching and verifying run nothing.
#[test]
fn nothing_of_the_recipe_runs_before_its_sources_are_verified() {
    let Some(kitchen) = Kitchen::new() else { return };
    let url = kitchen.serve("x.txt", b"abc");
    let sources = [(url, sha256(b"abd"))];
    let canary = kitchen.world.canary();
    let (pkgbuild, srcinfo) = recipe("eager", "1-1", &sources, package("eager"));
    let pkgbuild = format!("touch '{}'\n{pkgbuild}", canary.display());
    let commit = kitchen.world.commit("eager", &[("PKGBUILD", &pkgbuild), (".SRCINFO", &srcinfo)]);
    let (recipes, web) = (kitchen.world.recipes(), kitchen.web());
    recipes.fetch(&base("eager")).unwrap();
    let output = Mutex::new(0);
    let builder = kitchen.builder(&recipes, &web, Kitchen::options());
    let result = builder.build(&job("eager", &commit), None, &|progress| {
        if matches!(progress, Progress::Output { .. }) {
            *output.lock().unwrap() += 1;
        }
    });
    assert!(result.is_err());
    assert!(!kitchen.world.sprung() && *output.lock().unwrap() == 0);
    // The same line, run by makepkg outside, makes the file.
    let script = format!("touch '{}'", canary.display());
    assert!(Command::new("bash").args(["-c", &script]).status().unwrap().success());
    assert!(kitchen.world.sprung());
}

#[test]
fn signatures_count_if_the_recipe_names_the_key() {
    let Some(kitchen) = Kitchen::new() else { return };
    let home = kitchen.world.path("gnupg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = |arguments: &[&str]| {
        let output = Command::new("gpg")
            .args([
                "--batch",
                "--quiet",
                "--no-tty",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ])
            .arg("--homedir")
            .arg(&home)
            .args(arguments)
            .output();
        output.ok().filter(|it| it.status.success()).map(|it| it.stdout)
    };
    if gpg(&["--version"]).is_none() {
        return skip("gpg is not installed");
    }
    for user in ["named@example.org", "other@example.org"] {
        gpg(&["--quick-generate-key", user, "ed25519", "sign", "never"]).unwrap();
    }
    let listed = gpg(&["--with-colons", "--list-keys", "named@example.org"]).unwrap();
    let listed = String::from_utf8(listed).unwrap();
    let fingerprint = listed.lines().find_map(|it| it.strip_prefix("fpr:")).unwrap();
    let fingerprint = fingerprint.trim_matches(':').to_owned();
    let key = gpg(&["--armor", "--export"]).unwrap();
    let key = String::from_utf8(key).unwrap();
    let data = kitchen.world.path("signed.txt");
    let sign = |user: &str, text: &str| {
        fs::write(&data, text).unwrap();
        gpg(&["-u", user, "--detach-sign", "-o", "-", data.to_str().unwrap()]).unwrap()
    };
    for (name, user, text, keys, expected) in [
        ("signed", "named@example.org", "text", true, None),
        ("changed", "named@example.org", "other text", true, Some(Code::Signature)),
        ("by-another", "other@example.org", "text", true, Some(Code::Signature)),
        ("no-key", "named@example.org", "text", false, Some(Code::Signature)),
    ] {
        let url = kitchen.serve(&format!("{name}.txt"), b"text");
        let signature = kitchen.serve(&format!("{name}.txt.sig"), &sign(user, text));
        let sources = [(url, "SKIP".to_owned()), (signature, "SKIP".to_owned())];
        // Plain http with nothing but a signature is for this machine only.
        let (pkgbuild, srcinfo) = recipe(name, "1-1", &sources, package(name));
        let srcinfo =
            srcinfo.replace("\n\npkgname", &format!("\n\tvalidpgpkeys = {fingerprint}\n\npkgname"));
        let mut files = vec![("PKGBUILD", &*pkgbuild), (".SRCINFO", &*srcinfo)];
        if keys {
            files.push(("keys/pgp/named.asc", &key));
        }
        let commit = kitchen.world.commit(name, &files);
        let result = build(&kitchen, &job(name, &commit));
        assert_eq!(result.as_ref().err().map(|it| it.code), expected, "{name}: {result:?}");
    }
}

fn parsed(source: &str) -> Result<Vec<omg_aur::build::Source>, String> {
    let text = format!(
        "pkgbase = x\n\tpkgver = 1\n\tpkgrel = 1\n\tarch = any\n\tsource = {source}\n\npkgname = x\n"
    );
    let srcinfo = Srcinfo::parse("x", text.as_bytes()).map_err(|error| error.to_string())?;
    sources(&srcinfo, "x86_64").map_err(|error| error.to_string())
}

/// Row 36: a source is an address and a name, and nothing that a program takes for something else.
#[test]
fn sources_can_not_be_taken_for_anything_else() {
    for bad in [
        "../x",
        "/etc/passwd",
        "-oProxyCommand=x",
        "$(id)",
        "`id`",
        "a b",
        ".ssh",
        "~/x",
        "../x::https://h/y",
        "/x::https://h/y",
        "-x::https://h/y",
        "a/b::https://h/y",
        "$(id)::https://h/y",
        "https://h/",
        "https://h/..",
        "https://h/-x",
        "https://h/a\u{202e}b",
        "ftp://h/x",
        "rsync://h/x",
        "scp://h/x",
        "file:///etc/passwd",
        "local://x",
        "svn+https://h/x",
        "hg+https://h/x",
        "bzr+lp:x://y",
        "git+ssh://h/x",
        "ext::sh://x",
        "git+ext://x",
        "git+https://h/x#commit=-x",
        "git+https://h/x#branch=$(id)",
        "git+https://h/x#tag=",
        "git+https://h/x#x=y",
        "git+https://h/x?upload-pack=y",
        "git+https://-x/y",
        "git+https://h/x;id",
        "git+http://h/x",
        "git://h/x#tag=v1",
        "git+https://h/x#tag=a?b",
        "x::y",
    ] {
        assert!(parsed(bad).is_err(), "{bad}: {:?}", parsed(bad));
    }
    let long = format!("https://h/{}", "x".repeat(5000));
    assert!(parsed(&long).is_err());
    let id = "a".repeat(40);
    for (good, name) in [
        ("x.patch", "x.patch"),
        ("https://h/a/b.tar.gz", "b.tar.gz"),
        ("c.tgz::https://h/a/b.tar.gz?x=y", "c.tgz"),
        ("git+https://h/a.git#tag=v1.0/2", "a"),
        ("git+https://h/a.git?signed#branch=main", "a"),
        ("d::git+https://h/a#commit=abc", "d"),
        (&format!("git://h/a#commit={id}"), "a"),
    ] {
        assert_eq!(parsed(good).unwrap()[0].name, name, "{good}");
    }
    let sources = parsed(&format!("git+https://h/a#commit={id}")).unwrap();
    assert!(matches!(&sources[0].place, Place::Git { reference: Reference::Commit(_), .. }));
}

#[test]
fn a_recipe_can_not_be_written_outside_its_directory() {
    let Some(kitchen) = Kitchen::new() else { return };
    for (name, target) in [("up", "../../canary"), ("away", "/etc/passwd")] {
        let (pkgbuild, srcinfo) = recipe(name, "1-1", &[], package(name));
        kitchen.world.commit(name, &[("PKGBUILD", &pkgbuild), (".SRCINFO", &srcinfo)]);
        kitchen.world.link(name, "link", target);
        let commit = kitchen.world.publish(name);
        let fault = build(&kitchen, &job(name, &commit)).unwrap_err();
        assert!(fault.message.contains("a link out"), "{fault:?}");
    }
    assert!(!Path::new(&kitchen.world.canary()).exists());
}
