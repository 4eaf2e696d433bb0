//! Plans that come about.

use omg_core::{Change, Code, Generation, Operation};
use omg_engine::Engine;

use crate::support::{System, install, is_gone, names, until};

#[tokio::test]
async fn a_plan_comes_back() {
    let system = System::new();
    assert_eq!(system.engine.pid(), None, "nothing is started before it is needed");
    let change = Change::new(Operation::Install, ["vim", "emacs"]);
    let plan = system.engine.plan(Generation(1), &change).await.unwrap();
    assert_eq!(names(&plan), ["emacs", "vim"]);
    assert_eq!(plan.changes[0].new_version.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_fault_comes_back_as_the_engine_said_it() {
    let system = System::new();
    let fault = system.plan("do:fail=no such thing").await.unwrap_err();
    assert_eq!((fault.code, fault.message.as_str()), (Code::Unsolvable, "no such thing"));
}

#[tokio::test]
async fn a_planner_stays_open_until_the_state_moves() {
    let system = System::with(|builder| builder);
    let engine = &system.engine;
    // Two plans at once, so that both workers have opened theirs.
    let meet = install("do:meet");
    let both = tokio::join!(engine.plan(Generation(1), &meet), engine.plan(Generation(1), &meet));
    both.0.unwrap();
    both.1.unwrap();
    let opened = async |state| {
        let plan = engine.plan(Generation(state), &install("vim")).await.unwrap();
        plan.warnings.concat()
    };
    for _ in 0..10 {
        assert_eq!(opened(1).await, "opened 2 times");
    }
    assert_eq!(opened(2).await, "opened 3 times");
}

#[tokio::test]
async fn two_workers_plan_at_the_same_time_and_the_rest_waits() {
    let system = System::new();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let engine = system.engine.clone();
        tasks.spawn(async move {
            let (name, meet) = (format!("package-{number}"), "do:meet".to_owned());
            let change = Change::new(Operation::Install, [name.clone(), meet]);
            let plan = engine.plan(Generation(1), &change).await.unwrap();
            assert_eq!(names(&plan), [name]);
        });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn too_many_plans_are_refused_at_once() {
    let system = System::new();
    let first = system.hang().await;
    std::fs::remove_file(system.root.path().join("hangs")).unwrap();
    let second = system.hang().await;
    // Both workers are busy, 64 wait, and one is too many.
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..65 {
        let engine = system.engine.clone();
        tasks.spawn(async move { engine.plan(Generation(1), &install("vim")).await });
    }
    let fault = tasks.join_next().await.unwrap().unwrap().unwrap_err();
    assert_eq!(fault.code, Code::Busy);
    system.engine.stop().await;
    for task in
        tasks.join_all().await.into_iter().chain([first.await.unwrap(), second.await.unwrap()])
    {
        assert_eq!(task.unwrap_err().code, Code::Engine);
    }
}

#[tokio::test]
async fn a_plan_that_is_given_up_harms_no_other() {
    let system = System::new();
    let hanging = system.hang().await;
    let pid = system.pid();
    hanging.abort();
    assert!(hanging.await.unwrap_err().is_cancelled());
    for _ in 0..5 {
        assert_eq!(names(&system.plan("vim").await.unwrap()), ["vim"]);
    }
    assert_eq!(system.pid(), pid);
}

#[tokio::test]
async fn a_panic_is_a_fault_and_opens_the_planner_anew() {
    let system = System::new();
    let fault = system.plan("do:panic").await.unwrap_err();
    assert_eq!(fault.code, Code::Internal);
    assert_eq!(fault.cause, ["a planner of bad temper"]);
    let pid = system.pid();
    assert_eq!(names(&system.plan("vim").await.unwrap()), ["vim"]);
    assert_eq!(system.pid(), pid, "the process goes on");
}

#[tokio::test]
async fn a_stopped_engine_starts_again() {
    let system = System::new();
    system.plan("vim").await.unwrap();
    let pid = system.pid();
    system.engine.stop().await;
    assert!(is_gone(pid));
    assert_eq!(system.engine.pid(), None);
    system.plan("vim").await.unwrap();
    assert_ne!(system.pid(), pid);
}

#[tokio::test]
async fn stopping_ends_what_hangs() {
    let system = System::new();
    let hanging = system.hang().await;
    let pid = system.pid();
    system.engine.stop().await;
    assert!(is_gone(pid));
    let fault = hanging.await.unwrap().unwrap_err();
    assert_eq!(fault.code, Code::Engine);
    assert!(fault.message.contains("stopped"), "{fault}");
}

#[tokio::test]
async fn an_idle_engine_is_stopped_and_comes_back() {
    let system = System::with(|builder| builder.idle(std::time::Duration::from_millis(50)));
    system.plan("vim").await.unwrap();
    until("the end of an idle engine", || system.engine.pid().is_none()).await;
    system.plan("vim").await.unwrap();
}

#[tokio::test]
async fn a_missing_executable_is_named() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("omg-engine-none");
    let engine = Engine::new(missing.clone(), root.path().to_owned());
    let fault = engine.plan(Generation(1), &install("vim")).await.unwrap_err();
    assert_eq!(fault.code, Code::Engine);
    assert!(fault.message.contains(missing.to_str().unwrap()), "{fault}");
    assert!(fault.hint.unwrap().contains("cargo xtask install"));
    std::fs::write(&missing, "").unwrap();
    let fault = engine.plan(Generation(1), &install("vim")).await.unwrap_err();
    assert!(fault.hint.unwrap().contains("executable"));
}

#[tokio::test]
async fn a_root_that_can_not_be_read_is_the_planners_fault() {
    let root = tempfile::tempdir().unwrap();
    let engine = Engine::new(crate::support::executable(), root.path().join("none"));
    let fault = engine.plan(Generation(1), &install("vim")).await.unwrap_err();
    assert_eq!(fault.code, Code::Unreadable);
}
