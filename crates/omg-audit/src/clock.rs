//! The clocks that a record takes its times from.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::Id;

/// A moment, by both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Time {
    /// Milliseconds since the epoch. Anybody who may set the clock may make it anything.
    pub wall_ms: u64,
    /// Milliseconds since the machine was started, asleep or not.
    pub boot_ms: u64,
    /// Which start that was; zeros where the kernel doesn't say.
    pub boot_id: Id,
}

impl Time {
    /// Now.
    pub fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let boot = clock_gettime(ClockId::Boottime);
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_default();
        Self {
            wall_ms: wall.as_millis() as u64,
            boot_ms: boot.tv_sec.unsigned_abs() * 1000 + boot.tv_nsec.unsigned_abs() / 1_000_000,
            boot_id,
        }
    }
}
