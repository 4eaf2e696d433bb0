//! What is told to the client, without ever waiting for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use omg_core::{Fault, Outcome, Progress};
use omg_engine::Answers;
use omg_engine::wire::{Event, event_frame};

use crate::Report;
use crate::signals::Signals;

/// Most events that wait for the client to read them. What comes on top is not told.
const QUEUE: usize = 4096;

/// The client, at the other end of a pipe that it may not read from.
#[derive(Debug)]
pub(crate) struct Client {
    events: SyncSender<Event>,
    gone: Arc<AtomicBool>,
    signals: Signals,
}

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writer(JoinHandle<()>);

impl Client {
    pub(crate) fn new(answers: Answers, signals: Signals) -> std::io::Result<(Self, Writer)> {
        let (events, waiting) = mpsc::sync_channel(QUEUE);
        let gone = Arc::new(AtomicBool::new(false));
        let flag = gone.clone();
        let thread = thread::Builder::new()
            .name("client".to_owned())
            .spawn(move || write(&answers, &waiting, &flag))?;
        Ok((Self { events, gone, signals }, Writer(thread)))
    }

    /// The last word on an order. Waits until there is room for it.
    pub(crate) fn done(&self, result: Result<Outcome, Fault>) {
        // Fails if the thread has ended, which it does with this struct only.
        let _ = self.events.send(Event::Done(result));
    }

    pub(crate) fn gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }
}

impl Report for Client {
    fn progress(&self, progress: Progress) {
        let _ = self.events.try_send(Event::Progress(progress));
    }

    fn cancelled(&self) -> bool {
        self.signals.asked() || self.gone()
    }
}

impl Writer {
    /// Waits until all is written, once the client has been dropped.
    pub(crate) fn finish(self) {
        let _ = self.0.join();
    }
}

fn write(answers: &Answers, waiting: &Receiver<Event>, gone: &AtomicBool) {
    while let Ok(event) = waiting.recv() {
        // Nobody reads: the order goes on, and there is nobody to tell.
        if !gone.load(Ordering::SeqCst) && answers.send(&event_frame(event)).is_err() {
            gone.store(true, Ordering::SeqCst);
        }
    }
}
