//! Engines that die, hang or never come up.

use std::time::Duration;

use omg_core::{Change, Code, Generation, Operation};
use rustix::process::Signal;

use crate::support::{System, executable, install, is_gone, names, signal, until};

#[tokio::test]
async fn a_plan_of_a_killed_engine_is_asked_again() {
    for number in [Signal::KILL, Signal::SEGV] {
        let system = System::new();
        let engine = system.engine.clone();
        let change = install("do:hang-once");
        let waiting = tokio::spawn(async move { engine.plan(Generation(1), &change).await });
        system.at("hangs").await;
        let pid = system.pid();
        // Rust's handler lets the first SIGSEGV pass, so it is sent until it works.
        until("the end of the engine", || is_gone(pid) || !signal(pid, number)).await;
        waiting.await.unwrap().unwrap();
        assert_ne!(system.pid(), pid);
    }
}

#[tokio::test]
async fn an_engine_killed_between_two_plans_is_not_missed() {
    let system = System::new();
    for _ in 0..4 {
        system.plan("vim").await.unwrap();
        signal(system.pid(), Signal::KILL);
    }
    assert_eq!(names(&system.plan("vim").await.unwrap()), ["vim"]);
}

#[tokio::test]
async fn one_that_dies_within_a_plan_is_asked_again() {
    for number in ["9", "11"] {
        let system = System::new();
        let plan = system.plan(&format!("do:signal-once={number}")).await.unwrap();
        assert_eq!(plan.warnings, ["opened 1 times"], "of the second process");
        let first = std::fs::read_to_string(system.root.path().join("died")).unwrap();
        assert_ne!(system.pid().to_string(), first);
    }
}

#[tokio::test]
async fn everybody_who_waited_is_asked_for_again() {
    let system = System::new();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let engine = system.engine.clone();
        let name = if number == 10 { "do:signal-once=11".to_owned() } else { format!("p{number}") };
        tasks.spawn(async move {
            engine.plan(Generation(1), &install(&name)).await.unwrap();
        });
    }
    tasks.join_all().await;
    assert!(system.root.path().join("died").exists());
}

#[tokio::test]
async fn one_that_dies_twice_over_a_change_is_not_asked_a_third_time() {
    for (target, how) in
        [("do:signal=11", "signal 11"), ("do:signal=9", "signal 9"), ("do:exit=7", "exit code 7")]
    {
        let system = System::new();
        let fault = system.plan(target).await.unwrap_err();
        assert_eq!(fault.code, Code::Engine);
        assert!(fault.message.contains(how), "{fault}");
        assert!(fault.hint.is_some());
        assert_eq!(names(&system.plan("vim").await.unwrap()), ["vim"], "others go on");
    }
}

#[tokio::test]
async fn a_crash_loop_is_broken() {
    let system = System::new();
    // Each takes two processes; the sixth may not be started.
    for _ in 0..2 {
        system.plan("do:signal=11").await.unwrap_err();
    }
    let fault = system.plan("do:signal=11").await.unwrap_err();
    assert_eq!(fault.code, Code::Engine);
    assert!(fault.message.contains("5 times"), "{fault}");
    assert!(fault.hint.unwrap().contains("wait"));
}

#[tokio::test]
async fn what_it_said_last_is_told() {
    let system = System::new();
    let change = Change::new(
        Operation::Install,
        ["do:say=engine: error while loading shared libraries: libnone.so.7", "do:exit=127"],
    );
    let fault = system.engine.plan(Generation(1), &change).await.unwrap_err();
    assert!(fault.message.contains("exit code 127: engine: error while loading"), "{fault}");
    assert!(fault.hint.unwrap().contains("install the library"));
}

#[tokio::test]
async fn one_that_hangs_is_ended() {
    let system = System::with(|builder| builder.deadline(Duration::from_millis(300)));
    let hanging = system.hang().await;
    let pid = system.pid();
    assert_eq!(hanging.await.unwrap().unwrap_err().code, Code::Timeout);
    until("the end of the engine", || is_gone(pid)).await;
}

#[tokio::test]
async fn who_waits_behind_a_plan_that_hangs_is_asked_for_again() {
    let system = System::with(|builder| builder.deadline(Duration::from_secs(4)));
    let first = system.hang().await;
    std::fs::remove_file(system.root.path().join("hangs")).unwrap();
    // Given up here, but the worker is at it still.
    system.hang().await.abort();
    let pid = system.pid();
    // The third has time left when the first has none.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let third = system.plan("vim").await;
    assert_eq!(first.await.unwrap().unwrap_err().code, Code::Timeout);
    assert_eq!(names(&third.unwrap()), ["vim"]);
    assert_ne!(system.pid(), pid);
}

#[tokio::test]
async fn a_stopped_process_is_ended() {
    let system = System::new();
    system.plan("vim").await.unwrap();
    let pid = system.pid();
    signal(pid, Signal::STOP);
    system.engine.stop().await;
    assert!(is_gone(pid));
}

#[tokio::test]
async fn the_engine_ends_with_its_daemon_even_in_the_middle_of_a_plan() {
    let root = tempfile::tempdir().unwrap();
    let mut daemon =
        std::process::Command::new(executable()).arg("daemon").arg(root.path()).spawn().unwrap();
    let note = root.path().join("hangs");
    let pid = || std::fs::read_to_string(&note).ok().and_then(|text| text.parse::<u32>().ok());
    until("the plan", || pid().is_some()).await;
    let engine = pid().unwrap();
    assert!(!is_gone(engine));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    until("the end of the engine", || is_gone(engine)).await;
}

#[tokio::test]
async fn dropping_the_last_one_ends_the_process() {
    let system = System::new();
    system.plan("vim").await.unwrap();
    let pid = system.pid();
    drop(system);
    until("the end of the engine", || is_gone(pid)).await;
}
