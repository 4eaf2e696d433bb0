//! Threads that plan.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::stdio::{Answers, die};
use super::worker::Worker;
use crate::wire::{self, Ask};
use crate::{Error, Planner};

/// Most plans that wait for a thread.
pub(super) const QUEUE: usize = 64;

/// Threads with a planner each, and the asks that wait for one of them.
pub(super) struct Pool {
    asks: SyncSender<Ask>,
    /// Closed once the last thread has ended.
    ended: Receiver<()>,
}

impl Pool {
    pub(super) fn start<P: Planner + 'static>(
        root: &Path,
        workers: usize,
        answers: &Answers,
    ) -> Result<Self, Error> {
        let (asks, waiting) = mpsc::sync_channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        let (alive, ended) = mpsc::channel();
        for number in 0..workers.max(1) {
            let root = root.to_owned();
            let (waiting, answers, alive) = (waiting.clone(), answers.clone(), alive.clone());
            // A native library may recurse deeply over dependencies.
            let thread = thread::Builder::new()
                .name(format!("plan-{number}"))
                .stack_size(8 * 1024 * 1024)
                .spawn(move || work::<P>(root, &waiting, &answers, &alive));
            thread.map_err(|source| Error::Pipe { context: "starting a thread", source })?;
        }
        Ok(Self { asks, ended })
    }

    /// Queues an ask, or gives it back if too many wait.
    pub(super) fn give(&self, ask: Ask) -> Result<(), Ask> {
        self.asks.try_send(ask).map_err(|error| match error {
            TrySendError::Full(ask) | TrySendError::Disconnected(ask) => ask,
        })
    }

    /// Lets the threads finish what they are at and drop their planners. Did all of them within `grace`?
    pub(super) fn end(self, grace: Duration) -> bool {
        drop(self.asks);
        self.ended.recv_timeout(grace) == Err(RecvTimeoutError::Disconnected)
    }
}

fn work<P: Planner>(
    root: PathBuf,
    waiting: &Mutex<Receiver<Ask>>,
    answers: &Answers,
    _alive: &Sender<()>,
) {
    let mut worker = Worker::<P>::new(root);
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Ask { id, state, change }) = next else { return };
        let answer = worker.plan(state, &change);
        if answers.send(&wire::answer_frame(id, answer)).is_err() {
            // The daemon is gone, and other threads may be in the middle of a plan.
            die();
        }
        worker.settle();
    }
}
