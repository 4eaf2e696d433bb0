//! Threads that write at the same time share a transaction.
//!
//! Whoever finds nobody writing takes what is waiting, up to [`MOST`] records, and writes it; meanwhile the
//! others queue up for the next one. So nobody waits for company, and company costs nobody time.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Options;
use super::batch::{Batch, Draft};
use super::files::Dir;
use super::keys::Key;
use super::pending::{self, Held};
use super::store::Store;
use crate::{Error, Hash, Phase, Result, Time};

/// Records in one transaction.
const MOST: usize = 64;

/// Transactions after which other processes get their turn though more is waiting here.
const TURNS: u32 = 16;

/// Space kept for the record that ends a change, bytes. A change is begun only if it is there.
const RESERVE: u64 = 2 << 20;

/// The writer that threads share.
pub(super) struct Group {
    pub(super) dir: Dir,
    options: Options,
    queue: Mutex<Queue>,
    ready: Condvar,
    slot: Mutex<Slot>,
}

/// What waits, and what has been done.
#[derive(Default)]
struct Queue {
    next: u64,
    waiting: VecDeque<(u64, Draft)>,
    finished: HashMap<u64, Result<Written>>,
    led: bool,
    poisoned: Option<String>,
}

/// The database while it is open, and the end of the log as we left it.
#[derive(Default)]
struct Slot {
    store: Option<Store>,
    seen: Option<(u64, Hash)>,
    turns: u32,
}

/// A record that is durable.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) seq: u64,
    /// Shows that an intent's process lives.
    pub(super) held: Option<Held>,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("dir", &self.dir.path).finish_non_exhaustive()
    }
}

impl Group {
    pub(super) fn open(dir: &Path, options: &Options) -> Result<Self> {
        let dir = Dir::open(dir, options.world_readable)?;
        let group = Self {
            dir,
            options: options.clone(),
            queue: Mutex::default(),
            ready: Condvar::new(),
            slot: Mutex::default(),
        };
        group.with(|_| Ok(()))?;
        Ok(group)
    }

    /// Looks into the database.
    pub(super) fn with<T>(&self, look: impl FnOnce(&Store) -> Result<T>) -> Result<T> {
        let mut slot = lock(&self.slot);
        let result = caught(&self.dir, || look(slot.open(&self.dir, &self.options)?));
        slot.after(&result);
        result
    }

    /// Has a record written. Durable when it returns.
    pub(super) fn submit(&self, draft: Draft) -> Result<Written> {
        let mut queue = lock(&self.queue);
        let ticket = queue.next;
        queue.next += 1;
        queue.waiting.push_back((ticket, draft));
        loop {
            if let Some(result) = queue.finished.remove(&ticket) {
                return result;
            }
            if queue.led {
                queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.led = true;
            let take = queue.waiting.len().min(MOST);
            let drafts: Vec<_> = queue.waiting.drain(..take).collect();
            let more = !queue.waiting.is_empty();
            let poisoned = queue.poisoned.clone();
            drop(queue);
            let results = match &poisoned {
                Some(why) => Err(Error::Poisoned(why.clone())),
                None => self.write(&drafts, more),
            };
            queue = lock(&self.queue);
            queue.settle(drafts, results);
            self.ready.notify_all();
        }
    }

    /// Has the end of an intent written unless it has one.
    pub(super) fn submit_once(&self, draft: &Draft) -> Result<bool> {
        let mut slot = lock(&self.slot);
        let result = caught(&self.dir, || {
            let store = slot.open(&self.dir, &self.options)?;
            let still_open = match draft.intent {
                Some(intent) => store.open_intents()?.contains(&intent),
                None => true,
            };
            if still_open {
                slot.append(&self.dir, &self.options, std::slice::from_ref(draft), true)?;
            }
            Ok(still_open)
        });
        slot.after(&result);
        result
    }

    /// Writes a batch, with the reserved space if there is no other.
    fn write(&self, drafts: &[(u64, Draft)], more: bool) -> Result<Vec<Result<Written>>> {
        let drafts: Vec<&Draft> = drafts.iter().map(|(_, draft)| draft).collect();
        let mut slot = lock(&self.slot);
        let mut write = |ends_only: bool| {
            let wanted = |draft: &&Draft| !ends_only || draft.intent.is_some();
            let chosen: Vec<Draft> = drafts.iter().copied().filter(wanted).cloned().collect();
            caught(&self.dir, || slot.append(&self.dir, &self.options, &chosen, ends_only))
        };
        let result = match write(false) {
            Err(e) if e.is_full() && drafts.iter().any(|draft| draft.intent.is_some()) => {
                pending::release_reserve(&self.dir)?;
                // What begins or refuses something can do without; what ends something can't.
                let mut ends = write(true)?.into_iter();
                let full = Arc::new(e);
                Ok(drafts
                    .iter()
                    .map(|draft| match draft.intent.and_then(|_| ends.next()) {
                        Some(written) => written,
                        None => Err(Error::Shared(Arc::clone(&full))),
                    })
                    .collect())
            }
            result => result,
        };
        slot.turns += 1;
        if !more || result.is_err() || slot.turns >= TURNS {
            slot.after(&result);
        }
        result
    }
}

impl Queue {
    /// Hands out what became of a batch.
    fn settle(&mut self, drafts: Vec<(u64, Draft)>, results: Result<Vec<Result<Written>>>) {
        self.led = false;
        match results {
            Ok(results) => {
                self.finished.extend(drafts.into_iter().map(|(ticket, _)| ticket).zip(results));
            }
            Err(e) => {
                if e.poisons() {
                    self.poisoned = Some(e.to_string());
                }
                let e = Arc::new(e);
                let each = drafts
                    .into_iter()
                    .map(|(ticket, _)| (ticket, Err(Error::Shared(Arc::clone(&e)))));
                self.finished.extend(each);
            }
        }
    }
}

impl Slot {
    fn open(&mut self, dir: &Dir, options: &Options) -> Result<&mut Store> {
        let usable = match &mut self.store {
            Some(store) => store.unpark(dir, options.lock_timeout)?,
            None => false,
        };
        if !usable {
            // Its lock goes first, or it would be waited for.
            self.store = None;
            self.store = Some(Store::open(dir, options, self.seen.as_ref())?);
        }
        let Some(store) = &mut self.store else {
            return Err(Error::Poisoned("the log closed itself".into()));
        };
        self.seen = Some((store.tail.size, store.tail.head));
        Ok(store)
    }

