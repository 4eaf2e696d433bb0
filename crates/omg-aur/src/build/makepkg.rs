//! Third stage: makepkg runs the recipe, confined.

use std::collections::VecDeque;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use omg_core::{Progress, escape};
use omg_sandbox::{Confinement, Ended};

use super::error::BuildError;
use super::{Heard, OUT, RECIPE, SOURCES, WORK};

/// Lines of output that a fault has.
const TAIL: usize = 30;
/// Bytes of a line in a fault.
const MAX_TAIL_LINE: usize = 400;
/// Where the settings are, inside.
const SETTINGS: &str = "/etc/omg-makepkg.conf";
/// What programs say when there is no network.
const NO_NETWORK: [&str; 14] = [
    "could not resolve host",
    "couldn't resolve host",
    "temporary failure in name resolution",
    "temporary failure resolving",
    "network is unreachable",
    "name or service not known",
    "unable to resolve",
    "failed to lookup address",
    "getaddrinfo",
    "eai_again",
    "no such host",
    "dial tcp",
    "failure while downloading",
    "unable to access 'http",
];

/// One run.
pub(super) struct Run<'a> {
    pub(super) confinement: &'a Confinement,
    pub(super) base: &'a str,
    /// The directory around the workspace, where the build can't write.
    pub(super) around: &'a Path,
    pub(super) workspace: &'a Path,
    pub(super) log: &'a Path,
    pub(super) architecture: &'a str,
    /// Seconds since the epoch, which the packages have for their files.
    pub(super) date: u64,
    pub(super) check: bool,
}

impl Run<'_> {
    /// Runs it to its end.
    pub(super) fn run(
        &self,
        cancel: Option<&AtomicBool>,
        heard: &Heard<'_>,
    ) -> Result<(), BuildError> {
        let settings = self.around.join("makepkg.conf");
        fs::write(&settings, self.settings())
            .map_err(|error| BuildError::io(&settings, "writing makepkg's settings", error))?;
        let log_error = |error| BuildError::io(self.log, "writing the log of a build", error);
        let mut log = std::io::BufWriter::new(fs::File::create(self.log).map_err(log_error)?);
        let mut arguments = vec![
            "--config",
            SETTINGS,
            "--nodeps",
            "--noconfirm",
            "--nocolor",
            "--nosign",
            "--force",
            // Sources are here, and were checked.
            "--holdver",
            "--skipinteg",
        ];
        if !self.check {
            arguments.push("--nocheck");
        }
        let mut tail = Tail::default();
        let mut logged = Ok(());
        let ended = self
            .confinement
            .command(self.workspace, "/usr/bin/makepkg", &arguments)
            .directory(RECIPE)
            .read_only(&settings, Path::new(SETTINGS))
            .variable("SOURCE_DATE_EPOCH", self.date.to_string())
            // Repositories among the sources belong to whoever fetched them.
            .variable("GIT_CONFIG_COUNT", "1")
            .variable("GIT_CONFIG_KEY_0", "safe.directory")
            .variable("GIT_CONFIG_VALUE_0", "*")
            .run(cancel, &mut |line| {
                if logged.is_ok() {
                    logged = writeln!(log, "{line}");
                }
                tail.take(line);
                heard(Progress::Output { of: self.base.to_owned(), line: line.to_owned() });
            })?;
        if ended.dropped > 0 {
            logged = logged.and_then(|()| {
                writeln!(log, "[{} more bytes of output were not kept]", ended.dropped)
            });
        }
        logged.and_then(|()| log.flush()).map_err(log_error)?;
        self.verdict(&ended, tail)
    }

    fn verdict(&self, ended: &Ended, tail: Tail) -> Result<(), BuildError> {
        let reason = match (ended.exceeded, ended.status) {
            (None, Some(0)) => return Ok(()),
            (Some(exceeded), _) => format!("it was stopped, because {exceeded}"),
            (None, Some(status)) => format!("makepkg ended with {status}"),
            (None, None) => "makepkg was killed".to_owned(),
        };
        let hint = tail.wanted_network.then_some(
            "builds have no network: what a build downloads has to be among the recipe's sources; \
             report it to the maintainer",
        );
        Err(BuildError::Failed {
            base: self.base.to_owned(),
            reason,
            tail: tail.lines.into(),
            log: self.log.to_path_buf(),
            hint,
        })
    }

    /// makepkg's settings: the system's, with ours behind them.
    fn settings(&self) -> String {
        let inside = |part: &str| PathBuf::from(omg_sandbox::WORKSPACE).join(part);
        format!(
            "for part in /etc/makepkg.conf /etc/makepkg.conf.d/*.conf; do\n\
             \t[[ -r $part ]] && source \"$part\"\n\
             done\n\
             unset part GPGKEY LOGDEST SRCPKGDEST\n\
             CARCH='{architecture}'\n\
             BUILDDIR='{work}'\n\
             PKGDEST='{out}'\n\
             SRCDEST='{sources}'\n\
             BUILDENV=(!distcc !color !ccache check !sign)\n\
             OPTIONS+=(!debug)\n\
             # Nothing is downloaded during a build.\n\
             DLAGENTS=('file::/bin/false' 'ftp::/bin/false' 'http::/bin/false' 'https::/bin/false'\n\
             \t'rsync::/bin/false' 'scp::/bin/false')\n\
             PKGEXT='.pkg.tar.gz'\n\
             if type -p zstd > /dev/null; then\n\
             \tPKGEXT='.pkg.tar.zst'\n\
             \tCOMPRESSZST=(zstd -c -T0 -q -)\n\
             fi\n\
             : \"${{MAKEFLAGS:=-j$(nproc)}}\"\n",
            architecture = self.architecture,
            work = inside(WORK).display(),
            out = inside(OUT).display(),
            sources = inside(SOURCES).display(),
        )
    }
}

/// The end of the output, made safe to show.
#[derive(Default)]
struct Tail {
    lines: VecDeque<String>,
    wanted_network: bool,
}

impl Tail {
    fn take(&mut self, line: &str) {
        let lower = line.to_ascii_lowercase();
        self.wanted_network |= NO_NETWORK.iter().any(|words| lower.contains(words));
        if self.lines.len() == TAIL {
            self.lines.pop_front();
        }
        let line: String = line.chars().take(MAX_TAIL_LINE).collect();
        self.lines.push_back(escape(&line).to_string());
    }
}
