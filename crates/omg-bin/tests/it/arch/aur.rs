//! `omg` with an AUR: one list, one plan, an age that recipes must have, and an AUR that is down or
//! hostile.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use omg_aur::testing::{AurServer, Mishap};
use serde_json::Value;

use super::root::data;
use super::site::{Site, unpacked};
use crate::plans::arch;

/// Some packages of an AUR: a program that needs things of all kinds, and a twin of a repository's.
fn offer(site: &Site) {
    site.add(
        "helper",
        r#""Depends":["libhelper>=1","java-runtime"],"MakeDepends":["gen","libedit"],"OptDepends":["spell: for spelling"]"#,
    );
    site.add("libhelper", r#""PackageBase":"helper-libs","Version":"1.2-1","Depends":["libedit"]"#);
    site.add("gen", r#""MakeDepends":["tool"]"#);
    site.add("editor", r#""Version":"10.0-1","Maintainer":null,"OutOfDate":1650000000"#);
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn names(list: &Value, key: &str) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter().map(|it| it[key].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_real_list_is_fetched_once_and_searched_beside_the_repositories() {
    let Some(root) = arch() else { return };
    let Some(dump) = data("aur/packages-meta-ext.json.gz") else { return };
    let site = Site::over(root.path());
    site.server.set_dump(Some(std::fs::read(&dump).unwrap()));
    let packages: Vec<Value> = serde_json::from_slice(&unpacked(&dump)).unwrap();
    let first = site.json(&["aur", "sync"]);
    let fetched = &first["sources"][0];
    assert_eq!((&fetched["changed"], &fetched["packages"]), (&true.into(), &packages.len().into()));
    assert_eq!(fetched["fetched"], std::fs::metadata(&dump).unwrap().len());
    let second = site.json(&["aur", "sync"]);
    let unchanged = &second["sources"][0];
    assert_eq!((&unchanged["changed"], &unchanged["fetched"]), (&false.into(), &0.into()));
    assert_eq!(unchanged["packages"], packages.len());
    let asked = site.server.requests();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].header("if-none-match"), None);
    assert!(asked[1].header("if-none-match").is_some_and(|tag| tag.len() > 10));

    // Words of three letters and less are looked for only where words of a description begin.
    for word in ["neovim", "python", "language server", "-git"] {
        let has = |package: &Value| {
            let text = |key: &str| package[key].as_str().unwrap_or("").to_lowercase();
            let text = format!("{} {}", text("Name"), text("Description"));
            word.split(' ').all(|word| text.contains(word))
        };
        let wanted = packages.iter().filter(|it| has(it)).map(|it| it["Name"].as_str().unwrap());
        let wanted: BTreeSet<&str> = wanted.collect();
        let found = site.json(&["search", "--", word]);
        let found: BTreeSet<&str> = found["packages"]
            .as_array()
            .unwrap_or_else(|| panic!("{word}: {found}"))
            .iter()
            .filter(|it| it["source"] == "aur")
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let missing: Vec<_> = wanted.difference(&found).collect();
        assert!(!wanted.is_empty() && missing.is_empty(), "{word}: {missing:?}");
    }
    assert_eq!(site.server.requests().len(), 2, "a search asks nobody");
}

#[test]
fn a_name_of_both_is_shown_once_for_each() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    offer(&site);
    site.must(&["aur", "sync"]);
    let found = site.json(&["search", "editor"]);
    let mut rows: Vec<(&str, &str, &str)> = found["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["name"].as_str().unwrap(),
                it["source"].as_str().unwrap(),
                it["version"].as_str().unwrap(),
            )
        })
        .filter(|(name, _, _)| *name == "editor")
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, [("editor", "alpm", "9.0-2"), ("editor", "aur", "10.0-1")]);
    let shown = site.must(&["search", "editor"]).stdout;
    assert_eq!(shown.lines().filter(|line| line.starts_with("editor ")).count(), 2, "{shown}");

    let info = site.json(&["info", "helper"]);
    let helper = &info["packages"][0];
    assert_eq!((&helper["source"], &helper["repository"]), (&"aur".into(), &"aur".into()));
    let aur = &helper["aur"];
    assert_eq!((&aur["votes"], &aur["popularity"]), (&21.into(), &1.5.into()));
    assert_eq!((&aur["maintainer"], &aur["out_of_date"]), (&"jguer".into(), &Value::Null));
    assert_eq!(aur["last_modified"], "2020-09-13T12:26:40Z");
    let shown = site.must(&["info", "helper"]).stdout;
    assert!(shown.contains("jguer") && shown.contains("21"), "{shown}");
}

