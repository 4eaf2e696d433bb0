//! A root and an engine for it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use omg_core::{Change, Fault, Generation, Operation, Plan};
use omg_engine::{Builder, Engine, locate};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A temporary root with an engine for it.
pub(crate) struct System {
    pub(crate) root: tempfile::TempDir,
    pub(crate) engine: Engine,
}

/// The executable of `examples/small_engine.rs`, which `cargo test` builds first.
pub(crate) fn executable() -> PathBuf {
    let path = locate("examples/small_engine");
    assert!(path.is_file(), "{} is missing: `cargo build --examples`", path.display());
    path
}

pub(crate) fn install(target: &str) -> Change {
    Change::new(Operation::Install, [target])
}

impl System {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let engine = set(Engine::builder(executable(), root.path().to_owned())).build();
        Self { root, engine }
    }

    /// Plans in the state 1.
    pub(crate) async fn plan(&self, target: &str) -> Result<Plan, Fault> {
        self.engine.plan(Generation(1), &install(target)).await
    }

    /// Plans something that never comes to an end, and waits until the engine is at it.
    pub(crate) async fn hang(&self) -> tokio::task::JoinHandle<Result<Plan, Fault>> {
        let engine = self.engine.clone();
        let plan = async move { engine.plan(Generation(1), &install("do:hang")).await };
        let task = tokio::spawn(plan);
        self.at("hangs").await;
        task
    }

    /// Waits for the engine's note of this name.
    pub(crate) async fn at(&self, name: &str) {
        let path = self.root.path().join(name);
        until("the engine's note", || path.exists()).await;
    }

    /// The process that runs now.
    pub(crate) fn pid(&self) -> u32 {
        self.engine.pid().expect("it runs")
    }
}

/// Waits until something is true.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn names(plan: &Plan) -> Vec<&str> {
    plan.changes.iter().map(|change| change.name.as_str()).collect()
}

/// Is the process gone, or only waiting to be buried by whoever inherited it?
pub(crate) fn is_gone(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

/// Sends a signal, if there still is somebody to get it.
pub(crate) fn signal(pid: u32, signal: rustix::process::Signal) -> bool {
    let pid = pid.try_into().ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process id"), signal).is_ok()
}
