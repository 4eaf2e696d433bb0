//! The smallest engine: it would install whatever it is asked for, in version 1.
//!
//! The tests of this crate run it. So it also does, on request, everything that a native library may do
//! to its process: a target of the form `do:THING` or `do:THING=VALUE` names it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, LazyLock};

use omg_core::{Action, Change, Code, Fault, Operation, Plan, Planned, Reason, Source};
use omg_engine::{Engine, Planner, serve};
use rustix::process::{Signal, getpid, kill_process};

/// How often a planner was opened in this process.
static OPENED: AtomicUsize = AtomicUsize::new(0);

/// Where two plans wait for each other.
static MEETING: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));

struct Small {
    root: PathBuf,
}

impl Planner for Small {
    fn open(root: &Path) -> Result<Self, Fault> {
        OPENED.fetch_add(1, Ordering::Relaxed);
        match std::fs::metadata(root) {
            Ok(_) => Ok(Self { root: root.to_owned() }),
            Err(error) => {
                let message = format!("{} can't be read", root.display());
                Err(Fault::caused_by(Code::Unreadable, message, &error))
            }
        }
    }

    fn plan(&mut self, change: &Change) -> Result<Plan, Fault> {
        let mut plan = Plan::default();
        for target in &change.targets {
            match target.strip_prefix("do:") {
                Some(thing) => self.act(thing, &mut plan)?,
                None => plan.changes.push(install(target)),
            }
        }
        plan.warnings.push(format!("opened {} times", OPENED.load(Ordering::Relaxed)));
        Ok(plan)
    }
}

impl Small {
    /// What may go wrong in a native library, and worse.
    fn act(&self, thing: &str, plan: &mut Plan) -> Result<(), Fault> {
        let (thing, value) = thing.split_once('=').unwrap_or((thing, ""));
        match thing {
            "panic" => bad_temper(),
            "fail" => return Err(Fault::new(Code::Unsolvable, value)),
            "hang" => self.hang(),
            "hang-once" if !self.root.join("hangs").exists() => self.hang(),
            "signal" => raise(value),
            // The first process that plans this dies of it, the second does not.
            "signal-once" if !self.root.join("died").exists() => {
                self.note("died");
                raise(value);
            }
            "exit" => std::process::exit(value.parse().unwrap_or(1)),
            "meet" => {
                MEETING.wait();
            }
            "print" => print(value),
            "say" => drop(std::io::stderr().write_all(format!("{value}\n").as_bytes())),
            "flood" => flood(),
            "huge" => plan.warnings = vec!["x".repeat(4096); 5000],
            "many" => plan.unneeded = (0..200_001).map(|number| number.to_string()).collect(),
            "newline" => plan.changes.push(install("two\nlines")),
            "prose" => plan.warnings.push("two\nlines".to_owned()),
            "environment" => {
                plan.warnings =
                    std::env::vars().map(|(key, value)| format!("{key}={value}")).collect();
            }
            "descriptors" => plan.warnings = descriptors(),
            _ => {}
        }
        Ok(())
    }

    fn hang(&self) -> ! {
        self.note("hangs");
        loop {
            std::thread::park();
        }
    }

    fn note(&self, name: &str) {
        // The test that waits for it fails if it does not come.
        drop(std::fs::write(self.root.join(name), std::process::id().to_string()));
    }
}

fn install(name: &str) -> Planned {
    Planned {
        action: Action::Install,
        name: name.to_owned(),
        architecture: "any".to_owned(),
        old_version: None,
        new_version: Some("1".to_owned()),
        source: Source::Alpm,
        repository: "small".to_owned(),
        reason: Reason::Requested,
        automatic: false,
        download_size: 1,
        installed_size_delta: 1,
        sha256: None,
        grade: None,
    }
}

#[expect(clippy::panic, reason = "that is what is tried")]
fn bad_temper() -> ! {
    panic!("a planner of bad temper")
}

fn raise(number: &str) -> ! {
    let signal = match number {
        "9" => Signal::KILL,
        _ => Signal::SEGV,
    };
    // Rust's own handler of SIGSEGV lets the first one pass: it expects the same fault to come again.
    loop {
        let _ = kill_process(getpid(), signal);
    }
}

/// Prints as a library would, and lets a child print, too.
#[expect(clippy::print_stdout, reason = "that is what is tried")]
fn print(text: &str) {
    println!("{text}");
    drop(std::io::stdout().flush());
    drop(Command::new("echo").arg(text).status());
    // One that reads must not get at the daemon's asks.
    drop(Command::new("cat").status());
}

/// Many lines on standard error, then a very long one without an end.
fn flood() {
    let lines = "a warning\n".repeat(20_000) + &"x".repeat(1 << 20);
    drop(std::io::stderr().write_all(lines.as_bytes()));
}

fn descriptors() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let links = entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.map(|link| link.display().to_string()).collect()
}

/// Writes a file's bytes as they are where an engine writes frames, then waits for the end of its input.
fn write_raw(path: &Path) -> ExitCode {
    let Ok(bytes) = std::fs::read(path) else { return ExitCode::FAILURE };
    drop(std::io::stdout().write_all(&bytes));
    drop(std::io::stdout().flush());
    drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    ExitCode::SUCCESS
}

/// A daemon with this engine, in a plan that does not end.
fn daemon(root: &Path) -> ExitCode {
    let Ok(executable) = std::env::current_exe() else { return ExitCode::FAILURE };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let engine = Engine::new(executable, root.to_owned());
    let change = Change::new(Operation::Install, ["do:hang"]);
    drop(runtime.block_on(engine.plan(omg_core::Generation(1), &change)));
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    match arguments.as_slice() {
        [_, role, root] if role == "daemon" => return daemon(Path::new(root)),
        [_, _, _, root] if Path::new(root).join("raw").exists() => {
            return write_raw(&Path::new(root).join("raw"));
        }
        _ => {}
    }
    serve::<Small>(2)
}
