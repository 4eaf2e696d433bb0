//! Who has a file open: pacman's lock names nobody, but its maker keeps it open.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

/// Programs that make this lock.
const PROGRAMS: [&str; 7] =
    ["pacman", "omg-engine-alpm", "pamac-daemon", "packagekitd", "yay", "paru", "pkcon"];

/// A process.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) name: String,
}

/// A process that has the file open. Where that can't be seen, because the process is another user's, one
/// that is called like a package manager.
pub(super) fn of(file: &Metadata) -> Option<Holder> {
    let entries = fs::read_dir("/proc").ok()?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut named = None;
    for pid in pids {
        match has_open(pid, file) {
            Some(true) => return Some(Holder { pid, name: name(pid) }),
            Some(false) => {}
            None => {
                let name = name(pid);
                if named.is_none() && PROGRAMS.contains(&name.as_str()) {
                    named = Some(Holder { pid, name });
                }
            }
        }
    }
    named
}

/// `None` if that can't be seen.
fn has_open(pid: u32, file: &Metadata) -> Option<bool> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let same = |there: Metadata| (there.dev(), there.ino()) == (file.dev(), file.ino());
    Some(entries.flatten().any(|entry| fs::metadata(entry.path()).is_ok_and(same)))
}

fn name(pid: u32) -> String {
    let of_command = || {
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let program = command.split(|byte| *byte == 0).next()?;
        let program = program.rsplit(|byte| *byte == b'/').next()?;
        (!program.is_empty()).then(|| String::from_utf8_lossy(program).into_owned())
    };
    // The kernel's own name of a process is cut off after 15 bytes.
    of_command().unwrap_or_else(|| {
        fs::read_to_string(format!("/proc/{pid}/comm"))
            .map(|name| name.trim_end().to_owned())
            .unwrap_or_default()
    })
}
