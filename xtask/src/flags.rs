//! The command line of xtask: every task and every flag.

use std::ffi::OsString;
use std::path::PathBuf;

/// Shown by `cargo xtask help` and after a mistake.
pub(crate) const USAGE: &str = "\
usage: cargo xtask TASK

  run [--] ARGS...        build release binaries, then run `omg ARGS`
  install [--prefix DIR]  put binaries, completions, man pages and systemd user units
                          below DIR (default: /usr/local for root, else ~/.local)
  test [ARGS...]          run all tests; ARGS go to `cargo test`
  ci                      format, lints, documentation, tidiness, licences, instruction counts
  tidy                    the rules of this repository that no compiler checks
  bench [--] [ARGS...]    measure beside other tools; `--criterion` for criterion's benches
  arch-matrix [SUITE...]  the tests of the pacman engine against other versions of libalpm, in
                          roots of Debian suites (default: trixie and sid); takes root and the net
  pactest [CASE...]       pacman's own test cases, with pacman and with omg; takes root
  gen [--out DIR]         man pages and completions (default: target/assets)

`run` and `test` install system packages that they find missing: they ask on a terminal, and do
it without a question where CI=true.";

/// What to do.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Task {
    Help,
    Run(Vec<OsString>),
    Install { prefix: Option<PathBuf> },
    Test(Vec<OsString>),
    Ci,
    Tidy,
    Bench { criterion: bool, arguments: Vec<OsString> },
    ArchMatrix(Vec<String>),
    Pactest(Vec<String>),
    Gen { out: Option<PathBuf> },
}

/// Reads the arguments behind `cargo xtask`.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Task, String> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.is_empty() {
        return Err("which task?".to_owned());
    }
    let name = arguments.remove(0);
    match name.to_str() {
        Some("run") => Ok(Task::Run(after_dashes(arguments))),
        Some("test") => Ok(Task::Test(arguments)),
        Some("install") => Ok(Task::Install { prefix: directory(arguments, "--prefix")? }),
        Some("gen") => Ok(Task::Gen { out: directory(arguments, "--out")? }),
        Some("ci") => nothing(&arguments, Task::Ci),
        Some("tidy") => nothing(&arguments, Task::Tidy),
        Some("arch-matrix") => suites(arguments),
        Some("pactest") => cases(arguments),
        Some("bench") => {
            let criterion = arguments.first().is_some_and(|first| first == "--criterion");
            let arguments = after_dashes(arguments.split_off(usize::from(criterion)));
            Ok(Task::Bench { criterion, arguments })
        }
        Some("help" | "-h" | "--help") => Ok(Task::Help),
        _ => Err(format!("no task is called '{}'", name.display())),
    }
}

/// Names of Debian suites.
fn suites(arguments: Vec<OsString>) -> Result<Task, String> {
    let suite = |word: OsString| {
        let word = word.into_string().unwrap_or_default();
        let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if plain { Ok(word) } else { Err(format!("'{word}' is not the name of a suite")) }
    };
    Ok(Task::ArchMatrix(arguments.into_iter().map(suite).collect::<Result<_, _>>()?))
}

/// Names of pacman's test cases.
fn cases(arguments: Vec<OsString>) -> Result<Task, String> {
    let case = |word: OsString| {
        let word = word.into_string().unwrap_or_default();
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let plain = word.bytes().all(letters) && !word.is_empty() && !word.starts_with('-');
        if plain { Ok(word) } else { Err(format!("'{word}' is not the name of a test case")) }
    };
    Ok(Task::Pactest(arguments.into_iter().map(case).collect::<Result<_, _>>()?))
}

/// A leading `--` is for us; what follows is not.
fn after_dashes(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.first().is_some_and(|first| first == "--") {
        arguments.remove(0);
    }
    arguments
}

fn nothing(arguments: &[OsString], task: Task) -> Result<Task, String> {
    match arguments.first() {
        None => Ok(task),
        Some(extra) => Err(format!("'{}' is one argument too many", extra.display())),
    }
}

/// `FLAG DIR`, `FLAG=DIR` or nothing.
fn directory(arguments: Vec<OsString>, flag: &str) -> Result<Option<PathBuf>, String> {
    let mut arguments = arguments.into_iter();
    let Some(first) = arguments.next() else { return Ok(None) };
    let directory = if first == flag {
        arguments.next()
    } else {
        first
            .to_str()
            .and_then(|text| text.strip_prefix(flag)?.strip_prefix('='))
            .map(OsString::from)
    };
    match (directory, arguments.next()) {
        (Some(directory), None) if !directory.is_empty() => Ok(Some(directory.into())),
        _ => Err(format!("expected {flag} DIR")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn run_passes_everything_behind_the_dashes() {
        assert_eq!(
            parsed("run -- search ripgrep --json"),
            Ok(Task::Run(words("search ripgrep --json")))
        );
        assert_eq!(parsed("run status"), Ok(Task::Run(words("status"))));
        assert_eq!(parsed("run -- -- x"), Ok(Task::Run(words("-- x"))));
        assert_eq!(parsed("run"), Ok(Task::Run(vec![])));
    }

    #[test]
    fn directories_in_both_spellings() {
        let prefix = Some(PathBuf::from("/opt/omg"));
        assert_eq!(
            parsed("install --prefix /opt/omg"),
            Ok(Task::Install { prefix: prefix.clone() })
        );
        assert_eq!(parsed("install --prefix=/opt/omg"), Ok(Task::Install { prefix }));
        assert_eq!(parsed("gen"), Ok(Task::Gen { out: None }));
        for wrong in ["install --prefix", "install --prefix=", "install /opt", "gen --out a b"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bench_tells_criterion_from_the_tables() {
        assert_eq!(
            parsed("bench --criterion -- index"),
            Ok(Task::Bench { criterion: true, arguments: words("index") })
        );
        assert_eq!(
            parsed("bench peers"),
            Ok(Task::Bench { criterion: false, arguments: words("peers") })
        );
    }

    #[test]
    fn mistakes_are_told() {
        for wrong in ["", "fly", "ci fast", "tidy x", "arch-matrix --all", "pactest ../x"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