    /// Lets others have the log; after a failure nothing that is remembered of it is believed.
    fn after<T>(&mut self, result: &Result<T>) {
        if result.is_err() {
            self.store = None;
        }
        self.close();
    }

    fn close(&mut self) {
        self.turns = 0;
        if self.store.as_mut().is_some_and(|store| !store.park()) {
            self.store = None;
        }
    }

    /// One transaction.
    fn append(
        &mut self,
        dir: &Dir,
        options: &Options,
        drafts: &[Draft],
        spending: bool,
    ) -> Result<Vec<Result<Written>>> {
        if !spending
            && drafts.iter().any(|draft| draft.phase == Phase::Intent)
            && !omg_failpoint::weak!("58")
        {
            pending::reserve(dir, RESERVE)?;
        }
        let store = self.open(dir, options)?;
        let time = (options.clock)();
        let mut batch = Batch::after(&store.tail);
        let next = if rotation_due(store, &time, options.key_lifetime) {
            let next = store.key.next(dir)?;
            omg_failpoint::reach!("audit.rotate.key");
            batch.rotate(&store.key, &next, &time)?;
            Some(next)
        } else {
            None
        };
        let mut results = Vec::with_capacity(drafts.len());
        for draft in drafts {
            results.push(place(&mut batch, dir, draft, &time));
        }
        batch.seal(next.as_ref().unwrap_or(&store.key));
        let written = store.write(batch);
        if let Err(e) = written {
            for seq in results.iter().flatten().filter(|it| it.held.is_some()).map(|it| it.seq) {
                pending::forget(dir, seq)?;
            }
            self.store = None;
            return Err(e);
        }
        if let Some(next) = next {
            omg_failpoint::reach!("audit.rotate.durable");
            Key::promote(dir)?;
            store.key = next;
        }
        self.seen = Some((store.tail.size, store.tail.head));
        Ok(results)
    }
}

/// Gives a draft its place in a batch, an intent only if it is shown that its process lives.
fn place(batch: &mut Batch, dir: &Dir, draft: &Draft, time: &Time) -> Result<Written> {
    let seq = batch.tail.size;
    let held = match draft.phase {
        Phase::Intent => Some(Held::take(dir, seq)?.ok_or_else(|| Error::Locked {
            path: dir.path.clone(),
            holder: "that ends a change of the same number".into(),
        })?),
        _ => None,
    };
    match batch.push(draft, time) {
        Ok(seq) => Ok(Written { seq, held }),
        Err(e) => {
            pending::forget(dir, seq)?;
            Err(e)
        }
    }
}

/// The clock may be set back or forth; both are reason enough.
fn rotation_due(store: &Store, time: &Time, lifetime: Duration) -> bool {
    u128::from(time.wall_ms.abs_diff(store.tail.epoch_since_ms)) >= lifetime.as_millis()
}

/// A panic in the database below must not leave others waiting for ever; it is what damage looks like
/// that its own checks let through.
fn caught<T>(dir: &Dir, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::tampered(&dir.join(super::store::DATABASE), None, "the database is damaged"))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
