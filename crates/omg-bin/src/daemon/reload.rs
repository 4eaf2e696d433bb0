//! What a running daemon puts into force again when it gets SIGHUP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use omg_core::Fault;
use omg_ipc::Counters;
use omg_service::Handle;

use super::journal::Filter;
use crate::settings::Settings;

/// The parts of a daemon that obey settings while it runs.
#[derive(Debug)]
pub(super) struct Adjustable {
    filter: Filter,
    limits: Handle,
    counters: Arc<Counters>,
    idle_exit_s: AtomicU64,
}

impl Adjustable {
    pub(super) fn new(
        settings: &Settings,
        filter: Filter,
        limits: Handle,
        counters: Arc<Counters>,
    ) -> Self {
        let idle_exit_s = AtomicU64::new(settings.daemon.idle_exit_s);
        Self { filter, limits, counters, idle_exit_s }
    }

    /// Reads the settings again. If they are wrong, all stays as it is.
    pub(super) fn reload(&self) -> Result<(), Fault> {
        let settings = Settings::of_user()?;
        self.filter.apply(&settings.daemon.log)?;
        self.limits.apply(limits(&settings));
        self.counters.limit_connections(settings.limits.connections);
        self.idle_exit_s.store(settings.daemon.idle_exit_s, Ordering::Relaxed);
        Ok(())
    }

    /// Resolves when nobody has been connected and nothing was asked for the time that settings say.
    pub(super) async fn idle(&self) {
        let mut quiet = Duration::ZERO;
        let mut requests = self.counters.requests();
        loop {
            let limit = Duration::from_secs(self.idle_exit_s.load(Ordering::Relaxed));
            // Settings may change, so it looks again now and then even if there is no limit.
            let pause = if limit.is_zero() {
                Duration::from_secs(5)
            } else {
                (limit / 4).min(Duration::from_secs(5))
            };
            tokio::time::sleep(pause).await;
            let now = self.counters.requests();
            let busy = self.counters.connections() > 0 || now != requests || limit.is_zero();
            requests = now;
            quiet = if busy { Duration::ZERO } else { quiet + pause };
            if !limit.is_zero() && quiet >= limit {
                return;
            }
        }
    }
}

/// The service's part of the settings.
pub(super) fn limits(settings: &Settings) -> omg_service::Limits {
    omg_service::Limits {
        rate: settings.limits.requests_per_second,
        burst: settings.limits.burst,
        search_time: Duration::from_secs(settings.cache.search_ttl_s),
        info_time: Duration::from_secs(settings.cache.info_ttl_s),
    }
}
