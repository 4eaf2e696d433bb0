//! Starting other programs, and where things are.

use std::fmt::Display;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task ended, for people.
pub(crate) type Failure = String;

/// The outcome of a step.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// Where cargo puts what it builds: this executable lies in `debug` below it.
pub(crate) fn target() -> Outcome<PathBuf> {
    let own =
        std::env::current_exe().map_err(|error| format!("cannot find this executable: {error}"))?;
    let target = own.parent().and_then(Path::parent);
    Ok(target.ok_or("this executable is not in cargo's target directory")?.to_owned())
}

/// The cargo that runs us, in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command with our own input and output; it must succeed.
pub(crate) fn run(command: &mut Command) -> Outcome {
    eprintln!("$ {}", shown(command));
    quietly(command)
}

/// The same without saying so.
pub(crate) fn quietly(command: &mut Command) -> Outcome {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` failed ({status})", shown(command))),
        Err(error) => Err(cannot_start(command, &error)),
    }
}

/// What a command prints; it must succeed.
pub(crate) fn output(command: &mut Command) -> Outcome<Vec<u8>> {
    match command.stderr(Stdio::inherit()).output() {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(format!("`{}` failed ({})", shown(command), output.status)),
        Err(error) => Err(cannot_start(command, &error)),
    }
}

/// Whether a command can be started and succeeds; it prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The error of a step on a file.
pub(crate) fn at<'a>(
    path: &'a Path,
    doing: &'a str,
) -> impl FnOnce(std::io::Error) -> Failure + use<'a> {
    move |error| format!("{error}, while {doing} {}", path.display())
}

/// Whether this is a machine without anybody to ask.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI")
        .is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Asks a question that is answered with yes or no; yes by default. `None` if nobody is there.
pub(crate) fn ask(question: impl Display) -> Option<bool> {
    if in_ci() || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    eprint!("{question} [Y/n] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    let answer = answer.trim().to_ascii_lowercase();
    Some(matches!(answer.as_str(), "" | "y" | "yes"))
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    format!("cannot start `{}`: {error}", command.get_program().to_string_lossy())
}
