//! What can be asked of a log.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use omg_audit::{Actor, Done, Ended, Filter, Log, Options, Phase, Reader, Via};
use omg_core::Code;

use crate::child;
use crate::world::{entry, fault, place};

/// What a plan has, and so much more as undoing it takes.
#[test]
fn enough_to_undo() {
    let plan = omg_core::Plan {
        changes: vec![
            planned(omg_core::Action::Install, "vim", None, Some("2:9.0-1")),
            planned(omg_core::Action::Upgrade, "libc6", Some("2.36-8"), Some("2.36-9")),
            planned(omg_core::Action::Remove, "nano", Some("7.2-1"), None),
        ],
        ..omg_core::Plan::default()
    };
    let mut entry = omg_audit::Entry::new("install", "r", Actor::default()).plan(&plan, "debian");
    entry.subjects[1].automatic_before = Some(true);
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    let pending = log.begin(entry).unwrap();
    let seq = pending.seq();
    pending.commit(&Done::default()).unwrap();
    let change = Reader::open(&dir).unwrap().change(seq).unwrap().unwrap();
    assert_eq!(change.intent.plan_digest.unwrap().to_string(), plan.digest());
    assert_eq!(change.intent.plan.as_deref(), Some(plan.canonical().as_str()));
    let done = change.done();
    let actions: Vec<_> = done.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions, ["install", "upgrade", "remove"]);
    assert_eq!(done[0].purl, "pkg:deb/debian/vim@2:9.0-1?arch=amd64");
    assert_eq!((done[0].from.as_deref(), done[0].to.as_deref()), (None, Some("2:9.0-1")));
    assert_eq!(done[0].automatic_after, Some(true));
    assert_eq!(done[0].sha256.unwrap().to_string(), "ab".repeat(32));
    assert_eq!(done[1].automatic_before, Some(true));
    assert_eq!((done[2].to.as_deref(), done[2].automatic_after), (None, None));
}

fn planned(
    action: omg_core::Action,
    name: &str,
    old: Option<&str>,
    new: Option<&str>,
) -> omg_core::Planned {
    omg_core::Planned {
        action,
        name: name.into(),
        architecture: "amd64".into(),
        old_version: old.map(Into::into),
        new_version: new.map(Into::into),
        source: omg_core::Source::Apt,
        repository: "bookworm/main".into(),
        reason: omg_core::Reason::Requested,
        automatic: true,
        download_size: 0,
        installed_size_delta: 0,
        sha256: Some("ab".repeat(32)),
        grade: None,
    }
}

#[test]
fn filters() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    let by = |op: &str, package: &str, uid: u32| {
        let mut entry = entry(op, package, 1);
        entry.actor = Actor {
            via: Some(Via { program: "sudo".into(), uid: Some(uid), user: None }),
            ..Actor::default()
        };
        entry
    };
    let first = log.begin(by("install", "vim", 1000)).unwrap();
    let first_seq = first.seq();
    first.commit(&Done::default()).unwrap();
    log.begin(by("remove", "vim", 1001)).unwrap().abort(&fault()).unwrap();
    log.deny(by("install", "emacs", 1001), &fault()).unwrap();
    let last = log.begin(by("upgrade", "vim", 1000)).unwrap();
    let last_seq = last.seq();
    last.commit(&Done::default()).unwrap();
    let reader = Reader::open(&dir).unwrap();
    let count = |filter: Filter| reader.history(&filter).unwrap().len();
    let all = Filter::default();
    assert_eq!(count(all.clone()), 4);
    assert_eq!(count(Filter { ops: vec!["install".into()], ..all.clone() }), 2);
    assert_eq!(count(Filter { packages: vec!["vim".into()], ..all.clone() }), 3);
    assert_eq!(count(Filter { phases: vec![Phase::Commit], ..all.clone() }), 2);
    assert_eq!(count(Filter { phases: vec![Phase::Deny, Phase::Abort], ..all.clone() }), 2);
    assert_eq!(count(Filter { user: Some(1000), ..all.clone() }), 2);
    assert_eq!(count(Filter { user: Some(4711), ..all.clone() }), 0);
    assert_eq!(count(Filter { limit: Some(3), ..all.clone() }), 3);
    assert_eq!(count(Filter { from: last_seq, ..all.clone() }), 1);
    let now = reader.get(last_seq).unwrap().unwrap().wall_ms;
    assert_eq!(count(Filter { since_ms: Some(now + 1), ..all.clone() }), 0);
    assert_eq!(count(Filter { until_ms: Some(now), ..all.clone() }), 4);
    let denied = Filter { phases: vec![Phase::Deny], ..all };
    assert_eq!(reader.select(&denied).unwrap()[0].words, ["install", "emacs"]);
    // What made vim what it is: not the removal that failed.
    let blame: Vec<u64> = reader.blame("vim").unwrap().iter().map(omg_audit::Change::seq).collect();
    assert_eq!(blame, [last_seq, first_seq]);
    assert!(reader.blame("emacs").unwrap().is_empty(), "it was refused");
}

#[test]
fn a_part_that_was_done_is_what_was_done() {
    let (_keep, dir) = place();
    let log = Log::open(&dir, &Options::default()).unwrap();
    let mut both = entry("install", "vim", 1);
    both.subjects.extend(entry("install", "emacs", 1).subjects);
    let done = Done { subjects: entry("install", "emacs", 1).subjects, ..Done::default() };
    log.begin(both).unwrap().abort_after(&fault(), &done).unwrap();
    let reader = Reader::open(&dir).unwrap();
    assert_eq!(reader.blame("vim").unwrap().len(), 0);
    assert_eq!(reader.blame("emacs").unwrap()[0].ended(), Ended::Failed);
}

#[test]
fn other_users_read_what_they_may() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("SKIPPED: only root can be another user");
    }
    for (world_readable, readable) in [(true, true), (false, false)] {
        let (keep, dir) = place();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(keep.path(), mode).unwrap();
        let options = Options { world_readable, ..Options::default() };
        Log::open(&dir, &options).unwrap().deny(entry("install", "vim", 1), &fault()).unwrap();
        let exe = keep.path().join("tests");
        std::fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
        // The child fails if it can read the log and finds it whole.
        let status = Command::new(&exe)
            .args(["--exact", "child::entry_point", "--include-ignored"])
            .env("OMG_AUDIT_ROLE", "damaged")
            .env("OMG_AUDIT_DIR", &dir)
            .uid(65534)
            .gid(65534)
            .output()
            .unwrap();
        assert_eq!(!status.status.success(), readable);
        let said = String::from_utf8_lossy(&status.stdout);
        assert!(said.contains("1 failed") || said.contains("1 passed"), "{said}");
    }
}

/// A writer that died in the middle leaves a file that somebody who may not write it can read.
#[test]
fn what_a_crash_left_can_be_read() {
    let (_keep, dir) = place();
    child::run("one", &dir, &[]);
    child::run("one", &dir, &[("OMG_FAILPOINT", "audit.append.before=kill")]);
    let before = std::fs::read(dir.join("log.redb")).unwrap();
    assert_eq!(Reader::open(&dir).unwrap().len().unwrap(), 3);
    assert_eq!(std::fs::read(dir.join("log.redb")).unwrap(), before);
}

#[test]
fn nothing_there_is_said_so() {
    let (_keep, dir) = place();
    let error = Reader::open(&dir).unwrap_err();
    assert_eq!(error.code(), Code::NotFound, "{error}");
}
