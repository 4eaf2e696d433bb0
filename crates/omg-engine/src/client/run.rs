//! One engine process, as those see it who ask it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use omg_core::{Change, Fault, Generation, Plan};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::Error;
use crate::wire::Ask;

/// Why a process answers no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// It ended by itself, or had to be ended for what it said: `signal 11`.
    Died(String),
    /// [`super::Engine::stop`].
    Stopped,
    /// Ended because a plan took too long.
    Overdue,
    /// Nobody had asked it for long.
    Idle,
}

/// What is to be done with the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Nothing; it runs.
    Run,
    /// Close its input, so that it ends.
    Stop,
    /// End it at once.
    Kill,
}

type Answer = Result<Plan, Fault>;
type Waiting = HashMap<u64, oneshot::Sender<Result<Answer, End>>>;

/// A process that can be asked. Dropping the last one stops it.
pub(super) struct Run {
    pub(super) pid: u32,
    pub(super) asks: mpsc::Sender<Vec<u8>>,
    pub(super) orders: watch::Sender<Order>,
    pub(super) shared: Arc<Shared>,
    pub(super) next: AtomicU64,
}

/// What those who ask share with the task that looks after the process.
pub(super) struct Shared(Mutex<State>);

struct State {
    /// None once it answers no more.
    open: Option<Waiting>,
    /// When it was last asked or last answered.
    active: Instant,
}

impl Run {
    pub(super) fn is_open(&self) -> bool {
        self.shared.state().open.is_some()
    }

    /// Asks, and waits for the answer or the end of the process.
    pub(super) async fn ask(
        &self,
        state: Generation,
        change: &Change,
    ) -> Result<Result<Answer, End>, Error> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let frame = Ask::frame(id, state, change)?;
        let Some(mut pending) = self.shared.wait_for(id) else { return Ok(Err(End::Idle)) };
        // It fails if the process has ended, and then the end is told below.
        let _ = self.asks.send(frame).await;
        let ended = || Err(End::Died("nobody looks after it any more".to_owned()));
        Ok((&mut pending.answer).await.unwrap_or_else(|_| ended()))
    }

    /// Ends the process at once. Whoever waits for it is told `end`.
    pub(super) fn kill(&self, end: &End) {
        self.shared.close(end);
        self.orders.send_replace(Order::Kill);
    }

    /// Ends the process and waits for its end.
    pub(super) async fn stop(&self) {
        self.shared.close(&End::Stopped);
        self.orders.send_if_modified(|order| {
            let runs = *order == Order::Run;
            if runs {
                *order = Order::Stop;
            }
            runs
        });
        // The task lets go of the other end when it has seen the process end.
        self.asks.closed().await;
    }
}

impl Shared {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { open: Some(HashMap::new()), active: Instant::now() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, id: u64) -> Option<Pending<'_>> {
        let (sender, answer) = oneshot::channel();
        let mut state = self.state();
        state.active = Instant::now();
        state.open.as_mut()?.insert(id, sender);
        Some(Pending { shared: self, id, answer })
    }

    /// Passes an answer on; nobody may be waiting for it any more.
    pub(super) fn answered(&self, id: u64, answer: Answer) {
        let mut state = self.state();
        state.active = Instant::now();
        let waiting = state.open.as_mut().and_then(|waiting| waiting.remove(&id));
        drop(state);
        if let Some(sender) = waiting {
            // The one who waited may have gone in this moment.
            let _ = sender.send(Ok(answer));
        }
    }

    /// Tells everybody who waits; nobody can ask any more. What is told first counts.
    pub(super) fn close(&self, end: &End) {
        let waiting = self.state().open.take();
        for (_, sender) in waiting.into_iter().flatten() {
            let _ = sender.send(Err(end.clone()));
        }
    }

    /// Closes if nobody waits and nothing has been asked or answered since `limit` before now; else
    /// gives back when to look again.
    pub(super) fn close_if_idle(&self, limit: std::time::Duration) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state();
        let until = match &state.open {
            Some(waiting) if waiting.is_empty() => state.active + limit,
            Some(_) => now + limit,
            None => return None,
        };
        if until <= now {
            state.open = None;
            return None;
        }
        Some(until)
    }
}

/// A place among those who wait; given up when it is dropped.
struct Pending<'a> {
    shared: &'a Shared,
    id: u64,
    answer: oneshot::Receiver<Result<Answer, End>>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = &mut self.shared.state().open {
            waiting.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_no_more_takes_no_room() {
        let shared = Shared::new();
        let pending = shared.wait_for(1);
        assert_eq!(shared.state().open.as_ref().map(HashMap::len), Some(1));
        drop(pending);
        assert_eq!(shared.state().open.as_ref().map(HashMap::len), Some(0));
        shared.answered(1, Ok(Plan::default()));
    }

    #[test]
    fn nobody_can_wait_after_the_end() {
        let shared = Shared::new();
        let mut pending = shared.wait_for(1).unwrap();
        shared.close(&End::Stopped);
        shared.close(&End::Overdue);
        assert_eq!(pending.answer.try_recv(), Ok(Err(End::Stopped)));
        assert!(shared.wait_for(2).is_none());
    }

    #[test]
    fn it_is_idle_only_when_nobody_waits() {
        let shared = Shared::new();
        let pending = shared.wait_for(1);
        assert!(shared.close_if_idle(std::time::Duration::from_nanos(1)).is_some());
        drop(pending);
        assert_eq!(shared.close_if_idle(std::time::Duration::ZERO), None);
        assert!(shared.wait_for(2).is_none());
    }
}
