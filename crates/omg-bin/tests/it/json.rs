//! The JSON contract: one object, its schema, its keys.

use serde_json::Value;

use crate::support::Home;

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