#[test]
fn a_plan_names_what_is_built_in_order_and_what_comes_from_where() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    offer(&site);
    site.must(&["aur", "sync"]);
    let plan = site.json(&["install", "-n", "helper"]);
    assert_eq!(plan["schema"], "omg.plan/1", "{plan}");
    let builds = names(&plan["builds"], "package_base");
    assert_eq!(builds.len(), 3, "{plan}");
    assert_eq!(builds.last().unwrap(), "helper");
    assert!(builds.contains(&"helper-libs".to_owned()) && builds.contains(&"gen".to_owned()));
    let change = |name: &str| {
        let all = plan["changes"].as_array().unwrap();
        all.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}: {plan}"))
    };
    for (name, source, reason, by) in [
        ("helper", "aur", "requested", Value::Null),
        ("libhelper", "aur", "dependency", "helper".into()),
        ("gen", "aur", "build", "helper".into()),
        ("jre-new", "alpm", "dependency", "helper".into()),
    ] {
        let change = change(name);
        assert_eq!(
            (&change["source"], &change["reason"]),
            (&source.into(), &reason.into()),
            "{name}"
        );
        assert_eq!(change["reason_package"], by, "{name}");
    }
    assert_eq!(plan["providers"][0]["options"].as_array().unwrap().len(), 2);
    assert_eq!(site.json(&["install", "-n", "helper"])["digest"], plan["digest"]);
    let other = site.json(&["install", "-n", "helper", "--provider", "java-runtime=jre-old"]);
    assert_ne!(other["digest"], plan["digest"]);
    assert!(names(&other["changes"], "name").contains(&"jre-old".to_owned()), "{other}");

    // A repository's package is never taken from the AUR unless that is asked for.
    let own = site.json(&["install", "-n", "-u", "editor"]);
    assert!(own["builds"].as_array().unwrap().is_empty(), "{own}");
    let foreign = site.json(&["install", "-n", "aur/editor"]);
    assert_eq!(names(&foreign["builds"], "package_base"), ["editor"]);
    assert!(foreign["warnings"].to_string().contains("in a repository, too"), "{foreign}");
    let unknown = site.omg(&["install", "-n", "aur/nosuch"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
    for hostile in ["aur/../x", "aur/-x", "aur/$(id)", "aur/a b"] {
        let run = site.omg(&["install", "-n", "--", hostile]);
        assert!(matches!(run.code, 2 | 3), "{hostile}: {run:?}");
    }
}

#[test]
fn what_was_changed_an_hour_ago_waits() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    site.add("young", &format!("\"LastModified\":{}", now() - 3600));
    site.add("needs-young", r#""Depends":["young"]"#);
    site.add("newborn", &format!("\"LastModified\":{0},\"FirstSubmitted\":{0}", now() - 7200));
    site.must(&["aur", "sync"]);
    for (name, word) in
        [("young", "was changed"), ("needs-young", "was changed"), ("newborn", "first submitted")]
    {
        let run = site.omg(&["install", "-n", name]);
        assert_eq!(run.code, 9, "{name}: {run:?}");
        for part in ["OMG-E0009", word, "--min-age 0", "omg aur review"] {
            assert!(run.stderr.contains(part), "{name}: {part}: {run:?}");
        }
        // Let through, it is still said.
        let run = site.must(&["install", "-n", "--min-age", "0", name]);
        assert!(format!("{}{}", run.stdout, run.stderr).contains(word), "{name}: {run:?}");
        let run = site.must(&["install", "-n", "--min-age", "30m", name]);
        assert!(format!("{}{}", run.stdout, run.stderr).contains(word), "{name}: {run:?}");
    }
    site.settings("exempt = [\"young\"]");
    for name in ["young", "needs-young"] {
        let plan = site.json(&["install", "-n", name]);
        assert!(plan["warnings"].to_string().contains("was changed"), "{name}: {plan}");
    }
    assert_eq!(site.omg(&["install", "-n", "newborn"]).code, 9);
    site.settings("min_age_days = 0");
    site.must(&["install", "-n", "newborn"]);
}

#[test]
fn while_the_aur_is_down_what_is_known_is_answered() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    offer(&site);
    site.must(&["aur", "sync"]);
    let before = [site.must(&["search", "helper"]), site.must(&["info", "helper"])];
    let plan = site.json(&["install", "-n", "helper"]);
    for mishap in [Mishap::Cut, Mishap::Status(503, Some(30)), Mishap::Status(429, None)] {
        site.server.set_mishap(Some(mishap.clone()));
        assert_eq!([site.must(&["search", "helper"]), site.must(&["info", "helper"])], before);
        let stale = site.json(&["install", "-n", "helper"]);
        assert_eq!(stale["builds"], plan["builds"], "{mishap:?}");
        assert_eq!(stale["changes"], plan["changes"], "{mishap:?}");
        assert!(
            stale["warnings"].to_string().contains("what is known of the AUR is"),
            "{mishap:?}: {stale}"
        );
    }
    let run = site.omg(&["aur", "sync"]);
    assert!(matches!(run.code, 1 | 8), "{run:?}");
    // Nothing listens any more.
    let Site { server, home, .. } = site;
    drop(server);
    let stale = home.alone(&["install", "-n", "helper"]);
    assert_eq!(stale.code, 0, "{stale:?}");
    assert!(
        format!("{}{}", stale.stdout, stale.stderr).contains("what is known of the AUR is"),
        "{stale:?}"
    );
    assert_eq!(home.alone(&["search", "helper"]), before[0]);
    let run = home.alone(&["aur", "sync"]);
    assert!(matches!(run.code, 1 | 8) && run.stderr.starts_with("error[OMG-E"), "{run:?}");
}

