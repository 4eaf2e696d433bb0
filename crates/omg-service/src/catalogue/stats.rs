//! How the daemon is doing.

use std::sync::atomic::Ordering::Relaxed;

use omg_backend::PackageManager;
use omg_core::Stats;

use super::Catalogue;
use crate::view::View;

/// Warnings in one answer.
const WARNINGS: usize = 32;

impl<B: PackageManager> Catalogue<B> {
    /// Counters and sizes as of now.
    pub(crate) fn stats(&self, view: &View) -> Stats {
        let index_bytes = view.offered.index.bytes() + view.local.bytes();
        let warnings = view.installed.warnings.iter().chain(&view.offered.warnings).cloned();
        Stats {
            pid: std::process::id(),
            uptime_s: self.started.elapsed().as_secs(),
            generation: view.generation,
            index_packages: view.status.index_packages,
            index_bytes: index_bytes as u64,
            rss_bytes: resident().unwrap_or(0),
            requests: self.requests.load(Relaxed),
            connections: self.connections.load(Relaxed),
            coalesced: self.tiers.coalesce.joined(),
            memory: self.tiers.memory.counts(),
            disk: self.tiers.store.counts(),
            warnings: self
                .tiers
                .store
                .problem()
                .into_iter()
                .chain(warnings)
                .take(WARNINGS)
                .collect(),
        }
    }
}

/// Bytes of this process in memory: proc(5), `statm`, second field, in pages.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
