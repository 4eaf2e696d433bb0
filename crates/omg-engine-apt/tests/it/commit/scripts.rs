//! Maintainer scripts: what they inherit, what is heard of them, and what is left when one fails.

use std::fs;

use omg_core::{Change, Code, Conffiles, NoticeKind, Operation, Progress, Task};

use super::engine::{Engine, apply, carry_out, order};
use super::repository::{Package, Repository, artifact};
use super::system::{able, shell, system};
use crate::root::Root;

struct Scene {
    _dir: tempfile::TempDir,
    root: Root,
    repository: Repository,
}

fn scene(packages: &[Package], newer: &[Package]) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(dir.path()).unwrap().join("root");
    fs::create_dir(&path).unwrap();
    system(&path);
    shell(&path);
    let repository = Repository::new();
    repository.suite(&path, "stable", packages);
    if !newer.is_empty() {
        repository.suite(&path, "testing", newer);
    }
    Scene { _dir: dir, root: Root::new(&path, "amd64"), repository }
}

#[test]
fn a_script_inherits_next_to_nothing() {
    if !able() {
        return;
    }
    let body = "/usr/bin/env > /env; echo from the script; \
                for n in 3 4 5 6 7 8 9; do (: <&$n) 2>/dev/null && echo $n >> /fds; done; :";
    let scene = scene(&[Package::new("tool", "1.0-1").script("postinst", body)], &[]);
    let change = Change::new(Operation::Install, ["tool"]);
    let plan = scene.root.plan(&change).unwrap();
    let secrets = [
        ("SECRET_TOKEN", "x"),
        ("LD_LIBRARY_PATH", "/tmp"),
        ("SUDO_UID", "1000"),
        ("APT_CONFIG", "/nowhere"),
    ];
    let mut engine = Engine::start_with(&scene.root.path, &secrets);
    let (heard, result) = engine.order(&apply(&change, &plan, &scene.repository));
    result.unwrap();
    let said =
        |it: &Progress| matches!(it, Progress::Output { line, .. } if line == "from the script");
    assert!(heard.iter().any(said));
    let text = fs::read_to_string(scene.root.path.join("env")).unwrap();
    let known = [
        "PATH",
        "LC_ALL",
        "HOME",
        "TERM",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "DEBIAN_FRONTEND",
        "DEBCONF_NONINTERACTIVE_SEEN",
        "APT_LISTCHANGES_FRONTEND",
        "NEEDRESTART_MODE",
    ];
    for line in text.lines() {
        let name = line.split('=').next().unwrap();
        let ours = known.contains(&name) || name.starts_with("DPKG_");
        assert!(ours, "{line}");
    }
    assert!(
        text.contains("DPKG_FRONTEND_LOCKED=true") && text.contains("LC_ALL=C.UTF-8"),
        "{text}"
    );
    let open = fs::read_to_string(scene.root.path.join("fds")).unwrap_or_default();
    assert_eq!(open, "", "files that a script finds open");
}

#[test]
fn row_41_what_takes_the_environment_away_is_what_keeps_it_from_scripts() {
    if !able() {
        return;
    }
    for (weaken, seen) in [("41", true), ("", false)] {
        let body = "/usr/bin/env > /env";
        let scene = scene(&[Package::new("tool", "1.0-1").script("postinst", body)], &[]);
        let change = Change::new(Operation::Install, ["tool"]);
        let plan = scene.root.plan(&change).unwrap();
        let environment = [("SECRET_TOKEN", "x"), ("OMG_WEAKEN", weaken)];
        let mut engine = Engine::start_with(&scene.root.path, &environment);
        engine.order(&apply(&change, &plan, &scene.repository)).1.unwrap();
        let text = fs::read_to_string(scene.root.path.join("env")).unwrap();
        assert_eq!(text.contains("SECRET_TOKEN=x"), seen, "{weaken}: {text}");
    }
}

