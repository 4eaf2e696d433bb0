//! What must not be installed, what is in the way, and what scripts may do.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use omg_commit::{Commission, Committer as _};
use omg_core::{Change, Code, Conffiles, Operation};

use crate::commit::{possible, twins};
use crate::driver::{self, Told};
use crate::oracle;
use crate::process_commit::{command, order, start};
use crate::tree;
use crate::workshop::{Mirror, Recipe};

fn install(names: &[&str]) -> Change {
    Change::new(Operation::Install, names.iter().copied())
}

/// Row 41: the environment, descriptors and directory of whoever started the engine.
#[test]
fn row_41_a_script_inherits_next_to_nothing() {
    if !possible() {
        return;
    }
    let script = "post_install() {\n export -p > /env; pwd > /cwd\n for n in 3 4 5 6 7 8 9; do\n \
                  (: <&$n) 2>/dev/null && echo $n >> /fds\n done\n :\n}\n";
    let mirror = Mirror::new("core");
    mirror.add(&[Recipe::new("app", "1-1").install(script)]);
    let (ours, _) = twins(&["core"], "");
    mirror.sync(&ours);
    let (_, task) = order(&ours, &install(&["app"]), &[mirror.path()]);
    let mut engine = Command::new("sh");
    engine
        .args(["-c", "exec 7</dev/null 8</dev/null; exec \"$0\" commit --root \"$1\""])
        .arg(env!("CARGO_BIN_EXE_omg-engine-alpm"))
        .arg(ours.path())
        .envs([("SECRET_TOKEN", "x"), ("LD_LIBRARY_PATH", "/tmp"), ("GNUPGHOME", "/tmp")])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    start(engine, task).end().unwrap().unwrap();
    let read = |name: &str| fs::read_to_string(ours.path().join(name)).unwrap_or_default();
    let environment = read("env");
    for name in ["SECRET_TOKEN", "LD_LIBRARY_PATH", "GNUPGHOME"] {
        assert!(!environment.contains(name), "{environment}");
    }
    assert!(environment.contains("LC_ALL='C.UTF-8'"), "{environment}");
    assert_eq!((read("fds"), read("cwd")), (String::new(), "/\n".to_owned()));
}

#[test]
fn a_file_in_the_way_changes_nothing() {
    if !possible() {
        return;
    }
    let mirror = Mirror::new("core");
    mirror.add(&[
        Recipe::new("one", "1-1").file("usr/bin/tool", "one\n"),
        Recipe::new("two", "1-1").file("usr/bin/tool", "two\n"),
        Recipe::new("three", "1-1").file("etc/mine", "theirs\n"),
    ]);
    let (ours, theirs) = twins(&["core"], "");
    for root in [&ours, &theirs] {
        mirror.sync(root);
        mirror.fill_cache(root);
        fs::write(root.path().join("etc/mine"), "mine\n").unwrap();
    }
    driver::commit(&ours, &install(&["one"]), &[mirror.path()]).unwrap();
    assert!(oracle::pacman(&theirs, &["-S", "one"]).success);
    for (name, cause) in [
        ("two", "two: /usr/bin/tool is there already, and belongs to one"),
        ("three", "three: /etc/mine is there already, and belongs to no package"),
    ] {
        let before = tree::of(&ours);
        let fault = driver::commit(&ours, &install(&[name]), &[mirror.path()]).unwrap_err();
        assert_eq!(fault.code, Code::Transaction, "{fault:?}");
        assert!(fault.cause.iter().any(|line| line == cause), "{fault:?}");
        assert_eq!(tree::of(&ours), before);
        assert!(!oracle::pacman(&theirs, &["-S", name]).success);
        assert_eq!(tree::difference(&ours, &theirs), "");
    }
}

