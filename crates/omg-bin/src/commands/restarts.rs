//! `omg restarts`: which programs still run what was replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::Args;
use omg_core::{Code, Fault};
use serde::Serialize;

use super::{Group, Verb};
use crate::render::{Cell, Column, Style, Table};
use crate::session::Session;

/// Exit code where something should be restarted.
const PENDING: u8 = 10;

/// Programs that run with files that are gone.
#[derive(Args, Debug)]
pub(crate) struct Restarts {
    /// Exit code 10 if anything should be restarted
    #[arg(long)]
    check: bool,
}

/// A program that runs with replaced files.
#[derive(Serialize)]
struct Running {
    name: String,
    /// Unit of systemd that it belongs to, where it belongs to one.
    unit: Option<String>,
    pids: Vec<u32>,
    /// Files that it has open and that were replaced.
    files: Vec<String>,
}

#[derive(Serialize)]
struct Body {
    reboot: Option<String>,
    programs: Vec<Running>,
    unreadable: usize,
}

impl Verb for Restarts {
    const NAME: &'static str = "restarts";
    const GROUP: Group = Group::Change;
    const ABOUT: &'static str = "Programs that still run what was replaced by an upgrade";
    const EXAMPLES: &'static str = "\
  omg restarts                   as root it sees everybody's
  omg restarts --check           exit code 10 if there are any";

    fn run(self, session: &mut Session) -> Result<u8, Fault> {
        let body = look(Path::new("/proc"))?;
        let pending = body.reboot.is_some() || !body.programs.is_empty();
        if session.globals.json {
            session.json("omg.restarts/1", body);
        } else {
            show(session, &body);
        }
        Ok(if self.check && pending { PENDING } else { 0 })
    }
}

fn show(session: &mut Session, body: &Body) {
    if let Some(why) = &body.reboot {
        session.out.styled(Style::Warn, why).line();
    }
    let mut table = Table::new(&[Column::Left, Column::Left, Column::Left, Column::Spare]);
    for program in &body.programs {
        let pids: Vec<String> = program.pids.iter().map(u32::to_string).collect();
        let files = program.files.first().map_or("", String::as_str);
        table.row([
            Cell::new(Style::Name, &program.name),
            Cell::owned(Style::Repository, program.unit.clone().unwrap_or_default()),
            Cell::owned(Style::Dim, pids.join(" ")),
            Cell::new(Style::Plain, files),
        ]);
    }
    table.write(&mut session.out);
    if body.programs.is_empty() && body.reboot.is_none() {
        session.out.note("nothing runs what was replaced");
    }
    if body.unreadable > 0 {
        let noun = if body.unreadable == 1 { "process" } else { "processes" };
        let text = format!("{} {noun} could not be looked at", body.unreadable);
        session.out.note(&text);
    }
}

/// A program's name, and the unit that runs it.
type Named = (String, Option<String>);

fn look(proc: &Path) -> Result<Body, Fault> {
    let entries = std::fs::read_dir(proc).map_err(|error| {
        Fault::caused_by(Code::Unreadable, format!("{} can't be read", proc.display()), &error)
    })?;
    let mut found: BTreeMap<Named, (Vec<u32>, BTreeSet<String>)> = BTreeMap::new();
    let mut unreadable = 0;
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|it| it.parse::<u32>().ok()) else {
            continue;
        };
        let directory = entry.path();
        // A process that ended meanwhile needs no restart either.
        let Ok(maps) = std::fs::read_to_string(directory.join("maps")) else {
            unreadable += usize::from(directory.join("comm").exists());
            continue;
        };
        let files = replaced(&maps);
        if files.is_empty() {
            continue;
        }
        let name = std::fs::read_to_string(directory.join("comm")).unwrap_or_default();
        let cgroup = std::fs::read_to_string(directory.join("cgroup")).unwrap_or_default();
        let key = (name.trim().to_owned(), unit(&cgroup));
        let (pids, all) = found.entry(key).or_default();
        pids.push(pid);
        all.extend(files);
    }
    let programs = found.into_iter().map(|((name, unit), (pids, files))| Running {
        name,
        unit,
        pids,
        files: files.into_iter().collect(),
    });
    Ok(Body { reboot: reboot(), programs: programs.collect(), unreadable })
}

/// Executable files of packages in `/proc/PID/maps` (proc_pid_maps(5)) that are not on disk any more.
fn replaced(maps: &str) -> Vec<String> {
    let executable = |line: &&str| line.split(' ').nth(1).is_some_and(|mode| mode.contains('x'));
    let gone = |line: &str| {
        let path = line.get(line.find('/')?..)?.strip_suffix(" (deleted)")?;
        let ours = ["/usr/", "/lib", "/bin/", "/sbin/", "/opt/"];
        ours.iter().any(|start| path.starts_with(start)).then(|| path.to_owned())
    };
    let mut files: Vec<String> = maps.lines().filter(executable).filter_map(gone).collect();
    files.sort();
    files.dedup();
    files
}

/// The unit of systemd in `/proc/PID/cgroup`.
fn unit(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().find_map(|line| line.rsplit_once(':').map(|(_, path)| path))?;
    let unit = path.rsplit('/').find(|part| part.ends_with(".service"))?;
    Some(unit.to_owned())
}

/// Does the machine itself ask for it?
fn reboot() -> Option<String> {
    if Path::new("/run/reboot-required").exists() {
        return Some("the system asks for a reboot (/run/reboot-required)".to_owned());
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let modules = Path::new("/lib/modules");
    let gone = modules.is_dir() && !modules.join(release.trim()).exists();
    let others = std::fs::read_dir(modules).is_ok_and(|mut entries| entries.next().is_some());
    (gone && others)
        .then(|| format!("the running kernel {} has no modules any more", release.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replaced_programs_and_libraries_count() {
        let maps = "\
7f00-7f01 r-xp 00000000 08:01 1  /usr/lib/libc.so.6 (deleted)
7f01-7f02 r--p 00000000 08:01 1  /usr/lib/libm.so.6 (deleted)
7f02-7f03 r-xp 00000000 08:01 2  /usr/lib/libz.so.1
7f03-7f04 rwxp 00000000 00:05 3  /memfd:jit (deleted)
7f04-7f05 r-xp 00000000 00:00 0
";
        assert_eq!(replaced(maps), ["/usr/lib/libc.so.6"]);
    }

    #[test]
    fn a_unit_is_the_last_service_of_the_path() {
        assert_eq!(unit("0::/system.slice/ssh.service\n"), Some("ssh.service".to_owned()));
        assert_eq!(unit("0::/user.slice/user-0.slice/session-1.scope\n"), None);
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        look(Path::new("/proc")).unwrap();
    }
}
