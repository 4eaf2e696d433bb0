//! Arch systems that are really changed, as a user changes them: through `omg`, the daemon and the
//! engine. pacman says of each what is there.

use std::fs;

use omg_fetch::testing::Fault;
use serde_json::Value;

use super::shop::Shop;
use crate::support::run;

/// Numbers of the changes of packages, the latest first.
fn numbers(shop: &Shop) -> Vec<String> {
    let history = shop.json(&["history", "--json"]);
    let changes = history["changes"].as_array().unwrap();
    changes.iter().map(|it| it["id"].as_u64().unwrap().to_string()).collect()
}

#[test]
fn a_system_is_changed_and_changed_back() {
    let Some(shop) = Shop::open() else { return };
    shop.does(&["sync"]);
    let run = shop.refuses(&["install", "editor"], 5, "--yes says it beforehand");
    let shown = ["Install (3)", "libtool  1.0-1  shop  community", "needed by tool", "requested"];
    assert!(shown.iter().all(|part| run.stdout.contains(part)), "{run:?}");
    let run = shop.does(&["install", "-y", "editor"]);
    assert!(run.stdout.contains("3 installed"), "{run:?}");
    let first = ["editor 1.0-1", "+libtool 1.0-1", "+tool 1.0-1"];
    shop.stands(&first);
    let owner = shop.does(&["owns", "/usr/share/tool/data"]);
    assert!(owner.stdout.starts_with("tool "), "{owner:?}");
    // Signatures stay beside the files in pacman's cache, for pacman and for the way back.
    let cache = shop.root().join("var/cache/pacman/pkg");
    assert!(cache.join("tool-1.0-1-any.pkg.tar.gz.sig").is_file());

    shop.offer_new_tool();
    shop.does(&["sync"]);
    shop.does(&["hold", "tool", "--reason", "the new one is slow"]);
    let run = shop.does(&["update", "-y"]);
    assert!(
        run.stdout.contains("Held back (1)") && run.stdout.contains("nothing to do"),
        "{run:?}"
    );
    shop.stands(&first);
    shop.does(&["unhold", "tool"]);
    fs::write(shop.root().join("etc/tool.conf"), "mine\n").unwrap();
    let run = shop.does(&["update", "-y"]);
    assert!(
        run.stdout.contains("tool  1.0-1 → 2.0-1") && run.stdout.contains("1 upgraded"),
        "{run:?}"
    );
    let second = ["editor 1.0-1", "+libtool 1.0-1", "+tool 2.0-1"];
    assert!(run.stdout.contains("etc/tool.conf.pacnew"), "{run:?}");
    assert_eq!(fs::read_to_string(shop.root().join("etc/tool.conf")).unwrap(), "mine\n");
    fs::write(shop.root().join("etc/tool.conf"), "of 2.0-1\n").unwrap();
    shop.stands(&second);

    shop.does(&["history", "undo", "-y"]);
    shop.stands(&first);
    let changes = numbers(&shop);
    assert_eq!(changes.len(), 3, "{changes:?}");
    shop.does(&["history", "redo", "-y", &changes[1]]);
    shop.stands(&second);
    let run = shop.does(&["downgrade", "-y", "tool"]);
    assert!(run.stdout.contains("tool  2.0-1 → 1.0-1"), "{run:?}");
    shop.stands(&first);
    // There is nothing older, and the newer one is no downgrade.
    shop.refuses(&["downgrade", "-y", "tool"], 3, "OMG-E0038");
    let run = shop.does(&["downgrade", "-y", "tool=1.0-1"]);
    assert!(run.stdout.contains("tool is 1.0-1 already"), "{run:?}");
    shop.refuses(&["downgrade", "-y", "tool=2.0-1"], 2, "omg install");
    // No mirror: what is here goes on.
    shop.mirror.fault("", Fault::Status(503));
    shop.refuses(&["sync"], 8, "no repository could be reached");
    shop.refuses(&["update", "-y"], 8, "--no-sync");
    shop.does(&["history", "undo", "-y", changes.last().unwrap()]);
    shop.stands(&[]);

    let blame = shop.does(&["blame", "tool"]);
    assert!(blame.stdout.lines().count() >= 7, "{blame:?}");
    let verified = shop.does(&["audit", "verify"]);
    assert!(verified.stdout.contains("the log is what was written"), "{verified:?}");
    let log = shop.does(&["audit", "log"]);
    let commits = log.stdout.lines().filter(|line| line.contains(" commit ")).count();
    assert_eq!(log.stdout.matches(" intent ").count(), commits, "{log:?}");
}