#[test]
fn other_bytes_than_the_database_has_are_not_installed() {
    if !possible() {
        return;
    }
    let mirror = Mirror::new("core");
    mirror.add(&[Recipe::new("one", "1-1").file("usr/bin/tool", "one\n")]);
    let (ours, _) = twins(&["core"], "");
    mirror.sync(&ours);
    let other = tempfile::tempdir().unwrap();
    Recipe::new("one", "1-1").file("usr/bin/tool", "other\n").build(other.path());
    let before = tree::of(&ours);
    // libalpm itself still looks, should everything in front of it have failed to.
    let fault = driver::commit(&ours, &install(&["one"]), &[other.path()]).unwrap_err();
    assert_eq!(fault.code, Code::Digest, "{fault:?}");
    assert_eq!(tree::of(&ours), before);
    // The question whether to delete the damaged file was answered with no.
    assert!(ours.path().join("var/lib/omg/staging/one-1-1-any.pkg.tar.gz").exists());
}

#[test]
fn hooks_run_as_pacman_runs_them() {
    if !possible() {
        return;
    }
    let mirror = Mirror::new("core");
    mirror.add(&[
        Recipe::new("one", "1-1"),
        Recipe::new("hooks", "1-1")
            .file("usr/share/libalpm/hooks/20-late.hook", &hook("PostTransaction", "late", "")),
        Recipe::new("stopped", "1-1"),
    ]);
    let (ours, theirs) = twins(&["core"], "HookDir = /hooks\n");
    for root in [&ours, &theirs] {
        mirror.sync(root);
        mirror.fill_cache(root);
        fs::write(root.path().join("hooks/10-early.hook"), hook("PreTransaction", "early", ""))
            .unwrap();
        let stop =
            hook("PreTransaction", "no", "AbortOnFail\n").replace("Target = *", "Target = stopped");
        fs::write(
            root.path().join("hooks/30-stop.hook"),
            stop.replace("echo no", "echo no; false"),
        )
        .unwrap();
    }
    let told = Told::default();
    for (name, command) in [("hooks", "-S"), ("one", "-S")] {
        driver::commit_telling(ours.path(), &install(&[name]), &[mirror.path()], &told).unwrap();
        assert!(oracle::pacman(&theirs, &[command, name]).success);
        assert_eq!(tree::difference(&ours, &theirs), "");
    }
    let lines: Vec<(String, String)> = told.output();
    // Which hook it is libalpm 13's crate does not say.
    let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    let all = |line: &str| line.to_owned();
    // The hook that comes with a package runs in the transaction that brings it.
    let expected = [all("early"), all("late"), all("early"), all("late")];
    assert_eq!(lines, expected);
    let fault = driver::commit(&ours, &install(&["stopped"]), &[mirror.path()]).unwrap_err();
    assert_eq!(fault.code, Code::Transaction);
    assert!(fault.cause.iter().any(|line| line == "no"), "{fault:?}");
    assert!(!ours.path().join("usr/share/stopped").exists());
    assert!(!oracle::pacman(&theirs, &["-S", "stopped"]).success);
    assert_eq!(tree::difference(&ours, &theirs), "");
}

fn hook(when: &str, word: &str, more: &str) -> String {
    format!(
        "[Trigger]\nOperation = Install\nType = Package\nTarget = *\n[Action]\nWhen = {when}\n\
         {more}Exec = /bin/sh -c 'echo {word} >> /hooks.log; echo {word}'\n"
    )
}

#[test]
fn a_script_that_fails_is_shown_and_stops_nothing() {
    if !possible() {
        return;
    }
    let mirror = Mirror::new("core");
    mirror.add(&[
        Recipe::new("bad", "1-1").install("post_install() {\n echo oh no\n exit 3\n}\n"),
        Recipe::new("good", "1-1").depends("bad"),
    ]);
    let (ours, theirs) = twins(&["core"], "");
    for root in [&ours, &theirs] {
        mirror.sync(root);
        mirror.fill_cache(root);
    }
    let told = Told::default();
    let done =
        driver::commit_telling(ours.path(), &install(&["good"]), &[mirror.path()], &told).unwrap();
    assert!(oracle::pacman(&theirs, &["-S", "good"]).success);
    assert_eq!(tree::difference(&ours, &theirs), "");
    assert_eq!(told.output(), [("bad".to_owned(), "oh no".to_owned())]);
    let notice = done.notices.iter().find(|notice| notice.package == "bad").unwrap();
    assert_eq!(notice.text, "command failed to execute correctly");
}

