//! The engine's side: what an engine's `main` calls.

mod pool;
pub(crate) mod stdio;
mod worker;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use omg_core::{Code, Fault};

use crate::arguments::{self, HELP, Task};
use crate::wire::{self, ASK_LIMIT, Ask, HELLO_LIMIT, Hello};
use crate::{Error, Planner};
use pool::Pool;
use stdio::Answers;

/// How long plans under way may take to end after the daemon has gone.
const GRACE: Duration = Duration::from_secs(1);

/// What an engine was started for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// To plan for the system under this root: [`plan()`] does it.
    Plan(PathBuf),
    /// To carry out orders on the system under this root.
    Commit(PathBuf),
}

/// Reads an engine's command line. Answers `--help`, `--version` and what is wrong by itself.
///
/// # Errors
/// The code to end with, when nothing is left to be done.
pub fn role() -> Result<Role, ExitCode> {
    let mut arguments = std::env::args_os();
    let name = name(arguments.next());
    match arguments::parse(arguments) {
        Ok(Task::Plan(root)) => Ok(Role::Plan(root)),
        Ok(Task::Commit(root)) => Ok(Role::Commit(root)),
        Ok(Task::Version) => Err(print(&format!("{name} {}", env!("CARGO_PKG_VERSION")))),
        Ok(Task::Help) => Err(print(&format!("Usage: {name} {HELP}"))),
        Err(message) => {
            complain(&format!("{name}: {message}\nUsage: {name} plan|commit --root DIR"));
            Err(ExitCode::from(2))
        }
    }
}

/// The role `plan`: answers plans for the system under `root` until standard input ends.
///
/// `workers` threads (one at least) hold a [`Planner`] each, opened, used and dropped on that thread:
/// with one worker the native library is never entered by two. A planner stays open while the system's
/// state is the same. A panic in it is answered with [`Code::Internal`], and it is opened anew.
///
/// Whatever the native library prints goes to standard error; children of it inherit neither end of the
/// daemon's pipes. The engine ends when standard input does, which is also how it learns of the daemon's
/// death: a signal on a parent's death would come when the *thread* that started it ends.
pub fn plan<P: Planner + 'static>(root: &Path, workers: usize) -> ExitCode {
    match answer::<P>(root, workers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{}: {error}", name(std::env::args_os().next())));
            ExitCode::FAILURE
        }
    }
}

/// The whole `main` of an engine that plans and does nothing else.
pub fn serve<P: Planner + 'static>(workers: usize) -> ExitCode {
    match role() {
        Ok(Role::Plan(root)) => plan::<P>(&root, workers),
        Ok(Role::Commit(_)) => {
            let name = name(std::env::args_os().next());
            complain(&format!("{name}: this engine can't commit changes; its only role is `plan`"));
            ExitCode::from(2)
        }
        Err(code) => code,
    }
}

/// How the executable is called.
fn name(executable: Option<OsString>) -> String {
    let executable = executable.unwrap_or_else(|| OsString::from("omg-engine"));
    Path::new(&executable).file_name().unwrap_or(&executable).display().to_string()
}

fn complain(text: &str) {
    // Where standard error is closed, nobody is left to be told.
    let _ = writeln!(io::stderr(), "{text}");
}

fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Answers until standard input ends.
fn answer<P: Planner + 'static>(root: &Path, workers: usize) -> Result<(), Error> {
    let (mut asks, answers) = stdio::take()?;
    answers.send(&Hello::frame())?;
    let Some(hello) = wire::read(&mut asks, HELLO_LIMIT)? else { return Ok(()) };
    Hello::decode(&hello)?;
    let pool = Pool::start::<P>(root, workers, &answers)?;
    let result = take_asks(&mut asks, &answers, &pool);
    if !pool.end(GRACE) {
        stdio::die();
    }
    result
}

fn take_asks(asks: &mut File, answers: &Answers, pool: &Pool) -> Result<(), Error> {
    while let Some(payload) = wire::read(asks, ASK_LIMIT)? {
        if let Err(ask) = pool.give(Ask::decode(&payload)?) {
            busy(answers, ask.id)?;
        }
    }
    Ok(())
}

fn busy(answers: &Answers, id: u64) -> Result<(), Error> {
    let message = "the engine has too many plans to make";
    let fault = Fault::new(Code::Busy, message).hint("wait a moment and try again");
    answers.send(&wire::answer_frame(id, Err(fault)))
}
