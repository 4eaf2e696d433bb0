//! Settings that can change while calls are being answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How much a user may ask, and how long answers are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Tokens that a user gets back every second. Most queries cost 1, those that read files 20.
    pub rate: u32,
    /// Most tokens that a user can save up.
    pub burst: u32,
    /// Time that search results, and everything but `info`, stay in memory.
    pub search_time: Duration,
    /// Time that `info` answers stay in memory.
    pub info_time: Duration,
}

impl Default for Limits {
    /// Five times what eight busy clients ask, so that only a flood meets the limit.
    fn default() -> Self {
        Self {
            rate: 50_000,
            burst: 100_000,
            search_time: Duration::from_mins(5),
            info_time: Duration::from_mins(10),
        }
    }
}

/// The limits in force, shared by all layers that obey them.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Cells>);

#[derive(Debug)]
struct Cells {
    /// Rate in the upper half, burst in the lower: they change together.
    allowance: AtomicU64,
    search_ms: AtomicU64,
    info_ms: AtomicU64,
}

impl Handle {
    /// A handle on these limits.
    pub fn new(limits: Limits) -> Self {
        let handle = Self(Arc::new(Cells {
            allowance: AtomicU64::new(0),
            search_ms: AtomicU64::new(0),
            info_ms: AtomicU64::new(0),
        }));
        handle.apply(limits);
        handle
    }

    /// Puts other limits into force. Calls under way keep the old ones.
    pub fn apply(&self, limits: Limits) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.allowance.store(u64::from(limits.rate) << 32 | u64::from(limits.burst), Relaxed);
        self.0.search_ms.store(millis(limits.search_time), Relaxed);
        self.0.info_ms.store(millis(limits.info_time), Relaxed);
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        let (rate, burst) = self.allowance();
        Limits { rate, burst, search_time: self.search_time(), info_time: self.info_time() }
    }

    pub(crate) fn allowance(&self) -> (u32, u32) {
        let both = self.0.allowance.load(Relaxed);
        ((both >> 32) as u32, both as u32)
    }

    pub(crate) fn search_time(&self) -> Duration {
        Duration::from_millis(self.0.search_ms.load(Relaxed))
    }

    pub(crate) fn info_time(&self) -> Duration {
        Duration::from_millis(self.0.info_ms.load(Relaxed))
    }
}
