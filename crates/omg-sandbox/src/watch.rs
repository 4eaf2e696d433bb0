//! Limits that no resource limit of the kernel keeps: time, and memory and disk of all processes
//! together.
//!
//! Control groups would do the memory better, but a user's daemon has none to give everywhere; so
//! processes are looked at, four times a second.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::{Exceeded, Limits};

/// How often processes are looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// Looking at files takes no more of the time than one part in this many.
const SHARE: u32 = 10;
/// Directories deeper than this are not looked into.
const MAX_DEPTH: usize = 256;

/// The processes and files of one run.
pub(crate) struct Watch<'a> {
    outermost: u32,
    workspace: &'a Path,
    limits: Limits,
    started: Instant,
    processes_due: Instant,
    disk_due: Instant,
    /// Bytes that the file system had left at the start.
    free: u64,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(outermost: u32, workspace: &'a Path, limits: Limits) -> Self {
        let now = Instant::now();
        let due = now + INTERVAL;
        let free = free(workspace);
        Self { outermost, workspace, limits, started: now, processes_due: due, disk_due: due, free }
    }

    /// Looks at what is due; says which limit was passed.
    pub(crate) fn look(&mut self) -> Option<Exceeded> {
        let now = Instant::now();
        if now.duration_since(self.started) > self.limits.wall {
            return Some(Exceeded::Time(self.limits.wall.as_secs()));
        }
        if now < self.processes_due {
            return None;
        }
        let processes = descendants(self.outermost);
        let memory: u64 = processes.iter().map(|process| private_memory(*process)).sum();
        self.processes_due = Instant::now() + INTERVAL;
        if memory > self.limits.memory {
            return Some(Exceeded::Memory(self.limits.memory));
        }
        if now < self.disk_due {
            return None;
        }
        let begun = Instant::now();
        let used = self.used().saturating_add(deleted(&processes));
        let took = begun.elapsed();
        self.disk_due = Instant::now() + INTERVAL.max(took * SHARE);
        (used > self.limits.disk).then_some(Exceeded::Disk(self.limits.disk))
    }

    /// Looks at what is left when it has ended by itself.
    pub(crate) fn last_look(&self) -> Option<Exceeded> {
        (self.used() > self.limits.disk).then_some(Exceeded::Disk(self.limits.disk))
    }

    /// Bytes on disk. If there are directories that we may not look into, all that the file system lost
    /// since the start counts.
    fn used(&self) -> u64 {
        let usage = disk_usage(self.workspace, self.limits.disk);
        if usage.complete {
            return usage.bytes;
        }
        usage.bytes.max(self.free.saturating_sub(free(self.workspace)))
    }

    /// Ends every process: the first one of the namespace, with which the kernel ends all others.
    pub(crate) fn kill(&self) {
        for process in descendants(self.outermost) {
            if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
                // Gone already, or gone with the first.
                let _gone = rustix::process::kill_process(process, Signal::KILL);
            }
        }
    }
}

/// All processes that descend from this one, nearest first. Those whose parent has ended are children of
/// the first process of the namespace.
fn descendants(of: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    for entry in entries.flatten() {
        let process = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let Some(process) = process else { continue };
        if let Some(parent) = parent(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![of];
    while let Some(parent) = next.pop() {
        let own = children.remove(&parent).unwrap_or_default();
        found.extend_from_slice(&own);
        next.extend(own);
    }
    found
}

/// `/proc/PID/stat`: the parent is the second field after the name, which can hold anything.
fn parent(process: u32) -> Option<u32> {
    let text = small(&format!("/proc/{process}/stat"))?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Bytes of memory that are a process's own: what is there but for what comes from files.
fn private_memory(process: u32) -> u64 {
    let pages = || {
        let text = small(&format!("/proc/{process}/statm"))?;
        let mut fields = text.split_ascii_whitespace().skip(1);
        let resident: u64 = fields.next()?.parse().ok()?;
        let shared: u64 = fields.next()?.parse().ok()?;
        Some(resident.saturating_sub(shared))
    };
    pages().unwrap_or(0).saturating_mul(rustix::param::page_size() as u64)
}

fn small(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(4096).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Bytes of files that no directory has any more but that are still open.
fn deleted(processes: &[u32]) -> u64 {
    let mut seen = HashSet::new();
    let mut total: u64 = 0;
    for process in processes {
        let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { continue };
        for file in files.flatten() {
            let Ok(metadata) = fs::metadata(file.path()) else { continue };
            let is_deleted = metadata.is_file() && metadata.nlink() == 0;
            if is_deleted && seen.insert((metadata.dev(), metadata.ino())) {
                total = total.saturating_add(metadata.blocks().saturating_mul(512));
            }
        }
    }
    total
}

/// What a directory holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskUsage {
    /// Bytes on disk of the files below it, as far as was looked.
    pub bytes: u64,
    /// Nothing below it was closed to us.
    pub complete: bool,
}

/// Measures what is below a directory. Links are not followed, and it stops beyond `enough`. What goes
/// away meanwhile counts nothing.
pub fn disk_usage(directory: &Path, enough: u64) -> DiskUsage {
    let mut usage = DiskUsage { bytes: 0, complete: true };
    let mut left: Vec<(PathBuf, usize)> = vec![(directory.to_path_buf(), 0)];
    while let Some((directory, depth)) = left.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) if depth <= MAX_DEPTH => entries,
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => continue,
            // Closed, or deeper than a path can be.
            Ok(_) | Err(_) => {
                usage.complete = false;
                continue;
            }
        };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            usage.bytes = usage.bytes.saturating_add(metadata.blocks().saturating_mul(512));
            if metadata.is_dir() {
                left.push((entry.path(), depth + 1));
            }
        }
        if usage.bytes > enough {
            break;
        }
    }
    usage
}

fn free(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |it| it.f_bfree.saturating_mul(it.f_frsize))
}
