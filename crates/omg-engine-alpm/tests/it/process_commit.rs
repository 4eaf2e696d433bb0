//! The executable in its committing role, as `omg` runs it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use omg_core::{Artifact, Change, Conffiles, Fault, Grade, Order, Outcome, Plan, Progress, Task};
use omg_engine::Planner;
use omg_engine::wire::{self, Event, Hello};

use crate::root::Root;

/// How an order ended: not at all if the engine died.
pub(crate) type Ended = Option<Result<Outcome, Fault>>;

/// An engine that was given one order.
pub(crate) struct Working {
    pub(crate) child: Child,
    pub(crate) told: Vec<Progress>,
}

pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omg-engine-alpm"));
    command.arg("commit").arg("--root").arg(root).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Starts an engine with one order.
pub(crate) fn start(mut command: Command, task: Task) -> Working {
    let mut child = command.spawn().unwrap();
    let order = Order {
        request: "0123456789abcdef".repeat(2),
        task,
        conffiles: Conffiles::Keep,
        lock_timeout_s: 5,
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(&Hello::frame()).unwrap();
    input.write_all(&wire::order_frame(&order).unwrap()).unwrap();
    // Kept open: it is at its end when the client goes.
    child.stdin = Some(input);
    Working { child, told: Vec::new() }
}

impl Working {
    /// Listens until the order has ended, and has the engine end, too.
    pub(crate) fn end(&mut self) -> Ended {
        let mut output = self.child.stdout.take().unwrap();
        let mut ended = None;
        let hello = wire::read(&mut output, wire::HELLO_LIMIT).ok().flatten();
        if hello.is_some() {
            while let Ok(Some(frame)) = wire::read(&mut output, wire::EVENT_LIMIT) {
                match wire::decode_event(&frame).unwrap() {
                    Event::Progress(progress) => self.told.push(progress),
                    Event::Done(done) => {
                        ended = Some(done);
                        break;
                    }
                }
            }
        }
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
        ended
    }
}

/// The plan of a change, and the order to carry it out with files of these directories.
pub(crate) fn order(root: &Root, change: &Change, from: &[&Path]) -> (Plan, Task) {
    let plan = root.planner().plan(change).unwrap();
    let artifacts = plan
        .changes
        .iter()
        .filter(|planned| planned.new_version.is_some())
        .map(|planned| {
            let path = if planned.repository.starts_with('/') {
                PathBuf::from(&planned.repository)
            } else {
                let version = planned.new_version.as_deref().unwrap();
                let file = format!("{}-{version}-{}.pkg.tar", planned.name, planned.architecture);
                from.iter().find_map(|directory| found(directory, &file)).unwrap()
            };
            let bytes = fs::read(&path).unwrap();
            let mut signature = path.clone().into_os_string();
            signature.push(".sig");
            Artifact {
                name: planned.name.clone(),
                architecture: planned.architecture.clone(),
                version: planned.new_version.clone().unwrap(),
                repository: planned.repository.clone(),
                file_name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                path: path.display().to_string(),
                size: bytes.len() as u64,
                sha256: planned.sha256.clone().unwrap(),
                signature: fs::read(signature).ok(),
                grade: Grade::Risk,
            }
        })
        .collect();
    let digest = plan.digest();
    (plan, Task::Apply { change: change.clone(), digest, artifacts, undoes: None })
}

fn found(directory: &Path, start: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap_or_default();
        name.starts_with(start) && !name.ends_with(".sig")
    })
}

/// Carries out a change with an engine of its own.
pub(crate) fn run(root: &Root, change: &Change, from: &[&Path]) -> (Ended, Vec<Progress>) {
    let (_, task) = order(root, change, from);
    let mut working = start(command(root.path()), task);
    let ended = working.end();
    (ended, working.told)
}
