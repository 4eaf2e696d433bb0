//! Keeps the view of the system: loads or builds it, replaces it when the system moves.

mod load;
mod stats;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use omg_backend::PackageManager;
use omg_cache::{Coalesce, Memory, Store};
use omg_core::Fault;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::downloads::{Downloads, Place, nowhere};
use crate::policy::Rules;
use crate::recent::RecentPlans;
use crate::snapshot;
use crate::view::View;
use crate::watch::Watch;
use load::Fresh;

/// The snapshot's time is renewed this often, so that a reader can tell a living one from a dead one.
const RENEW: Duration = Duration::from_mins(1);

/// A view that failed to load is tried again when something moves, or after this time.
const RETRY: Duration = Duration::from_secs(5);

/// How long the store waits for calls that still read the blocks it is about to replace.
const PATIENCE: Duration = Duration::from_secs(5);

/// What whoever starts a catalogue decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the L0 snapshot goes; nowhere if absent.
    pub snapshot: Option<PathBuf>,
    /// The vendor in package URLs: `debian`, `ubuntu`, `arch`; os-release calls it ID.
    pub namespace: String,
    /// Bytes of answers kept in memory.
    pub memory: u64,
    /// Where changes are staged; they can't be if absent.
    pub downloads: Option<Downloads>,
    /// What a change must meet to be staged; nothing if absent.
    pub rules: Option<Rules>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            snapshot: None,
            namespace: "debian".into(),
            memory: 8 << 20,
            downloads: None,
            rules: None,
        }
    }
}

/// The view that answers now.
type Live = Arc<RwLock<Arc<View>>>;

/// A backend's system as a sequence of views. See the module's text.
pub struct Catalogue<B> {
    backend: Arc<B>,
    view: Live,
    tiers: Tiers,
    options: Options,
    recent: RecentPlans,
    started: Instant,
    requests: Arc<AtomicU64>,
    connections: AtomicU32,
    /// The view is of an earlier state: the last refresh failed.
    behind: AtomicBool,
    /// Held while a view is being loaded: one at a time.
    loading: tokio::sync::Mutex<()>,
    signals: Arc<Signals>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

/// The caches, kept here so that a new view can clear them and statistics can read them.
#[derive(Clone, Debug)]
pub(crate) struct Tiers {
    pub(crate) coalesce: Coalesce,
    pub(crate) memory: Memory,
    pub(crate) store: Store,
}

#[derive(Debug, Default)]
struct Signals {
    look: Notify,
    stop: Notify,
}

// === impl Catalogue ===

impl<B: PackageManager> Catalogue<B> {
    /// Opens the stored index, or builds one, reads what is installed, and starts to watch both.
    ///
    /// # Errors
    /// What the backend could not read.
    pub async fn start(
        backend: Arc<B>,
        store: Store,
        options: Options,
    ) -> Result<Arc<Self>, Fault> {
        // Watched before anything is read, so that no change falls between.
        let watch = Watch::new(backend.watched());
        let (view, fresh) = load::load(&backend, &store, None).await?;
        let catalogue = Arc::new(Self {
            backend,
            view: Arc::new(RwLock::new(Arc::new(view))),
            tiers: Tiers { coalesce: Coalesce::new(), memory: Memory::new(options.memory), store },
            options,
            recent: RecentPlans::default(),
            started: Instant::now(),
            requests: Arc::default(),
            connections: AtomicU32::new(0),
            behind: AtomicBool::new(false),
            loading: tokio::sync::Mutex::new(()),
            signals: Arc::default(),
            keeper: Mutex::new(None),
        });
        catalogue.write_snapshot();
        if let Some(fresh) = fresh {
            fresh.keep(&catalogue.tiers.store);
        }
        let keeper =
            tokio::spawn(keep(Arc::downgrade(&catalogue), watch, catalogue.signals.clone()));
        *catalogue.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        Ok(catalogue)
    }

    /// The view that answers now.
    pub fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks whether the system moved, and if so replaces the view. The old one answers meanwhile.
    ///
    /// # Errors
    /// What the backend could not read; the old view stays.
    pub async fn refresh(&self) -> Result<(), Fault> {
        let _one_at_a_time = self.loading.lock().await;
        let swapped = self.swap().await;
        let was_behind = self.behind.swap(swapped.is_err(), Relaxed);
        if swapped? || was_behind {
            self.write_snapshot();
        }
        Ok(())
    }

