//! Equal requests under way share one execution.

use std::future::{Future as _, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use ahash::AHashMap;
use bytes::Bytes;
use omg_core::{Code, Fault};
use tower::{Layer, Service};

use crate::counts::Counter;
use crate::{Answer, Answers, Cacheable, Key};

/// Layer: the first of several equal requests runs, the others wait for its answer.
///
/// Whoever waits can be dropped at any time, the first one too: the computation belongs to all of
/// them, and the next in line goes on polling it. When the last one is dropped, so is the
/// computation. A fault or a panic goes to all.
#[derive(Clone, Debug, Default)]
pub struct Coalesce {
    flights: Arc<Flights>,
}

impl Coalesce {
    /// A layer with nothing under way.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests so far that waited for an equal one.
    pub fn joined(&self) -> u64 {
        self.flights.joined.get()
    }

    /// Distinct requests under way.
    pub fn under_way(&self) -> usize {
        self.flights.lock().len()
    }
}

impl<S> Layer<S> for Coalesce {
    type Service = Coalescing<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Coalescing { inner, flights: self.flights.clone() }
    }
}

/// Service of [`Coalesce`].
#[derive(Clone, Debug)]
pub struct Coalescing<S> {
    inner: S,
    flights: Arc<Flights>,
}

#[derive(Debug, Default)]
struct Flights {
    map: Mutex<AHashMap<Key, Entry>>,
    joined: Counter,
}

#[derive(Debug)]
struct Entry {
    flight: Arc<Flight>,
    waiters: usize,
}

/// The lock is held by the one waiter that polls; it passes on when that one is dropped.
type Flight = tokio::sync::Mutex<State>;

#[derive(Debug)]
enum State {
    Running(Answer),
    Done(Result<Bytes, Fault>),
}

/// One waiter's place. Dropping it leaves the flight.
struct Seat {
    flights: Arc<Flights>,
    key: Key,
    flight: Arc<Flight>,
}

// === impl Coalescing ===

impl<R: Cacheable, S: Answers<R>> Service<R> for Coalescing<S> {
    type Response = Bytes;
    type Error = Fault;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Answer {
        let key = request.key();
        match (key, self.inner.call(request)) {
            // What the tier below has at hand needs no sharing.
            (_, ready @ Answer::Ready(_)) => ready,
            (None, later) => later,
            (Some(key), later) => Answer::later(Flights::board(&self.flights, key, later).wait()),
        }
    }
}

// === impl Flights ===

impl Flights {
    fn lock(&self) -> MutexGuard<'_, AHashMap<Key, Entry>> {
        // Nothing panics while it is held; a poisoned map is still a good map.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the flight of this key, or starts one with `answer`.
    fn board(this: &Arc<Self>, key: Key, answer: Answer) -> Seat {
        let mut map = this.lock();
        let flight = if let Some(entry) = map.get_mut(&key) {
            entry.waiters += 1;
            this.joined.add(1);
            entry.flight.clone()
        } else {
            let flight = Arc::new(Flight::new(State::Running(answer)));
            map.insert(key.clone(), Entry { flight: flight.clone(), waiters: 1 });
            flight
        };
        drop(map);
        Seat { flights: this.clone(), key, flight }
    }

    /// Takes the flight off the board, so that a later request starts anew.
    fn land(&self, key: &Key, flight: &Arc<Flight>) {
        let mut map = self.lock();
        if map.get(key).is_some_and(|entry| Arc::ptr_eq(&entry.flight, flight)) {
            map.remove(key);
        }
    }
}

// === impl Seat ===

impl Seat {
    async fn wait(self) -> Result<Bytes, Fault> {
        let mut state = self.flight.lock().await;
        let result = match &mut *state {
            State::Done(result) => return result.clone(),
            State::Running(answer) => unpanicked(answer).await,
        };
        *state = State::Done(result.clone());
        drop(state);
        self.flights.land(&self.key, &self.flight);
        result
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut map = self.flights.lock();
        let Some(entry) = map.get_mut(&self.key) else { return };
        if !Arc::ptr_eq(&entry.flight, &self.flight) {
            return;
        }
        entry.waiters -= 1;
        if entry.waiters == 0 {
            map.remove(&self.key);
        }
    }
}

/// Polls `answer`; a panic becomes a fault, since a future that panicked can't be polled by the next.
async fn unpanicked(answer: &mut Answer) -> Result<Bytes, Fault> {
    poll_fn(|context| {
        // The future is never polled again after a panic, so nobody sees its broken state.
        catch_unwind(AssertUnwindSafe(|| Pin::new(&mut *answer).poll(context))).unwrap_or_else(
            |_| Poll::Ready(Err(Fault::new(Code::Internal, "the request panicked"))),
        )
    })
    .await
}
