//! dpkg, run for what libapt has no call for.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use omg_commit::Report;
use omg_core::Conffiles;

use super::error::Error;
use super::output::heard;
use crate::settings::has_dpkg;

/// dpkg's answers to questions about configuration files.
pub(super) fn conffile_options(conffiles: Conffiles) -> &'static [&'static str] {
    match conffiles {
        // The default is taken where there is one; else the user's file stays.
        Conffiles::Keep => &["--force-confdef", "--force-confold"],
        // With `confdef` the default would be taken, which is to keep.
        Conffiles::Replace => &["--force-confnew"],
    }
}

/// dpkg of a root.
#[derive(Clone, Debug)]
pub(super) struct Dpkg {
    root: PathBuf,
}

impl Dpkg {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// The root's own dpkg in the root, if it has one; else this system's, told of the root.
    fn command(&self) -> Command {
        let mut command = if self.root == Path::new("/") {
            Command::new("dpkg")
        } else if has_dpkg(&self.root) {
            let mut command = Command::new("chroot");
            command.arg(&self.root).arg("dpkg");
            command
        } else {
            let mut command = Command::new("dpkg");
            command.arg(format!("--root={}", self.root.display()));
            command
        };
        // The caller holds the frontends' lock.
        command.env("DPKG_FRONTEND_LOCKED", "true").current_dir("/").stdin(Stdio::null());
        command
    }

    /// Runs it; its output is told. Fails with the end of it.
    pub(super) fn run(&self, arguments: &[&str], report: &dyn Report) -> Result<(), Error> {
        let (status, output) = heard(report, |_| self.command().args(arguments).status())?;
        let what = format!("dpkg {}", arguments.join(" "));
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                let what = format!("{what} failed: {status}");
                Err(Error::Transaction { what, causes: output })
            }
            Err(source) => Err(Error::Io { path: "dpkg".into(), context: "starting it", source }),
        }
    }

    /// Sets selections: lines of `PACKAGE:ARCHITECTURE SELECTION`.
    pub(super) fn select(&self, lines: &str) -> Result<(), Error> {
        let failed = || Error::io("dpkg", "setting selections");
        let mut child = self
            .command()
            .arg("--set-selections")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed())?;
        let written =
            child.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(lines.as_bytes()));
        let output = child.wait_with_output().map_err(failed())?;
        if output.status.success() {
            return written.map_err(failed());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(Error::Transaction {
            what: format!("dpkg --set-selections failed: {}", output.status),
            causes: text.lines().map(str::to_owned).collect(),
        })
    }
}
