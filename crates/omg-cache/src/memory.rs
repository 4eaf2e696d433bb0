//! L1: answers in memory.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::notification::RemovalCause;
use moka::sync::Cache;
use omg_core::{CacheCounts, Code, Fault};
use tower::{Layer, Service};

use crate::counts::Counter;
use crate::{Answer, Answers, Cacheable, Keep, Key};

/// Bytes that an entry takes beside its own: moka's entry, two deque nodes and its timer, the
/// reference counts of key and answer.
const OVERHEAD: usize = 512;

/// Largest fault that is kept, bytes of its texts.
const FAULT_LIMIT: usize = 1024;

/// Layer: keeps answers in memory, weighed by bytes, each for its own time (TinyLFU).
///
/// That nothing was found ([`Code::NotFound`]) is an answer, too, and depends on the generation as
/// any other does. All other faults may be gone the next time.
#[derive(Clone)]
pub struct Memory {
    cache: Cache<Key, Kept, ahash::RandomState>,
    tally: Arc<Tally>,
    largest: usize,
}

#[derive(Clone)]
struct Kept {
    answer: Result<Bytes, Arc<Fault>>,
    time: Duration,
}

#[derive(Debug, Default)]
struct Tally {
    hits: Counter,
    misses: Counter,
    evictions: Counter,
}

struct OwnTime;

// === impl Memory ===

impl Memory {
    /// A tier of at most `capacity` bytes. An answer over half of that is not kept, so that one
    /// long list does not push out everything else.
    pub fn new(capacity: u64) -> Self {
        let tally = Arc::new(Tally::default());
        let evicted = tally.clone();
        let cache = Cache::builder()
            .max_capacity(capacity)
            .weigher(|key: &Key, kept: &Kept| {
                u32::try_from(key.request.len() + size(&kept.answer) + OVERHEAD).unwrap_or(u32::MAX)
            })
            .expire_after(OwnTime)
            .eviction_listener(move |_, _, cause| {
                if matches!(cause, RemovalCause::Size | RemovalCause::Expired) {
                    evicted.evictions.add(1);
                }
            })
            .build_with_hasher(ahash::RandomState::new());
        Self { cache, tally, largest: usize::try_from(capacity / 2).unwrap_or(usize::MAX) }
    }

    /// Forgets everything: after a change of generation nothing in here is asked for again.
    pub fn clear(&self) {
        self.cache.invalidate_all();
    }

    /// What happened so far, and how full it is.
    pub fn counts(&self) -> CacheCounts {
        self.cache.run_pending_tasks();
        CacheCounts {
            hits: self.tally.hits.get(),
            misses: self.tally.misses.get(),
            evictions: self.tally.evictions.get(),
            entries: self.cache.entry_count(),
            bytes: self.cache.weighted_size(),
        }
    }

    fn get(&self, key: &Key) -> Option<Result<Bytes, Fault>> {
        let kept = self.cache.get(key)?;
        Some(kept.answer.map_err(|fault| Fault::clone(&fault)))
    }

    fn put(&self, key: &Key, keep: Keep, answer: &Result<Bytes, Fault>) {
        let limit = match answer {
            Ok(_) => self.largest,
            Err(fault) if fault.code == Code::NotFound => FAULT_LIMIT,
            Err(_) => return,
        };
        let answer = answer.clone().map_err(Arc::new);
        if size(&answer) <= limit {
            self.cache.insert(key.detached(), Kept { answer, time: keep.memory });
        }
    }
}

/// Bytes that an answer takes, beside the overhead of each.
fn size(answer: &Result<Bytes, Arc<Fault>>) -> usize {
    match answer {
        Ok(bytes) => bytes.len(),
        Err(fault) => {
            let lists = fault.cause.iter().chain(&fault.suggestions);
            let texts = lists.chain(&fault.hint).chain([&fault.message]);
            texts.map(|text| text.len() + size_of::<String>()).sum()
        }
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("tally", &self.tally)
            .field("largest", &self.largest)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for Memory {
    type Service = InMemory<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InMemory { inner, memory: self.clone() }
    }
}

impl moka::Expiry<Key, Kept> for OwnTime {
    fn expire_after_create(&self, _: &Key, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.time)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.time)
    }
}

/// Service of [`Memory`].
#[derive(Clone, Debug)]
pub struct InMemory<S> {
    inner: S,
    memory: Memory,
}

// === impl InMemory ===

impl<R: Cacheable + Send + 'static, S: Answers<R>> Service<R> for InMemory<S> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Answer {
        let keep = request.keep();
        let Some(key) = request.key().filter(|_| !keep.memory.is_zero()) else {
            return self.inner.call(request);
        };
        if let Some(answer) = self.memory.get(&key) {
            self.memory.tally.hits.add(1);
            return Answer::ready(answer);
        }
        self.memory.tally.misses.add(1);
        let memory = self.memory.clone();
        let mut inner = self.inner.clone();
        Answer::later(async move {
            // An equal request may have ended between the look above and now.
            if let Some(answer) = memory.get(&key) {
                return answer;
            }
            let answer = inner.call(request).await;
            memory.put(&key, keep, &answer);
            answer
        })
    }
}
