//! What is confined may take so much and no more.

use std::fmt;
use std::time::Duration;

/// Limits of one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Time by the clock, from the start to the end of the last process.
    pub wall: Duration,
    /// Processor time of each process.
    pub cpu: Duration,
    /// Processes and threads at a time.
    pub processes: u64,
    /// Bytes of memory of all processes together, as far as it is theirs alone. A single process gets no
    /// more from the kernel either.
    pub memory: u64,
    /// Bytes of address space of each process, if that is limited. Some runtimes reserve terabytes that
    /// they never touch.
    pub address_space: Option<u64>,
    /// Bytes of one file.
    pub file: u64,
    /// Open files of each process.
    pub open_files: u64,
    /// Bytes on disk below the workspace, files that are deleted but open included.
    pub disk: u64,
    /// Bytes in `/tmp`, which is memory. The home and `/dev/shm` have a quarter of it each.
    pub temporary: u64,
    /// Bytes of output that are handed on; what comes after is dropped.
    pub output: u64,
}

const GIB: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_hours(2),
            cpu: Duration::from_hours(4),
            processes: 4096,
            memory: 16 * GIB,
            address_space: None,
            file: 16 * GIB,
            open_files: 4096,
            disk: 64 * GIB,
            temporary: 4 * GIB,
            output: 64 << 20,
        }
    }
}

/// A limit that was reached, so that the run was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exceeded {
    /// Seconds by the clock.
    Time(u64),
    /// Bytes of memory.
    Memory(u64),
    /// Bytes on disk.
    Disk(u64),
    /// Somebody asked for it to be stopped.
    Cancelled,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(limit) => write!(f, "it took longer than {limit} s"),
            Self::Memory(limit) => write!(f, "it took more than {} MiB of memory", limit >> 20),
            Self::Disk(limit) => write!(f, "it took more than {} MiB on disk", limit >> 20),
            Self::Cancelled => f.write_str("it was cancelled"),
        }
    }
}