#[test]
fn packages_go_in_the_transaction_in_which_others_come() {
    if !possible() {
        return;
    }
    let mirror = Mirror::new("core");
    mirror.add(&[
        Recipe::new("old", "1-1").backup("etc/old.conf", "a\n"),
        Recipe::new("new", "1-1").depends("lib"),
        Recipe::new("lib", "1-1"),
        Recipe::new("needs", "1-1").depends("lib"),
    ]);
    let (ours, _) = twins(&["core"], "HoldPkg = needs\n");
    mirror.sync(&ours);
    driver::commit(&ours, &install(&["old"]), &[mirror.path()]).unwrap();
    let mut change = install(&["new", "old-"]);
    change.options.as_dependencies = true;
    let done = driver::commit(&ours, &change, &[mirror.path()]).unwrap();
    let names: Vec<(&str, bool)> =
        done.plan.changes.iter().map(|it| (it.name.as_str(), it.automatic)).collect();
    assert_eq!(names, [("lib", true), ("new", true), ("old", false)]);
    let said = oracle::pacman(&ours, &["-Qd"]).stdout;
    assert_eq!(said, "lib 1-1\nnew 1-1\n");
    // And back again, as an undo does: out of the cache, by path.
    let cached = ours.path().join("var/cache/pacman/pkg/old-1-1-any.pkg.tar.gz");
    let change = install(&[cached.to_str().unwrap(), "new-", "lib-"]);
    driver::commit(&ours, &change, &[]).unwrap();
    assert_eq!(oracle::pacman(&ours, &["-Q"]).stdout, "old 1-1\n");
    driver::commit(&ours, &install(&["needs"]), &[mirror.path()]).unwrap();
    let fault = driver::commit(&ours, &install(&["new", "lib-"]), &[mirror.path()]).unwrap_err();
    assert_eq!(fault.code, Code::Unsolvable);
    let fault = driver::commit(&ours, &install(&["new", "needs-"]), &[mirror.path()]).unwrap_err();
    assert_eq!(fault.code, Code::Refused, "HoldPkg");
}

/// Rows 21 and 22: archives that would write beside the root, or through a link of their own.
#[test]
fn archives_that_lead_out_of_the_root_write_nothing_there() {
    if !possible() {
        return;
    }
    let (ours, theirs) = twins(&["core"], "");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("canary"), "alive\n").unwrap();
    let depth = "../".repeat(12);
    let target = outside.path().join("canary").display().to_string();
    for at in 0..4 {
        let content = tempfile::tempdir().unwrap();
        let info = format!("pkgname = evil{at}\npkgver = 1-1\npkgdesc = x\nsize = 1\narch = any\n");
        fs::write(content.path().join(".PKGINFO"), info).unwrap();
        fs::write(content.path().join("file"), "dead\n").unwrap();
        let file = outside.path().join(format!("evil{at}-1-1-any.pkg.tar.gz"));
        let mut tar = Command::new("tar");
        tar.current_dir(content.path()).arg("-czPf").arg(&file).arg(".PKGINFO");
        match at {
            0 => tar.arg(format!("--transform=s,^file,{depth}{target},")).arg("file"),
            1 => tar.arg(format!("--transform=s,^file,{target},")).arg("file"),
            2 => {
                // A link, and then a file through it.
                symlink(outside.path(), content.path().join("link")).unwrap();
                tar.args(["--transform=s,^file,link/canary,r", "link", "file"])
            }
            _ => {
                fs::hard_link(content.path().join("file"), content.path().join("other")).unwrap();
                tar.arg(format!("--transform=s,^file,{target},h")).args(["file", "other"])
            }
        };
        assert!(tar.status().unwrap().success());
        let path = file.to_str().unwrap().to_owned();
        let outcome = driver::commit(&ours, &install(&[&path]), &[]);
        let ran = oracle::pacman(&theirs, &["-U", &path]);
        assert_eq!(outcome.is_ok(), ran.success, "{at}: {outcome:?} {}{}", ran.stdout, ran.stderr);
        assert_eq!(fs::read_to_string(outside.path().join("canary")).unwrap(), "alive\n", "{at}");
    }
}