    /// Replaces the view if the system moved. Did it?
    async fn swap(&self) -> Result<bool, Fault> {
        let old = self.view();
        let lost = old.offered.records.lost();
        if !lost && self.backend.generations().await? == old.generations {
            return Ok(false);
        }
        let start = Instant::now();
        let (view, fresh) = load::load(&self.backend, &self.tiers.store, Some(&old)).await?;
        let changed = view.generation != old.generation;
        tracing::info!(generation = %view.generation, took = ?start.elapsed(), "the system moved; the view is new");
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        if changed {
            self.tiers.memory.clear();
        }
        if let Some(fresh) = fresh {
            let (store, old) = (self.tiers.store.clone(), Arc::downgrade(&old));
            let live = Arc::downgrade(&self.view);
            tokio::spawn(async move { keep_when_unused(fresh, &store, &old, &live).await });
        }
        Ok(true)
    }

    /// Has the watcher look now instead of at the next event.
    pub fn look(&self) {
        self.signals.look.notify_one();
    }

    /// Stops watching, removes the snapshot, and flushes and closes the store.
    pub async fn shutdown(&self) {
        self.signals.stop.notify_one();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            // It ends by itself; if it panicked there is nothing left to end.
            let _ = keeper.await;
        }
        if let Some(path) = &self.options.snapshot
            && let Err(error) = snapshot::remove(path)
        {
            tracing::warn!(%error, "prompts show old counts for a while");
        }
        let store = self.tiers.store.clone();
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }

    /// Waits until the store has everything that it was given. Blocks the thread.
    pub fn flush(&self) {
        self.tiers.store.flush();
    }

    /// Tells statistics how many connections are open.
    pub fn set_connections(&self, open: u32) {
        self.connections.store(open, Relaxed);
    }

    pub(crate) fn backend(&self) -> &B {
        &self.backend
    }

    pub(crate) fn shared_backend(&self) -> Arc<B> {
        self.backend.clone()
    }

    /// Where changes are staged.
    pub(crate) async fn downloads(&self) -> Result<&Place, Fault> {
        self.options.downloads.as_ref().ok_or_else(nowhere)?.place().await
    }

    pub(crate) fn recent(&self) -> &RecentPlans {
        &self.recent
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    pub(crate) fn requests(&self) -> Arc<AtomicU64> {
        self.requests.clone()
    }

    /// Says that the counts are those of now; so not while it isn't known what they are.
    fn write_snapshot(&self) {
        let Some(path) = &self.options.snapshot else { return };
        if self.behind.load(Relaxed) {
            return;
        }
        if let Err(error) = snapshot::write(path, self.view().status.packages) {
            tracing::warn!(%error, "prompts get no counts");
        }
    }
}

impl<B> std::fmt::Debug for Catalogue<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue")
            .field("tiers", &self.tiers)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Follows the system until told to stop, or until the catalogue is gone.
async fn keep<B: PackageManager>(
    catalogue: Weak<Catalogue<B>>,
    mut watch: Watch,
    signals: Arc<Signals>,
) {
    let mut renew = tokio::time::interval(RENEW);
    renew.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    renew.tick().await;
    let mut failed: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = signals.stop.notified() => return,
            _ = renew.tick() => {
                let Some(catalogue) = catalogue.upgrade() else { return };
                catalogue.write_snapshot();
                continue;
            }
            () = signals.look.notified() => {}
            told = watch.changed() => {
                // Without events it looks so often that trying each time would be a load.
                if !told && failed.is_some_and(|at| at.elapsed() < RETRY) {
                    continue;
                }
            }
        }
        let Some(catalogue) = catalogue.upgrade() else { return };
        let refreshed = tokio::select! {
            biased;
            () = signals.stop.notified() => return,
            refreshed = catalogue.refresh() => refreshed,
        };
        failed = refreshed.is_err().then(Instant::now);
        if let Err(fault) = refreshed {
            tracing::warn!(%fault, "the system moved but can't be read; the old view answers");
        }
    }
}

/// Calls that began before the swap may still read blocks of the old catalogue from the store.
///
/// Another refresh may come before the last of them ends. Then this index is out of date, and would
/// push the live one's blocks out of the store.
async fn keep_when_unused(
    fresh: Fresh,
    store: &Store,
    old: &Weak<View>,
    live: &Weak<RwLock<Arc<View>>>,
) {
    let start = Instant::now();
    while old.strong_count() > 0 && start.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let Some(live) = live.upgrade() else { return };
    // Held while the store takes the index: a newer one can only come after it.
    let view = live.read().unwrap_or_else(PoisonError::into_inner);
    if fresh.is_of(&view) {
        fresh.keep(store);
    }
}