#[test]
fn a_hostile_aur_changes_nothing() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    offer(&site);
    site.must(&["aur", "sync"]);
    let (list, found) = (site.list().unwrap(), site.must(&["search", "helper"]));
    // Another list is there to be fetched, so that a good answer would be seen.
    site.add("more", "");
    // Who follows a redirect gets a good list, of somebody else.
    let other = AurServer::start().unwrap();
    other.add(r#"{"Name":"evil","PackageBase":"evil","Version":"1-1"}"#).unwrap();
    let elsewhere = format!("{}/packages-meta-ext-v1.json.gz", other.address());
    // A list of nothing, in 300 MB.
    let spaces = "(printf '['; head -c 300000000 /dev/zero | tr '\\0' ' '; printf ']') | gzip -1c";
    let bomb = Command::new("sh").arg("-c").arg(spaces).output().unwrap().stdout;
    for mishap in [
        Mishap::Status(500, None),
        Mishap::Redirect(elsewhere),
        Mishap::Redirect("file:///etc/passwd".into()),
        Mishap::Redirect("https://example.org/\u{1b}[31m".into()),
        Mishap::Promised(1 << 50),
        Mishap::Cut,
        Mishap::Body(b"\x1b]0;hello\x07 no list at all".to_vec()),
        Mishap::Body(br#"[{"Name":7}]"#.to_vec()),
        Mishap::Body(bomb),
        Mishap::Dripping(Duration::from_millis(100)),
        Mishap::Endless,
    ] {
        let shown: String = format!("{mishap:?}").chars().take(80).collect();
        site.server.set_mishap(Some(mishap));
        let began = std::time::Instant::now();
        let run = site.omg(&["aur", "sync"]);
        println!("{shown}: {:?} {}", began.elapsed(), run.stderr);
        assert!(matches!(run.code, 1 | 8), "{shown}: {run:?}");
        assert!(run.stderr.starts_with("error[OMG-E"), "{shown}: {run:?}");
        assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{shown}: {run:?}");
        assert!(site.list().unwrap() == list, "{shown}: the list is another one");
        assert_eq!(site.must(&["search", "helper"]), found, "{shown}");
    }
    assert_eq!(other.requests(), []);
    site.server.set_mishap(None);
    assert_eq!(site.json(&["aur", "sync"])["sources"][0]["changed"], true);
    assert!(site.list().unwrap() != list);
}

#[test]
fn hostile_answers_about_packages_do_not_become_plans() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    offer(&site);
    let canary = site.canary();
    for answer in [
        r#"{"version":5,"type":"multiinfo","resultcount":1,"results":[{"Name":"helper","Depends":7}]}"#,
        r#"{"version":5,"type":"multiinfo","resultcount":1,"results":{"Name":"helper"}}"#,
        r#"{"version":5,"type":"error","resultcount":0,"results":[],"error":"\u001b[31mno"}"#,
        "[]",
        "\"\"",
        "{",
    ] {
        site.server.set_mishap(Some(Mishap::Body(answer.as_bytes().to_vec())));
        // No list was fetched, so there is nothing to fall back on.
        let run = site.omg(&["install", "-n", "helper"]);
        assert!(matches!(run.code, 1 | 3 | 8), "{answer}: {run:?}");
        assert!(run.stderr.starts_with("error[OMG-E"), "{answer}: {run:?}");
        assert!(!run.stderr.contains('\u{1b}'), "{answer}: {run:?}");
    }
    let touch = format!("$(touch {})", canary.display());
    let answer = format!(
        r#"{{"version":5,"type":"multiinfo","resultcount":1,"results":[{{"Name":"{touch}","PackageBase":"../../x","Version":"1"}}]}}"#
    );
    site.server.set_mishap(Some(Mishap::Body(answer.into_bytes())));
    for words in [&["install", "-n", "helper"][..], &["aur", "review", "helper"]] {
        let run = site.omg(words);
        assert!(run.code != 0, "{words:?}: {run:?}");
    }
    assert!(!site.sprung());
}

#[test]
fn a_silent_aur_keeps_nobody_else_waiting() {
    let Some(root) = arch() else { return };
    let site = Site::over(root.path());
    offer(&site);
    site.must(&["aur", "sync"]);
    site.server.set_mishap(Some(Mishap::Silent));
    let _daemon = site.home.daemon();
    let asked = site.server.requests().len();
    let mut sync = site.home.command(env!("CARGO_BIN_EXE_omg"));
    let mut sync = sync.args(["aur", "sync"]).stderr(Stdio::piped()).spawn().unwrap();
    let began = std::time::Instant::now();
    while site.server.requests().len() == asked {
        assert!(began.elapsed() < Duration::from_mins(1), "it is not asked");
        std::thread::sleep(Duration::from_millis(5));
    }
    for words in [
        &["search", "helper"][..],
        &["info", "helper"],
        &["install", "-n", "-u", "editor"],
        &["list"],
    ] {
        let run = site.home.omg(words);
        assert_eq!(run.code, 0, "{words:?}: {run:?}");
    }
    assert_eq!(sync.try_wait().unwrap(), None, "it does not wait");
    drop(site.server);
    let output = sync.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(1 | 8)), "{output:?}");
}
