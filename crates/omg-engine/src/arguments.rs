//! An engine's command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` says, after the name of the executable.
pub(crate) const HELP: &str = "plan|commit --root DIR

Started by omgd and omg, not by people. Asked on standard input and answering on standard output,
in the frames that docs/protocol.md describes; ends when its input ends.

  plan             makes plans for the system under DIR, and changes nothing
  commit           carries out orders; needs the rights to change the system
      --root DIR   the system's root, an absolute path
      --version    print the version
      --help       print this";

/// What it was started for.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Task {
    /// Answer plans for the system under this root.
    Plan(PathBuf),
    /// Carry out orders on the system under this root.
    Commit(PathBuf),
    Version,
    Help,
}

/// Reads the arguments after the executable's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Task, String> {
    let mut arguments = arguments.into_iter();
    let mut role = None;
    let mut root = None;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--version" | "-V") => return Ok(Task::Version),
            Some("--help" | "-h") => return Ok(Task::Help),
            Some("--root") => {
                root = Some(arguments.next().ok_or("--root needs a directory")?);
            }
            Some("plan") if role.is_none() => role = Some(Task::Plan as fn(PathBuf) -> Task),
            Some("commit") if role.is_none() => role = Some(Task::Commit),
            _ => return Err(format!("unexpected argument {}", argument.display())),
        }
    }
    let role = role.ok_or("a role is missing: `plan` or `commit`")?;
    let root = PathBuf::from(root.ok_or("--root DIR is missing")?);
    if root.is_absolute() {
        Ok(role(root))
    } else {
        Err(format!("--root {}: is not an absolute path", root.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Task, String> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn the_root_may_stand_on_either_side() {
        let task = Ok(Task::Plan(PathBuf::from("/mnt")));
        assert_eq!(parsed(&["plan", "--root", "/mnt"]), task);
        assert_eq!(parsed(&["--root", "/mnt", "plan"]), task);
        assert_eq!(parsed(&["--root", "/", "commit"]), Ok(Task::Commit(PathBuf::from("/"))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, word) in [
            (&["commit", "plan", "--root", "/"][..], "plan"),
            (&["--root", "/"], "role"),
            (&["plan"], "--root"),
            (&["plan", "--root"], "directory"),
            (&["plan", "--root", "mnt"], "absolute"),
            (&["plan", "plan", "--root", "/"], "plan"),
            (&["plan", "--root", "/", "--force"], "--force"),
        ] {
            let error = parsed(arguments).unwrap_err();
            assert!(error.contains(word), "{arguments:?}: {error}");
        }
    }
}