#[test]
fn a_failing_script_is_told_of_and_repaired() {
    if !able() {
        return;
    }
    let body = "if test -e /broken; then echo no room for it; exit 3; fi";
    let scene = scene(&[Package::new("tool", "1.0-1").script("postinst", body)], &[]);
    let path = scene.root.path.clone();
    fs::write(path.join("broken"), "").unwrap();
    let change = Change::new(Operation::Install, ["tool"]);
    let fault = carry_out(&scene.root, &scene.repository, &change).unwrap_err();
    assert_eq!(fault.code, Code::Transaction, "{fault}");
    assert!(fault.cause.iter().any(|cause| cause.contains("no room for it")), "{fault:?}");
    let remove = Change::new(Operation::Remove, ["tool"]);
    let plan = scene.root.plan_at(99, &remove).unwrap();
    let mut engine = Engine::start(&path);
    let fault = engine.order(&apply(&remove, &plan, &scene.repository)).1.unwrap_err();
    assert_eq!(fault.code, Code::Interrupted);
    assert!(fault.cause[0].contains("tool:amd64 is half-configured"), "{fault:?}");
    assert!(engine.order(&order(Task::Recover)).1.is_err());
    fs::remove_file(path.join("broken")).unwrap();
    let outcome = engine.order(&order(Task::Recover)).1.unwrap();
    assert_eq!(outcome.notices.len(), 1, "{outcome:?}");
    let status = fs::read_to_string(path.join("var/lib/dpkg/status")).unwrap();
    assert!(status.contains("Status: install ok installed"));
}

#[test]
fn configuration_of_the_user_stays_or_goes_as_ordered() {
    if !able() {
        return;
    }
    for (conffiles, text, beside) in
        [(Conffiles::Keep, "mine\n", ".dpkg-dist"), (Conffiles::Replace, "two\n", ".dpkg-old")]
    {
        let one = Package::new("tool", "1.0-1").conffile("/etc/tool.conf", "one\n");
        let two = Package::new("tool", "2.0-1").conffile("/etc/tool.conf", "two\n");
        let scene = scene(&[one], &[two]);
        let path = scene.root.path.clone();
        let change = Change::new(Operation::Install, ["tool=1.0-1"]);
        carry_out(&scene.root, &scene.repository, &change).unwrap();
        fs::write(path.join("etc/tool.conf"), "mine\n").unwrap();
        let change = Change::new(Operation::Install, ["tool"]);
        let plan = scene.root.plan_at(77, &change).unwrap();
        let mut order = apply(&change, &plan, &scene.repository);
        order.conffiles = conffiles;
        let outcome = Engine::start(&path).order(&order).1.unwrap();
        assert_eq!(fs::read_to_string(path.join("etc/tool.conf")).unwrap(), text);
        let notice = outcome.notices.iter().find(|it| it.kind == NoticeKind::Conffile).unwrap();
        assert_eq!(notice.text, format!("/etc/tool.conf{beside}"));
        assert!(path.join(notice.text.trim_start_matches('/')).exists());
    }
}

#[test]
fn files_marks_and_holds() {
    if !able() {
        return;
    }
    let scene = scene(&[Package::new("base", "1.0-1")], &[]);
    let path = scene.root.path.clone();
    let own = path.with_extension("own");
    fs::create_dir(&own).unwrap();
    let file = Package::new("own", "3.0-1").fields("Depends: base\n").build(&own);
    let target = file.display().to_string();
    let change = Change::new(Operation::Install, [target.clone()]);
    let plan = scene.root.plan(&change).unwrap();
    let mut artifacts = scene.repository.artifacts(&plan);
    artifacts.retain(|it| it.name != "own");
    artifacts.push(artifact(&file, "own", "3.0-1", ""));
    let digest = plan.digest();
    let task = Task::Apply { change, digest, artifacts, undoes: None };
    let mut engine = Engine::start(&path);
    engine.order(&order(task)).1.unwrap();
    assert!(path.join("usr/share/own/data").exists() && path.join("usr/share/base/data").exists());
    let names = vec!["own".to_owned()];
    let mark = Task::Mark { packages: names.clone(), automatic: true };
    assert_eq!(engine.order(&order(mark.clone())).1.unwrap().notices.len(), 1);
    assert_eq!(engine.order(&order(mark)).1.unwrap().notices.len(), 0);
    let hold = |hold| Task::Hold {
        packages: names.clone(),
        hold,
        reason: Some("mine".into()),
        until: None,
    };
    engine.order(&order(hold(true))).1.unwrap();
    let status = || fs::read_to_string(path.join("var/lib/dpkg/status")).unwrap();
    assert!(status().contains("Status: hold ok installed"));
    let holds = fs::read_to_string(path.join("var/lib/omg/state/holds.toml")).unwrap();
    assert!(holds.contains("mine"));
    engine.order(&order(hold(false))).1.unwrap();
    assert!(!status().contains("Status: hold ok installed"));
    let cleaned = engine.order(&order(Task::Clean { all: true })).1.unwrap();
    assert!(cleaned.notices[0].text.starts_with("2 package files"), "{cleaned:?}");
    let gone = Task::Mark { packages: vec!["none".into()], automatic: true };
    assert_eq!(engine.order(&order(gone)).1.unwrap_err().code, Code::NotFound);
}
