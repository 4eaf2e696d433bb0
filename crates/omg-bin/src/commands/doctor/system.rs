//! Checks of the daemon and of the package manager's files.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use omg_core::{Stats, Status};

use super::Check;
use crate::commands::status::OLD;
use crate::daemon::engine_name;
use crate::distribution::Distribution;
use crate::render::{age, bytes, count, uptime};

/// Does a daemon answer, and is it of the build that is installed?
pub(super) fn daemon(stats: &Stats, stays: bool) -> Check {
    if !stays {
        return Check::ok("daemon", "one for this command alone answers");
    }
    // The kernel marks the file of a process whose executable was replaced.
    let replaced = fs::read_link(format!("/proc/{}/exe", stats.pid))
        .is_ok_and(|path| path.to_string_lossy().ends_with(" (deleted)"));
    if replaced {
        return Check::warn(
            "daemon",
            format!("pid {} runs a build that was replaced since", stats.pid),
            "omg daemon stop",
        );
    }
    let up = uptime(stats.uptime_s);
    Check::ok(
        "daemon",
        format!(
            "pid {}, up {up}, {}, {}",
            stats.pid,
            bytes(stats.rss_bytes),
            env!("CARGO_PKG_VERSION")
        ),
    )
}

/// Is there a package database that we read?
pub(super) fn database(root: &Path, distribution: Option<Distribution>) -> Check {
    const OTHER: &str =
        "OMG reads dpkg's and pacman's databases; --root DIR looks below another root";
    let Some(distribution) = distribution else {
        return Check::fail("database", format!("there is none below {}", root.display()), OTHER);
    };
    let path = root.join(distribution.database());
    match fs::File::open(&path) {
        Ok(_) => Check::ok("database", format!("{}, {}", distribution.manager(), path.display())),
        Err(error) => Check::fail("database", format!("{}: {error}", path.display()), OTHER),
    }
}

/// Is the process there that plans?
pub(super) fn engine(distribution: Distribution) -> Check {
    let path = omg_engine::locate(engine_name(distribution));
    match fs::metadata(&path) {
        Ok(meta) if meta.is_file() => Check::ok("engine", path.display().to_string()),
        _ => Check::warn(
            "engine",
            format!("{} is not there, so changes can't be planned", path.display()),
            format!(
                "cargo build --release --package {}, or install it beside omgd",
                engine_name(distribution)
            ),
        ),
    }
}

/// Are the repositories' lists there, and young?
pub(super) fn lists(status: &Status, distribution: Distribution) -> Check {
    let refresh = distribution.refresh();
    let packages = count(status.index_packages.into());
    match status.data_age_s {
        None => Check::warn("lists", "the repositories' lists were never fetched", refresh),
        Some(seconds) if seconds > OLD => {
            Check::warn("lists", format!("{packages} packages, {} old", age(seconds)), refresh)
        }
        Some(seconds) => {
            Check::ok("lists", format!("{packages} packages, refreshed {} ago", age(seconds)))
        }
    }
}

/// Did every installation end?
pub(super) fn audit(status: &Status, distribution: Distribution) -> Check {
    match status.broken {
        0 => Check::ok(
            "packages",
            format!("{} installed, none half way", count(status.packages.total.into())),
        ),
        broken => {
            Check::fail("packages", format!("{broken} stopped half way"), distribution.repair())
        }
    }
}

/// Could every record be read?
pub(super) fn records(stats: &Stats, distribution: Distribution) -> Check {
    match stats.warnings.first() {
        None => Check::ok("records", "all could be read"),
        Some(first) => Check::warn(
            "records",
            format!("{} skipped: {first}", stats.warnings.len()),
            format!(
                "omg status --verbose shows them; {} fetches lists again",
                distribution.refresh()
            ),
        ),
    }
}

