//! Engines that are stopped, killed or missing: plans go on or say so, everything else just goes on.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::plans::{arch, has_engine, write};
use crate::support::{Daemon, Home, Run, run};

const PLAN: [&str; 5] = ["install", "-n", "-u", "--json", "editor"];

/// A home whose settings keep the AUR, which is on the network, out.
fn home(root: &Path) -> Home {
    let home = Home::over(root);
    write(&home.path(".config"), "omg/settings.toml", "[aur]\nenabled = false\n");
    home
}

fn digest(run: &Run) -> String {
    assert_eq!(run.code, 0, "{run:?}");
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    plan["digest"].as_str().unwrap().to_owned()
}

/// State and parent of a process, from `/proc/PID/stat`; `None` once it is gone or waits only to be
/// reaped.
fn alive(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    (state != 'Z').then_some((state, fields.next()?.parse().ok()?))
}

/// The engines that a daemon has.
fn engines(daemon: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| alive(*pid).is_some_and(|(_, parent)| parent == daemon))
        .filter(|pid| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            name.starts_with("omg-engine-")
        })
        .collect()
}

fn engine(daemon: &Daemon) -> u32 {
    let found = engines(daemon.0.id());
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

/// Has a process a handler for a signal?
fn catches(pid: u32, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() >> (signal.as_raw() - 1) & 1 == 1
}

fn until(what: &str, mut there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !there() {
        assert!(began.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes that wait in the pipes of an engine. Its input is not where it was when it began.
fn unread(pid: u32) -> u64 {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let pipes = open.map(|entry| entry.path()).filter(|path| {
        std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("pipe:"))
    });
    let waiting = |path| rustix::io::ioctl_fionread(std::fs::File::open(path).unwrap()).unwrap();
    pipes.map(waiting).sum()
}

fn asking(home: &Home, arguments: &[&str]) -> Child {
    let mut command = home.command(env!("CARGO_BIN_EXE_omg"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap_or(-1),
    }
}

#[test]
fn a_plan_outlives_its_engine_and_queries_do_not_wait_for_it() {
    let Some(root) = arch() else { return };
    let home = home(root.path());
    let wanted = digest(&home.alone(&PLAN));
    let mut daemon = home.daemon();
    digest(&home.omg(&["install", "-n", "-u", "--json", "jre-old"]));
    for kind in [Signal::KILL, Signal::SEGV, Signal::ABORT] {
        let first = engine(&daemon);
        if kind == Signal::SEGV {
            // The first one from outside only takes the runtime's handler away, which tells
            // overflowing stacks from all other faults.
            signal(first, kind);
            until("the handler goes", || !catches(first, kind));
        }
        signal(first, Signal::STOP);
        until("it stops", || alive(first).is_some_and(|(state, _)| state == 'T'));
        let mut plan = asking(&home, &PLAN);
        until("the plan is asked for", || unread(first) > 0 || plan.try_wait().unwrap().is_some());
        for question in [&["search", "editor"][..], &["info", "tool"], &["list"], &["status"]] {
            let began = Instant::now();
            let run = home.omg(question);
            println!("{question:?} beside a hanging plan: {:?}", began.elapsed());
            assert_eq!(run.code, 0, "{question:?}: {run:?}");
        }
        assert_eq!(plan.try_wait().unwrap(), None, "the plan does not hang");
        signal(first, kind);
        if kind != Signal::KILL {
            signal(first, Signal::CONT);
        }
        assert_eq!(digest(&end(plan)), wanted, "{kind:?}");
        assert_ne!(engine(&daemon), first);
        assert_eq!(alive(first), None);
        assert_eq!(daemon.0.try_wait().unwrap(), None, "the daemon lives on");
    }
}

#[test]
fn the_engine_ends_with_its_daemon() {
    let Some(root) = arch() else { return };
    let home = home(root.path());
    for kind in [Signal::TERM, Signal::KILL] {
        let mut daemon = home.daemon();
        digest(&home.omg(&PLAN));
        let engine = engine(&daemon);
        signal(daemon.0.id(), kind);
        let status = daemon.0.wait().unwrap();
        assert_eq!(status.signal(), (kind == Signal::KILL).then_some(Signal::KILL.as_raw()));
        until("the engine ends", || alive(engine).is_none());
    }
}

#[test]
fn without_an_engine_only_plans_fail() {
    let Some(root) = arch() else { return };
    let home = home(root.path());
    let bin = home.path("bin");
    std::fs::create_dir(&bin).unwrap();
    for name in ["omg", "omgd"] {
        std::fs::copy(Path::new(env!("CARGO_BIN_EXE_omgd")).with_file_name(name), bin.join(name))
            .unwrap();
    }
    let omg = bin.join("omg").display().to_string();
    let alone =
        |arguments: &[&str]| run(home.command(&omg).env("OMG_NO_DAEMON", "1").args(arguments));
    for arguments in [
        &["install", "-n", "tool"][..],
        &["update", "-n"],
        &["remove", "-n", "tool"],
        &["autoremove", "-n"],
        &["why-not", "rival"],
    ] {
        let run = alone(arguments);
        assert_eq!((run.code, &*run.stdout), (1, ""), "{arguments:?}: {run:?}");
        assert!(run.stderr.starts_with("error[OMG-E0026]"), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("omg-engine-alpm"), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("hint:"), "{arguments:?}: {run:?}");
    }
    for arguments in [
        &["search", "editor"][..],
        &["info", "editor"],
        &["list"],
        &["outdated"],
        &["why", "tool"],
        &["status"],
        &["rdeps", "libedit"],
    ] {
        let here = alone(arguments);
        assert_eq!(here, home.alone(arguments), "{arguments:?}");
        assert_eq!(here.code, 0, "{arguments:?}: {here:?}");
    }
}

/// The libraries that a program wants, with theirs, as the dynamic linker says.
fn linked(name: &str) -> String {
    let path = Path::new(env!("CARGO_BIN_EXE_omgd")).with_file_name(name);
    let run = run(Command::new("ldd").arg(&path).env("LC_ALL", "C"));
    assert_eq!(run.code, 0, "{name}: {run:?}");
    run.stdout
}

#[test]
fn native_libraries_are_in_the_engines_alone() {
    let natives = ["libalpm", "libapt-pkg", "libarchive", "libdpkg", "libgpgme"];
    for name in ["omg", "omgd"] {
        let linked = linked(name);
        assert!(linked.contains("libc.so"), "{linked}");
        let found: Vec<_> = natives.iter().filter(|native| linked.contains(**native)).collect();
        assert!(found.is_empty(), "{name} has {found:?}");
    }
    for (name, native) in [("omg-engine-alpm", "libalpm"), ("omg-engine-apt", "libapt-pkg")] {
        if has_engine(name) {
            assert!(linked(name).contains(native), "{name} does without {native}");
        }
    }
}