/// Has a package that was built as `tool` installed, and puts another in its place between the last look
/// at it and libalpm's unpacking. Says which of the two it was.
fn swapped(weaken: &str) -> String {
    let (ours, _) = twins(&["core"], "");
    let mirror = Mirror::new("core");
    mirror.add(&[Recipe::new("one", "1-1")]);
    mirror.sync(&ours);
    let (given, evil) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let make =
        |text: &str, into: &Path| Recipe::new("tool", "1-1").file("usr/bin/tool", text).build(into);
    let (file, other) = (make("good\n", given.path()), make("evil\n", evil.path()));
    let (_, task) = order(&ours, &install(&[file.to_str().unwrap()]), &[]);
    let mut engine = command(ours.path());
    engine.env("OMG_FAILPOINT", "alpm.commit.begin=stop").env("OMG_WEAKEN", weaken);
    let mut working = start(engine, task);
    let pid = working.child.id();
    let stat = format!("/proc/{pid}/stat");
    let stopped = || fs::read_to_string(&stat).is_ok_and(|it| it.contains(") T "));
    while !stopped() {
        assert!(working.child.try_wait().unwrap().is_none(), "it did not stop");
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::rename(other, file).unwrap();
    assert!(Command::new("kill").args(["-CONT", &pid.to_string()]).status().unwrap().success());
    working.end().unwrap().unwrap();
    fs::read_to_string(ours.path().join("usr/bin/tool")).unwrap()
}

#[test]
fn row_30_what_was_verified_is_what_is_installed() {
    if !possible() {
        return;
    }
    assert_eq!(swapped("30"), "evil\n", "the attack fails without the defence, too");
    assert_eq!(swapped(""), "good\n");
}

#[test]
fn row_21_a_name_of_a_file_stays_in_its_directory() {
    if !possible() {
        return;
    }
    let mirror = Mirror::new("core");
    mirror.add(&[Recipe::new("one", "1-1")]);
    let (ours, _) = twins(&["core"], "");
    mirror.sync(&ours);
    let told = Told::default();
    let change = install(&["one"]);
    let mut committer = driver::open(ours.path(), &told).unwrap();
    let plan = committer.plan(&change).unwrap();
    let mut files = driver::staged(ours.path(), &mut committer, &plan, &[mirror.path()]).unwrap();
    "../outside".clone_into(&mut files[0].0.file_name);
    let commission =
        Commission { change: &change, plan: &plan, files: &files, conffiles: Conffiles::Keep };
    let fault = committer.apply(&commission, &told).unwrap_err();
    let written = fs::symlink_metadata(ours.path().join("var/lib/omg/alpm/outside")).is_ok();
    if std::env::var_os("OMG_WEAKEN").is_some() {
        assert!(written, "the attack fails without the check, too: {fault}");
        return;
    }
    assert!(!written);
    assert_eq!((fault.code, fault.code.exit()), (Code::Refused, 9), "{fault}");
    let test = "commit_hostile::row_21_a_name_of_a_file_stays_in_its_directory";
    let again = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("OMG_WEAKEN", "21")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(again.status.success() && said.contains("1 passed"), "{said}");
}
