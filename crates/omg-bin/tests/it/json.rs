//! The JSON contract: one object, its schema, its keys.

use std::process::Command;

use serde_json::Value;

use crate::plans::has_engine;
use crate::schemas::schemas;
use crate::shop::Shop;
use crate::support::{Home, Run};

fn object(home: &Home, arguments: &[&str]) -> Value {
    let run = home.alone(arguments);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}");
    assert_eq!(run.stdout.matches('\n').count(), 1, "{arguments:?}");
    serde_json::from_str(&run.stdout).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn has(value: &Value, wanted: &str) {
    for key in wanted.split(' ') {
        assert!(value.get(key).is_some(), "{key} is missing in {value}");
    }
}

#[test]
fn search_has_its_keys() {
    let home = Home::new();
    let found = object(&home, &["search", "--json", "jq"]);
    assert_eq!(keys(&found), ["packages", "query", "schema", "total"]);
    assert_eq!(found["schema"], "omg.search/1");
    let first = &found["packages"][0];
    assert_eq!(
        keys(first),
        [
            "architecture",
            "aur",
            "description",
            "installed_version",
            "name",
            "repository",
            "score",
            "source",
            "version"
        ]
    );
    assert_eq!(
        (&first["name"], &first["installed_version"]),
        (&"jq".into(), &"1.6-2.1+deb12u1".into())
    );
}

#[test]
fn info_has_its_keys() {
    let home = Home::new();
    let found = object(&home, &["--json", "info", "jq", "vim"]);
    assert_eq!(found["schema"], "omg.info/1");
    assert_eq!(found["packages"].as_array().unwrap().len(), 2);
    let jq = &found["packages"][0];
    has(
        jq,
        "name version source repository architecture description installed_version score url maintainer licenses section",
    );
    has(
        jq,
        "priority depends pre_depends recommends suggests conflicts breaks replaces provides download_size",
    );
    has(
        jq,
        "installed_size filename sha256 purl install_reason installed_at versions candidate_version",
    );
    has(&jq["versions"][0], "version repository priority");
    assert_eq!(jq["install_reason"], "explicit");
    let at = jq["installed_at"].as_str().unwrap();
    assert!(at.len() == 20 && at.ends_with('Z'), "{at}");
    assert_eq!(found["packages"][1]["installed_at"], Value::Null);
    assert!(jq["depends"].as_array().unwrap().iter().any(|item| item == "libc6 (>= 2.34)"));
}

#[test]
fn lists_have_their_keys() {
    let home = Home::new();
    for arguments in [&["list", "--json"][..], &["explicit", "--json"], &["outdated", "--json"]] {
        let found = object(&home, arguments);
        assert_eq!(found["schema"], "omg.list/1");
        assert_eq!(
            keys(&found["packages"][0]),
            [
                "architecture",
                "held",
                "install_reason",
                "name",
                "new_version",
                "repository",
                "source",
                "version"
            ]
        );
    }
}

#[test]
fn status_has_its_keys_with_and_without_a_daemon() {
    let home = Home::new();
    let alone = object(&home, &["status", "--json"]);
    assert_eq!(alone["schema"], "omg.status/1");
    assert_eq!(alone["daemon"]["running"], false);
    has(&alone["daemon"], "running pid uptime_s generation index_packages rss_bytes cache");
    has(&alone["packages"], "total explicit orphans updates security_updates");
    assert!(alone["data_age_s"].is_u64());

    let _daemon = home.daemon();
    let run = home.omg(&["status", "--json", "--verbose"]);
    let status: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(status["packages"], alone["packages"]);
    assert_eq!(status["daemon"]["running"], true);
    assert!(status["daemon"]["pid"].as_u64().unwrap() > 1);
    has(&status["daemon"]["cache"], "memory disk");
    has(&status["daemon"]["cache"]["memory"], "hits misses evictions entries bytes");
}

