//! What takes too much is stopped, and nothing of it stays.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use omg_sandbox::{Exceeded, Limits, Profile};

use crate::site::{Site, give};

const MIB: u64 = 1 << 20;

fn limits() -> Limits {
    Limits { wall: Duration::from_mins(1), ..Limits::default() }
}

/// Is there a process with this word on its command line?
fn runs(word: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
    })
}

/// Is no such process left? The kernel may still be at it.
fn ends(word: &str) -> bool {
    let begun = Instant::now();
    while runs(word) {
        if begun.elapsed() > Duration::from_secs(20) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn a_program_runs_as_a_user_in_a_root_of_its_own() {
    let Some(site) = Site::new() else { return };
    let script = "id -un; pwd; echo $HOME; ls -A $HOME | wc -l; echo made > file; cat /etc/passwd | wc -l; exit 7";
    let (ended, output) = site.script(limits(), script);
    assert_eq!(output, "build\n/build\n/home/build\n0\n2\n");
    assert_eq!((ended.status, ended.exceeded, ended.dropped), (Some(7), None, 0));
    assert_eq!(fs::read_to_string(site.workspace().join("file")).unwrap(), "made\n");
}

#[test]
fn a_program_that_takes_too_long_is_stopped_with_all_that_it_started() {
    let Some(site) = Site::new() else { return };
    let limits = Limits { wall: Duration::from_secs(1), ..limits() };
    let word = format!("98{}", std::process::id());
    let script = format!("setsid sleep {word} & (setsid sleep {word} &) ; sleep {word}");
    let (ended, _) = site.script(limits, &script);
    assert_eq!((ended.status, ended.exceeded), (None, Some(Exceeded::Time(1))));
    assert!(ends(&word), "something is left");
}

#[test]
fn what_is_left_in_the_background_ends_with_the_program() {
    let Some(site) = Site::new() else { return };
    let word = format!("97{}", std::process::id());
    let script = format!("setsid sleep {word} >/dev/null 2>&1 & sleep 0.2; exit 0");
    let (ended, _) = site.script(limits(), &script);
    assert_eq!(ended.status, Some(0));
    assert!(ends(&word), "something is left");
}

#[test]
fn a_run_can_be_cancelled() {
    let Some(site) = Site::new() else { return };
    let cancel = AtomicBool::new(false);
    let confinement = site.confinement(Profile::Build).limits(limits());
    let command = confinement.command(&site.workspace(), "/bin/sh", &["-c", "echo on; sleep 50"]);
    let ended = command.run(Some(&cancel), &mut |_| cancel.store(true, Ordering::Relaxed)).unwrap();
    assert_eq!(ended.exceeded, Some(Exceeded::Cancelled));
}

#[test]
fn there_are_no_more_processes_than_the_limit() {
    let Some(site) = Site::new() else { return };
    let limits = Limits { processes: 40, wall: Duration::from_secs(20), ..limits() };
    let bomb = "for i in $(seq 500); do sleep 5 & done 2>/dev/null; ls -d /proc/[0-9]* | wc -l; kill $(jobs -p)";
    let script = format!("bash -c '{bomb}' || true; echo $(ls -d /proc/[0-9]* | wc -l) at the end");
    let word = "at the end";
    let (ended, output) = site.script(limits, &script);
    let most: u64 = output
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .max()
        .unwrap_or(0);
    assert!(most <= 42, "{most} processes: {output}");
    assert!(
        output.contains("Resource temporarily unavailable")
            || output.contains(word)
            || ended.status != Some(0),
        "{output}"
    );
    // With room for them, there are as many as are asked for.
    let (_, output) = site.script(
        Limits { processes: 400, ..limits },
        "for i in $(seq 100); do sleep 2 & done; ls -d /proc/[0-9]* | wc -l; kill $(jobs -p)",
    );
    let most: u64 = output.lines().next().unwrap().trim().parse().unwrap();
    assert!(most >= 100, "{output}");
}

#[test]
fn memory_is_limited_for_one_process_and_for_all_together() {
    let Some(site) = Site::new() else { return };
    let limits = Limits { memory: 128 * MIB, ..limits() };
    // tail keeps the last line, which is everything.
    let (ended, output) = site.script(limits, "head -c 400M /dev/zero | tail -c 300M > /dev/null");
    assert!(ended.status != Some(0), "{output}");
    let script = "for i in 1 2 3 4 5; do (head -c 70M /dev/zero | tail -c 60M | (sleep 20; cat >/dev/null)) & done; wait";
    let (ended, _) = site.script(limits, script);
    assert_eq!(ended.exceeded, Some(Exceeded::Memory(128 * MIB)));
    let (ended, _) = site.script(
        Limits { memory: 2048 * MIB, ..limits },
        "head -c 400M /dev/zero | tail -c 300M > /dev/null",
    );
    assert_eq!(ended.status, Some(0), "and not below the limit");
}

#[test]
fn the_disk_is_limited_in_files_in_all_and_for_deleted_files() {
    let Some(site) = Site::new() else { return };
    let small = Limits { disk: 64 * MIB, ..limits() };
    for script in [
        "head -c 10G /dev/zero > big; sleep 5",
        "for i in $(seq 10000); do head -c 1M /dev/zero > f$i; done; sleep 5",
        "exec 5> hidden; rm hidden; head -c 10G /dev/zero >&5; sleep 5",
        // In a path longer than a path can be.
        "n=$(printf d%.0s {1..200}); for i in $(seq 30); do mkdir $n; cd $n; done; head -c 10G /dev/zero > big; sleep 5",
    ] {
        let (ended, output) = site.script(small, script);
        assert_eq!(ended.exceeded, Some(Exceeded::Disk(64 * MIB)), "{script}: {output}");
        assert!(Command::new("rm").arg("-rf").arg(site.workspace()).status().unwrap().success());
        fs::create_dir(site.workspace()).unwrap();
        give(&site.workspace());
    }
    let (ended, _) = site.script(Limits { file: MIB, ..limits() }, "head -c 2M /dev/zero > big");
    assert_ne!(ended.status, Some(0));
    assert_eq!(fs::metadata(site.workspace().join("big")).unwrap().len(), MIB);
    let little = Limits { temporary: MIB, ..limits() };
    for place in ["/tmp", "/dev/shm", "$HOME"] {
        let (ended, output) = site.script(little, &format!("head -c 2M /dev/zero > {place}/big"));
        assert_ne!(ended.status, Some(0), "{place}: {output}");
        assert!(output.contains("No space left"), "{place}: {output}");
    }
}

#[test]
fn output_is_kept_up_to_a_limit_and_its_lines_are_cut() {
    let Some(site) = Site::new() else { return };
    let limits = Limits { output: 10_000, ..limits() };
    let (ended, output) = site.script(limits, "yes | head -c 1000000");
    assert_eq!(ended.status, Some(0));
    assert!(output.len() <= 10_000 && output.len() > 9_000, "{}", output.len());
    assert!(ended.dropped > 900_000, "{}", ended.dropped);
    let (_, output) = site.script(limits, "head -c 9000 /dev/zero | tr '\\0' x");
    assert!(output.lines().count() == 3 && output.lines().all(|line| line.len() <= 4096));
}