#[test]
fn marks_decide_what_goes_along() {
    let Some(shop) = Shop::open() else { return };
    shop.does(&["sync"]);
    shop.does(&["install", "-y", "editor", "other"]);
    shop.refuses(&["remove", "-y", "tool"], 4, "omg remove");
    let run = shop.does(&["mark", "manual", "libtool"]);
    assert!(run.stdout.contains("libtool explicit"), "{run:?}");
    shop.does(&["remove", "-y", "editor"]);
    shop.stands(&["libtool 1.0-1", "other 1.0-1", "+tool 1.0-1"]);
    shop.refuses(&["autoremove"], 5, "OMG-E0005");
    shop.does(&["autoremove", "-y"]);
    shop.stands(&["libtool 1.0-1", "other 1.0-1"]);
    // What was there for others is there for others again.
    shop.does(&["history", "undo", "-y"]);
    shop.stands(&["libtool 1.0-1", "other 1.0-1", "+tool 1.0-1"]);
    shop.does(&["mark", "auto", "libtool", "other"]);
    shop.does(&["autoremove", "-y"]);
    shop.stands(&[]);
    // A file of the user's, whose signature nobody demands here.
    shop.does(&["install", "-y", &shop.file("libtool", "1.0-1").display().to_string()]);
    shop.stands(&["libtool 1.0-1"]);
    shop.does(&["remove", "-y", "-r", "libtool"]);
    shop.stands(&[]);
    for arguments in
        [&["mark", "auto", "nosuch"][..], &["hold", "nosuch"], &["remove", "-y", "nosuch"]]
    {
        shop.refuses(arguments, 3, "nosuch is not installed");
    }
}

/// Refusals that the user's own log has.
fn denied(shop: &Shop) -> usize {
    let log = shop.json(&["audit", "log", "--user", "--phase", "deny", "--json"]);
    log["records"].as_array().map_or(0, Vec::len)
}

#[test]
fn what_was_altered_or_not_signed_is_refused_and_recorded() {
    let Some(shop) = Shop::open() else { return };
    shop.does(&["sync"]);
    shop.mirror.fault("other-1.0-1-any.pkg.tar.gz", Fault::Flipped);
    shop.refuses(&["install", "-y", "other"], 9, "OMG-E0011");
    assert_eq!(denied(&shop), 1);
    shop.mirror.mend();

    // Signed by a key that the system does not have, as the database says as well.
    shop.sign("other", "1.0-1", "stranger");
    shop.publish_again("other");
    shop.does(&["sync"]);
    let run = shop.refuses(&["install", "-y", "other"], 9, "OMG-E0010");
    assert!(run.stderr.contains("the key is not in the keyring"), "{run:?}");
    assert_eq!(denied(&shop), 2);

    // Signed by nobody.
    fs::remove_file(shop.served().join("other-1.0-1-any.pkg.tar.gz.sig")).unwrap();
    shop.publish_again("other");
    shop.does(&["sync"]);
    shop.refuses(&["install", "-y", "other"], 9, "OMG-E0010");
    let here = shop.file("other", "1.0-1").display().to_string();
    shop.configure("LocalFileSigLevel = Required");
    shop.refuses(&["install", "-y", &here], 9, "OMG-E0010");
    assert_eq!(denied(&shop), 4);
    shop.stands(&[]);

    // Nothing of it stays in the way of the real one.
    shop.sign("other", "1.0-1", "shop");
    shop.publish_again("other");
    shop.does(&["sync"]);
    shop.does(&["install", "-y", "other"]);
    shop.stands(&["other 1.0-1"]);
}

#[test]
fn a_change_that_was_cut_off_is_finished() {
    let Some(shop) = Shop::open() else { return };
    shop.does(&["sync"]);
    for place in ["alpm.package.begin", "alpm.package.done", "alpm.transaction.done"] {
        let mut command = shop.home.command(env!("CARGO_BIN_EXE_omg"));
        command.env("OMG_NO_DAEMON", "1").env("OMG_FAILPOINT", format!("{place}=kill"));
        let cut = run(command.args(["install", "-y", "editor"]));
        assert!(cut.code == 1 && cut.stderr.contains("`omg recover`"), "{place}: {cut:?}");
        let open = shop.does(&["history"]);
        assert!(open.stdout.lines().next().unwrap().contains(" open "), "{place}: {open:?}");
        let doctor = shop.home.alone(&["doctor"]);
        assert!(doctor.stdout.contains("→ omg recover"), "{place}: {doctor:?}");
        if place != "alpm.transaction.done" {
            shop.refuses(&["install", "-y", "other"], 1, "omg recover");
        }
        shop.does(&["recover"]);
        shop.stands(&["editor 1.0-1", "+libtool 1.0-1", "+tool 1.0-1"]);
        assert!(shop.does(&["recover"]).stderr.contains("nothing is unfinished"));
        // It was done after all, and can be taken back.
        shop.does(&["history", "undo", "-y"]);
        shop.stands(&[]);
    }
    let log: Value = shop.json(&["audit", "log", "--json"]);
    let phases = log["records"].as_array().unwrap().iter().map(|it| it["phase"].as_str().unwrap());
    assert_eq!(phases.filter(|phase| *phase == "recovered").count(), 3, "{log}");
    shop.does(&["audit", "verify"]);
}
