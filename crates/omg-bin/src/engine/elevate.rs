//! Which program gives the administrator's rights, and how it is called.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use omg_core::{Code, Fault};

use crate::settings::Elevate;

/// In the order in which they are tried.
pub(crate) const PROGRAMS: [&str; 4] = ["sudo", "doas", "run0", "pkexec"];

/// Where they are looked for. The user's PATH is not asked: who controls it would be asked for the
/// password.
const DIRECTORIES: [&str; 4] = ["/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin"];

/// A program that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Nobody can type a password.
    unattended: bool,
}

impl Program {
    /// A command that runs `executable` as root; its arguments follow.
    pub(super) fn command(&self, executable: &Path) -> Command {
        let mut command = Command::new(&self.path);
        match self.path.file_name().and_then(|name| name.to_str()) {
            Some("sudo") => {
                if self.unattended {
                    command.arg("-n");
                }
                command.args(["-p", "[sudo] password for %p to change system packages: ", "--"]);
            }
            Some("doas") => {
                if self.unattended {
                    command.arg("-n");
                }
                command.arg("--");
            }
            Some("run0") => {
                command.args(["--pipe", "--background=", "--description=omg"]);
                if self.unattended {
                    command.arg("--no-ask-password");
                }
                command.arg("--");
            }
            _ => {}
        }
        command.arg(executable);
        command
    }
}

/// The program to go through; `None` for root, who needs none.
pub(super) fn program(elevate: &Elevate) -> Result<Option<Program>, Fault> {
    if rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    find(elevate, &DIRECTORIES.map(Path::new)).map(Some)
}

fn find(elevate: &Elevate, directories: &[&Path]) -> Result<Program, Fault> {
    let unattended = !std::io::stdin().is_terminal() && !std::io::stderr().is_terminal();
    let in_directories = |name: &str| {
        directories.iter().map(|directory| directory.join(name)).find(|path| path.is_file())
    };
    let found = match elevate.with.as_str() {
        "auto" => PROGRAMS.iter().find_map(|name| in_directories(name)),
        path if path.starts_with('/') => Some(PathBuf::from(path)).filter(|path| path.is_file()),
        name => in_directories(name),
    };
    found.map(|path| Program { path, unattended }).ok_or_else(|| {
        let message = match elevate.with.as_str() {
            "auto" => {
                "changing system packages takes the administrator's rights, and none of sudo, \
                       doas, run0 and pkexec is here"
                    .to_owned()
            }
            name => format!("elevate.with names '{name}', which is not here"),
        };
        Fault::new(Code::Elevation, message).hint("run the command as root, or set elevate.with")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(with: &str, directory: &Path) -> Result<PathBuf, Fault> {
        let elevate = Elevate { with: with.to_owned() };
        find(&elevate, &[directory]).map(|program| program.path)
    }

    #[test]
    fn the_first_that_is_there_is_taken_unless_one_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        assert_eq!(found("auto", directory.path()).unwrap_err().code, Code::Elevation);
        for name in ["pkexec", "doas"] {
            std::fs::write(path(name), "").unwrap();
        }
        assert_eq!(found("auto", directory.path()), Ok(path("doas")));
        assert_eq!(found("pkexec", directory.path()), Ok(path("pkexec")));
        assert!(found("sudo", directory.path()).unwrap_err().message.contains("sudo"));
        let whole = path("pkexec").display().to_string();
        assert_eq!(found(&whole, directory.path()), Ok(path("pkexec")));
    }

    #[test]
    fn the_engine_stands_behind_all_options() {
        for name in PROGRAMS {
            let program = Program { path: Path::new("/usr/bin").join(name), unattended: true };
            let command = program.command(Path::new("/usr/lib/omg/engine"));
            let last = command.get_args().last().unwrap().to_owned();
            assert_eq!(last, "/usr/lib/omg/engine", "{name}");
        }
    }
}