/// An archive and a root of its own, which tools of Debian make; nobody need be root for it.
fn shop() -> Option<Shop> {
    if !has_engine("omg-engine-apt") {
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

/// Runs a verb with `--json`, whose lines must have these schemas, events aside.
fn prints(home: &Home, arguments: &[&str], wanted: &[&str]) -> Run {
    let run = home.alone(&[arguments, &["--json"]].concat());
    assert_eq!(schemas(&run), wanted, "{arguments:?}: {run:?}");
    assert_eq!(run.code != 0, wanted.contains(&"omg.error/1"), "{arguments:?}: {run:?}");
    run
}

/// The last line, which is the answer.
fn answer(run: &Run) -> Value {
    serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap()
}

const DONE: &[&str] = &["omg.plan/1", "omg.outcome/1"];

/// What takes the administrator's rights, one after the other on the same system.
const CHANGES: &[(&[&str], &[&str])] = &[
    (&["sync"], &["omg.sync/1"]),
    (&["sync"], &["omg.sync/1"]),
    (&["install", "tool=1.0"], &["omg.error/1"]),
    (&["install", "-y", "tool=1.0"], DONE),
    (&["install", "-y", "tool=1.0"], &["omg.plan/1"]),
    (&["install", "libtool1"], DONE),
    (&["mark", "auto", "libtool1"], &["omg.outcome/1"]),
    (&["mark", "auto", "tool"], &["omg.outcome/1"]),
    (&["mark", "manual", "tool"], &["omg.outcome/1"]),
    (&["hold", "tool", "--reason", "the new one is slow", "--until", "3d"], &["omg.outcome/1"]),
    (&["unhold", "tool"], &["omg.outcome/1"]),
    (&["snapshot", "create", "old"], &["omg.snapshot/1"]),
    (&["update", "-y"], &["omg.sync/1", "omg.plan/1", "omg.outcome/1"]),
    (&["downgrade", "-n", "tool"], &["omg.plan/1"]),
    (&["downgrade", "-y", "tool"], DONE),
    (&["history", "undo", "-y"], DONE),
    (&["snapshot", "restore", "-y", "old"], DONE),
    (&["snapshot", "restore", "-y", "old"], &["omg.plan/1"]),
    (&["history", "rollback", "-n", "0"], &["omg.plan/1"]),
    (&["remove", "-y", "tool"], DONE),
    (&["autoremove", "-y"], DONE),
    (&["clean", "--all"], &["omg.outcome/1"]),
    (&["recover"], &["omg.outcome/1"]),
    (&["blame", "tool"], &["omg.history/1"]),
    (&["audit", "log"], &["omg.audit-log/1"]),
    (&["audit", "verify"], &["omg.audit-verify/1"]),
    (&["audit", "checkpoint"], &["omg.text/1"]),
    (&["audit", "policy", "tool"], &["omg.policy/1"]),
];

#[test]
fn what_is_done_is_told_line_by_line() {
    let Some(shop) = crate::change::shop() else { return };
    let home = Home::over(&shop.root());
    let mut records = Vec::new();
    for (arguments, wanted) in CHANGES {
        let run = prints(&home, arguments, wanted);
        let last = answer(&run);
        if last["schema"] == "omg.outcome/1" {
            let changes = last["changes"].as_array().unwrap();
            // Only plans move packages; a plan without changes may still move marks.
            assert!(changes.is_empty() || wanted.contains(&"omg.plan/1"), "{run:?}");
            records.extend(last["records"].as_array().unwrap().clone());
        }
    }
    let history = prints(&home, &["history", "list", "--all"], &["omg.history/1"]);
    let history = answer(&history);
    let changes = history["changes"].as_array().unwrap();
    for record in &records {
        assert!(changes.iter().any(|change| change["id"] == *record), "{record}: {history}");
    }
    let id = records[0].to_string();
    let info = answer(&prints(&home, &["history", "info", &id], &["omg.history/1"]));
    assert_eq!(info["changes"][0]["result"], "done", "{info}");
    assert_eq!(info["changes"][0]["packages"].as_array().unwrap().len(), 2, "{info}");
}

/// Without anybody's rights but the user's: lists that are there already, and a refusal.
#[test]
fn what_a_user_may_do_has_its_keys() {
    let Some(shop) = shop() else { return };
    let lists = shop.root().join("var/lib/apt/lists");
    for (file, name) in
        [("InRelease", "InRelease"), ("main/binary-amd64/Packages", "main_binary-amd64_Packages")]
    {
        let from = shop.archive().join("dists/stable").join(file);
        std::fs::copy(from, lists.join(format!("_srv_archive_dists_stable_{name}"))).unwrap();
    }
    let home = Home::over(&shop.root());
    let synced = answer(&prints(&home, &["sync"], &["omg.sync/1"]));
    assert_eq!((&synced["changed"], &synced["unchanged"]), (&Value::Array(Vec::new()), &1.into()));

    let deb = shop.deb("other", "1.0");
    let mut bytes = std::fs::read(&deb).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&deb, &bytes).unwrap();
    let run = prints(&home, &["install", "-y", "other"], &["omg.plan/1", "omg.error/1"]);
    assert_eq!(answer(&run)["code"], "OMG-E0011", "{run:?}");

    let own = |words: &[&str], wanted| prints(&home, &[words, &["--user"]].concat(), &[wanted]);
    let log = answer(&own(&["audit", "log", "--phase", "deny"], "omg.audit-log/1"));
    assert_eq!(log["records"][0]["outcome"]["code"], 11, "{log}");
    assert_eq!(log["records"].as_array().unwrap().len(), 1, "{log}");
    let verified = answer(&own(&["audit", "verify"], "omg.audit-verify/1"));
    assert_eq!(verified["findings"], Value::Array(Vec::new()), "{verified}");
    own(&["audit", "checkpoint"], "omg.text/1");
    // Of records that are handed out each line is one, whatever the flags say.
    let lines = home.alone(&["audit", "export", "--user", "--json"]);
    let all = verified["records"].as_u64().unwrap();
    assert_eq!((lines.code, lines.stdout.lines().count() as u64), (0, all), "{lines:?}");
    for line in lines.stdout.lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("time").unwrap();
        assert_eq!(keys(&record), keys(&log["records"][0]));
    }
}
