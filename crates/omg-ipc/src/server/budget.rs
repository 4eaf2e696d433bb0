//! How much all requests under way may take up, decoded.

use tokio::sync::{Semaphore, SemaphorePermit};

/// What a body costs at most on top of its own length once it is decoded; a test of omg-proto holds
/// it to that.
const DECODED: usize = 32 * 1024;

/// Bytes for each permit.
const UNIT: usize = 1024;

/// A semaphore that counts kibibytes.
#[derive(Debug)]
pub(super) struct Budget {
    permits: Semaphore,
    all: u32,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        let all =
            u32::try_from((bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self { permits: Semaphore::new(all as usize), all }
    }

    /// Waits until a body of `length` bytes may be decoded. A body that alone is over the budget
    /// takes all of it.
    pub(super) async fn claim(&self, length: usize) -> Option<SemaphorePermit<'_>> {
        let wanted = u32::try_from((length + DECODED) / UNIT).unwrap_or(u32::MAX).min(self.all);
        // It fails only once closed, which nobody does.
        self.permits.acquire_many(wanted).await.ok()
    }
}