/// Does somebody hold a lock of dpkg or apt?
pub(super) fn lock(root: &Path, distribution: Distribution) -> Check {
    const FILES: [&str; 3] =
        ["var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock", "var/lib/apt/lists/lock"];
    if distribution == Distribution::Arch {
        return database_lock(root);
    }
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    for file in FILES {
        let path = root.join(file);
        let Ok(meta) = fs::metadata(&path) else { continue };
        if let Some(pid) = holder(&locks, meta.dev(), meta.ino()) {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let message = format!("{} is held by {} (pid {pid})", path.display(), name.trim());
            return Check::warn("lock", message, "wait for it to end; queries go on meanwhile");
        }
    }
    Check::ok("lock", "no lock of dpkg or apt is held")
}

/// pacman's lock is a file that is there, whoever made it; it stays behind when its maker is killed.
fn database_lock(root: &Path) -> Check {
    const TAKERS: [&str; 2] = ["pacman", "omg-engine-alpm"];
    let path = root.join("var/lib/pacman/db.lck");
    let Ok(lock) = fs::metadata(&path) else {
        return Check::ok("lock", "no lock of pacman is held");
    };
    let holder = fs::read_dir("/proc").into_iter().flatten().flatten().find_map(|process| {
        let name = fs::read_to_string(process.path().join("comm")).ok()?.trim().to_owned();
        let holds = TAKERS.contains(&&*name) && may_hold(&process.path(), &lock);
        holds.then_some(name)
    });
    let message = format!("{} is there", path.display());
    if let Some(name) = holder {
        let hint = format!("wait for {name} to end; queries go on meanwhile");
        return Check::warn("lock", message, hint);
    }
    let message = format!("{message}, and nobody who holds it: a change was cut off");
    Check::warn("lock", message, "omg recover")
}

/// Has a process this file open? Of another user's that is not known.
fn may_hold(process: &Path, file: &fs::Metadata) -> bool {
    match fs::read_dir(process.join("fd")) {
        Ok(open) => open.flatten().any(|it| {
            fs::metadata(it.path()).is_ok_and(|it| (it.dev(), it.ino()) == (file.dev(), file.ino()))
        }),
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// The process that holds a lock on a file, from the text of /proc/locks (proc(5)):
/// `1: POSIX  ADVISORY  WRITE 1234 fd:01:5678 0 EOF`.
fn holder(locks: &str, device: u64, inode: u64) -> Option<u32> {
    let device = format!("{:02x}:{:02x}", rustix::fs::major(device), rustix::fs::minor(device));
    locks.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1).skip_while(|field| *field == "->");
        let (pid, place) = (fields.nth(3)?, fields.next()?);
        (place == format!("{device}:{inode}")).then(|| pid.parse().ok()).flatten()
    })
}

/// Are the archive's file lists there, for `provides`?
pub(super) fn contents(root: &Path, distribution: Distribution) -> Check {
    let (lists, part) = match distribution {
        Distribution::Debian => ("var/lib/apt/lists", "_Contents-"),
        Distribution::Arch => ("var/lib/pacman/sync", ".files"),
    };
    let there = fs::read_dir(root.join(lists)).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains(part))
    });
    if there {
        Check::ok("contents", "file lists of packages that are not installed are there")
    } else {
        Check::warn(
            "contents",
            "`omg provides` knows files of installed packages only",
            distribution.fetch_files(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_by_device_and_inode() {
        let locks = "1: POSIX  ADVISORY  WRITE 1234 fd:01:5678 0 EOF\n\
                     1: -> POSIX  ADVISORY  WRITE 99 fd:01:5679 0 EOF\n2: FLOCK  ADVISORY  WRITE 7 00:1b:5 0 EOF\n";
        let device = rustix::fs::makedev(0xfd, 1);
        assert_eq!(holder(locks, device, 5678), Some(1234));
        assert_eq!(holder(locks, device, 1), None);
        assert_eq!(holder("garbage\n\n: \n", device, 1), None);
    }
}
