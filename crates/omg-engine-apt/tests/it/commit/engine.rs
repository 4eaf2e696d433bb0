//! A committing engine, as `omg` talks to it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use omg_core::{Change, Conffiles, Fault, Order, Outcome, Plan, Progress, Task};
use omg_engine::wire::{self, EVENT_LIMIT, Event, HELLO_LIMIT, Hello};

use super::repository::Repository;
use crate::root::Root;

/// One engine.
pub(crate) struct Engine {
    pub(crate) child: Child,
    orders: Option<ChildStdin>,
    events: ChildStdout,
}

impl Engine {
    pub(crate) fn start(root: &Path) -> Self {
        Self::start_with(root, &[])
    }

    pub(crate) fn start_with(root: &Path, environment: &[(&str, &str)]) -> Self {
        // Times are of interest for a release build only.
        let executable = std::env::var("OMG_ENGINE");
        let built = env!("CARGO_BIN_EXE_omg-engine-apt");
        let mut command = Command::new(executable.as_deref().unwrap_or(built));
        command.args(["commit", "--root"]).arg(root);
        command.envs(environment.iter().copied());
        let log = File::create(root.with_extension("log")).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut orders = child.stdin.take().unwrap();
        let mut events = child.stdout.take().unwrap();
        orders.write_all(&Hello::frame()).unwrap();
        let hello = wire::read(&mut events, HELLO_LIMIT).unwrap().unwrap();
        Hello::decode(&hello).unwrap();
        Self { child, orders: Some(orders), events }
    }

    pub(crate) fn send(&mut self, order: &Order) {
        let frame = wire::order_frame(order).unwrap();
        self.orders.as_mut().unwrap().write_all(&frame).unwrap();
    }

    /// The next thing that is heard; nothing once it has died.
    pub(crate) fn hear(&mut self) -> Option<Event> {
        let payload = wire::read(&mut self.events, EVENT_LIMIT).ok()??;
        Some(wire::decode_event(&payload).unwrap())
    }

    /// Hears everything until the order is done; nothing if it died before.
    pub(crate) fn finish(&mut self) -> Option<(Vec<Progress>, Result<Outcome, Fault>)> {
        let mut heard = Vec::new();
        loop {
            match self.hear()? {
                Event::Progress(progress) => heard.push(progress),
                Event::Done(result) => return Some((heard, result)),
            }
        }
    }

    pub(crate) fn order(&mut self, order: &Order) -> (Vec<Progress>, Result<Outcome, Fault>) {
        self.send(order);
        self.finish().expect("the engine lives")
    }

    pub(crate) fn close(mut self) -> std::process::ExitStatus {
        self.orders = None;
        self.child.wait().unwrap()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn order(task: Task) -> Order {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    Order {
        request: format!("{:032x}", NUMBER.fetch_add(1, Ordering::Relaxed)),
        task,
        conffiles: Conffiles::Keep,
        lock_timeout_s: 20,
    }
}

pub(crate) fn apply(change: &Change, plan: &Plan, repository: &Repository) -> Order {
    order(Task::Apply {
        change: change.clone(),
        digest: plan.digest(),
        artifacts: repository.artifacts(plan),
        undoes: None,
    })
}

/// Plans, approves and carries out.
pub(crate) fn carry_out(
    root: &Root,
    repository: &Repository,
    change: &Change,
) -> Result<Outcome, Fault> {
    static STATE: AtomicU64 = AtomicU64::new(10);
    let plan = root.plan_at(STATE.fetch_add(1, Ordering::Relaxed), change)?;
    let mut engine = Engine::start(&root.path);
    engine.order(&apply(change, &plan, repository)).1
}
