//! What a server counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts since a server was made, and the limit that new connections are counted against. Reading
/// and changing them never holds anything up.
#[derive(Debug, Default)]
pub struct Counters {
    limit: AtomicUsize,
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    requests: AtomicU64,
    panics: AtomicU64,
    cut: AtomicU64,
}

impl Counters {
    /// Connections now.
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Puts another limit of connections into force. Those that are open stay.
    pub fn limit_connections(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Connections that were let in.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections that were turned away.
    pub fn refusals(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Requests that were answered, with faults too.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests that ended in a panic.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Connections that ended because the peer missed a deadline or broke the protocol.
    pub fn cuts(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn was_cut(&self) {
        self.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection, unless there are as many as may be.
    pub(super) fn try_open(self: &Arc<Self>) -> Result<Open, usize> {
        let limit = self.limit.load(Ordering::Relaxed);
        let open = self.open();
        if self.connections() <= limit { Ok(open) } else { Err(limit) }
    }

    /// Counts a connection until the guard is dropped.
    pub(super) fn open(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open { counters: Arc::clone(self) }
    }
}

/// A connection counted as open.
#[derive(Debug)]
pub(super) struct Open {
    counters: Arc<Counters>,
}

impl Open {
    /// Counts it as let in.
    pub(super) fn accept(&self) {
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
    }
}
