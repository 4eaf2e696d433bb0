//! Systems that are really changed, as a user changes them: through `omg`, the daemon and the engine.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::plans::has_engine;
use crate::shop::{Shop, installed};
use crate::support::{Home, Run};

/// Changing a system takes root, and tools of Debian.
pub(crate) fn shop() -> Option<Shop> {
    if !has_engine("omg-engine-apt") {
        return None;
    }
    if !rustix::process::geteuid().is_root() {
        println!("only root can change a system: nothing was tested");
        return None;
    }
    for tool in ["dpkg-deb", "dpkg-scanpackages", "gpg"] {
        if Command::new(tool).arg("--version").output().is_err() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{tool} must be here in CI");
            println!("{tool} is not here: nothing was tested");
            return None;
        }
    }
    Some(Shop::open())
}

/// Runs `omg`, which must do it.
pub(crate) fn does(home: &Home, arguments: &[&str]) -> Run {
    let run = home.alone(arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    run
}

fn json(home: &Home, arguments: &[&str]) -> Value {
    let run = does(home, arguments);
    serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap()
}

/// Every file below a root with its contents, but for what changes with time.
pub(crate) fn tree(root: &Path) -> String {
    let script = "find . -xdev \\( -path ./var/lib/omg -o -path ./var/log -o -path ./var/cache -o -path ./srv \\) \
                  -prune -o -type f -print0 | sort -z | xargs -0 sha256sum";
    let run = Command::new("sh").args(["-c", script]).current_dir(root).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn a_system_is_changed_and_changed_back() {
    let Some(shop) = shop() else { return };
    let root = shop.root();
    let home = Home::over(&root);
    does(&home, &["sync"]);
    let before = tree(&root);

    let run = home.alone(&["install", "editor"]);
    assert_eq!(run.code, 5, "nobody said yes: {run:?}");
    assert_eq!(tree(&root), before);

    let run = does(&home, &["install", "-y", "editor"]);
    assert!(run.stdout.contains("community") && run.stdout.contains("3 installed"), "{run:?}");
    assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 2.0"]);
    let orphans = does(&home, &["list", "--explicit", "-q"]);
    assert_eq!(orphans.stdout, "editor\n");

    does(&home, &["downgrade", "-y", "tool=1.0"]);
    assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 1.0"]);
    does(&home, &["snapshot", "create", "old-tool"]);

    does(&home, &["hold", "tool", "--reason", "the new one is slow"]);
    does(&home, &["update", "-y"]);
    assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 1.0"]);
    does(&home, &["unhold", "tool"]);
    does(&home, &["update", "-y", "--no-sync"]);
    assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 2.0"]);

    let history = json(&home, &["history", "--json"]);
    let changes = history["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 3, "{history}");
    let first = changes[2]["id"].as_u64().unwrap().to_string();

    does(&home, &["history", "undo", "-y"]);
    assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 1.0"]);
    does(&home, &["history", "redo", "-y", &changes[0]["id"].to_string()]);
    assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 2.0"]);
    does(&home, &["snapshot", "restore", "-y", "old-tool"]);
    assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 1.0"]);
    does(&home, &["history", "rollback", "-y", &first]);
    assert_eq!(installed(&root), ["editor 1.0", "libtool1 1.0", "tool 2.0"]);
    does(&home, &["history", "undo", "-y", &first]);
    assert_eq!(installed(&root), Vec::<String>::new());

    let blame = does(&home, &["blame", "tool"]);
    assert!(blame.stdout.lines().count() >= 7, "{blame:?}");
    let verified = does(&home, &["audit", "verify"]);
    assert!(verified.stdout.contains("the log is what was written"), "{verified:?}");
}

#[test]
fn marks_decide_what_goes_along() {
    let Some(shop) = shop() else { return };
    let root = shop.root();
    let home = Home::over(&root);
    does(&home, &["sync"]);
    does(&home, &["install", "-y", "editor", "other"]);
    does(&home, &["mark", "manual", "libtool1"]);
    does(&home, &["remove", "-y", "editor"]);
    does(&home, &["autoremove", "-y"]);
    assert_eq!(installed(&root), ["libtool1 1.0", "other 1.0"]);
    does(&home, &["mark", "auto", "libtool1"]);
    // Whoever installs what is there already chooses it.
    does(&home, &["install", "-n", "libtool1"]);
    assert_eq!(does(&home, &["list", "--explicit", "-q"]).stdout, "other\n");
    does(&home, &["install", "-y", "libtool1"]);
    assert_eq!(does(&home, &["list", "--explicit", "-q"]).stdout, "libtool1\nother\n");
    does(&home, &["mark", "auto", "libtool1"]);
    does(&home, &["autoremove", "-y"]);
    assert_eq!(installed(&root), ["other 1.0"]);
    does(&home, &["install", "-y", &shop.deb("libtool1", "1.0").display().to_string()]);
    assert_eq!(installed(&root), ["libtool1 1.0", "other 1.0"]);
}

#[test]
fn what_a_mirror_altered_is_refused_and_recorded() {
    let Some(shop) = shop() else { return };
    let root = shop.root();
    let home = Home::over(&root);
    does(&home, &["sync"]);
    let before = tree(&root);

    let deb = shop.deb("other", "1.0");
    let mut bytes = std::fs::read(&deb).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&deb, &bytes).unwrap();
    let run = home.alone(&["install", "-y", "other"]);
    assert_eq!(run.code, 9, "{run:?}");
    assert!(run.stderr.contains("OMG-E0011"), "{run:?}");
    assert_eq!(tree(&root), before);
    let denied = json(&home, &["audit", "log", "--user", "--phase", "deny", "--json"]);
    assert_eq!(denied["records"].as_array().unwrap().len(), 1, "{denied}");

    // Lists that nobody signed.
    let list = shop.archive().join("dists/stable/InRelease");
    let text = std::fs::read_to_string(&list).unwrap().replace("Suite: stable", "Suite: stabel");
    std::fs::write(&list, text).unwrap();
    let run = home.alone(&["sync"]);
    assert_eq!(run.code, 9, "{run:?}");
    assert!(run.stderr.contains("OMG-E0010"), "{run:?}");
    assert_eq!(tree(&root), before);
}

/// Rows 1, 2, 5 and 15 of the catalogue, and that each ends with a code of its own and exit code 9.
#[test]
fn old_stale_edited_and_unsigned_lists_are_refused() {
    let Some(shop) = shop() else { return };
    let root = shop.root();
    let home = Home::over(&root);
    does(&home, &["sync"]);
    let before = tree(&root);
    let lists = shop.archive().join("dists/stable");
    let read = |name: &str| std::fs::read_to_string(lists.join(name)).unwrap();
    let (release, packages) = (read("Release"), read("main/binary-amd64/Packages"));
    let date = release.lines().find(|line| line.starts_with("Date: ")).unwrap();
    let long_ago = release.replace(date, "Date: Mon, 01 Jan 2024 00:00:00 UTC");
    let over =
        release.replace(date, &format!("{date}\nValid-Until: Mon, 01 Jan 2024 00:00:00 UTC"));
    // A new list is signed, and one that is as long has another dependency in it.
    let edited = packages.replacen("Depends: libtool1", "Depends: editor, ", 1);
    assert!(edited.len() == packages.len() && edited != packages);
    let digest = release.lines().last().unwrap().split_ascii_whitespace().next().unwrap();
    let newer = release.replace(digest, &"5a".repeat(32));
    for (code, release, packages, signed) in [
        ("OMG-E0013", &long_ago, &packages, true),
        ("OMG-E0012", &over, &packages, true),
        ("OMG-E0011", &newer, &edited, true),
        ("OMG-E0010", &long_ago, &packages, false),
    ] {
        crate::plans::write(&lists, "Release", release);
        crate::plans::write(&lists, "main/binary-amd64/Packages", packages);
        shop.sign();
        if !signed {
            std::fs::remove_file(lists.join("InRelease")).unwrap();
        }
        let run = home.alone(&["sync"]);
        assert_eq!(run.code, 9, "{code}: {run:?}");
        assert!(run.stderr.contains(code), "{code}: {run:?}");
        assert_eq!(tree(&root), before, "{code}");
    }
    crate::plans::write(&lists, "Release", &release);
    crate::plans::write(&lists, "main/binary-amd64/Packages", &packages);
    shop.sign();
    does(&home, &["sync"]);
    does(&home, &["install", "-y", "tool"]);
}

#[test]
fn the_policy_of_the_system_is_root_s_and_binds() {
    let Some(shop) = shop() else { return };
    let root = shop.root();
    let home = Home::over(&root);
    does(&home, &["sync"]);
    let before = tree(&root);
    crate::plans::write(&root, "etc/omg/policy.toml", "[packages]\nban = [\"oth*\"]\n");
    let run = home.alone(&["audit", "policy", "other"]);
    assert_eq!(run.code, 9, "{run:?}");
    assert!(run.stdout.contains("packages.ban"), "{run:?}");
    let run = home.alone(&["install", "-y", "other"]);
    assert_eq!(run.code, 9, "{run:?}");
    assert!(run.stderr.contains("OMG-E0014") && run.stderr.contains("packages.ban"), "{run:?}");
    does(&home, &["install", "-y", "libtool1"]);
    does(&home, &["history", "undo", "-y"]);
    std::fs::remove_dir_all(root.join("etc/omg")).unwrap();
    let after = tree(&root);
    let files = |tree: &str| tree.lines().map(|it| it[66..].to_owned()).collect::<Vec<_>>();
    let new: Vec<_> = files(&after).into_iter().filter(|it| !before.contains(it)).collect();
    assert!(new.iter().all(|it| it.starts_with("./var/lib/")), "{new:?}");
}
