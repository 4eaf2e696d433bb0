//! The store's one writing thread.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use bytes::Bytes;
use omg_core::Generation;

use super::file::File;
use super::{Shelf, lock, weight};
use crate::{Error, Key};

/// Answers are collected this long before they are written together.
const GATHER: Duration = Duration::from_secs(1);

/// Or until they are this many bytes.
const GATHER_BYTES: usize = 1 << 20;

pub(super) enum Command {
    Answer(Key, Bytes),
    Index(Box<NewIndex>),
    DropIndex,
    Flush(SyncSender<()>),
}

pub(super) struct NewIndex {
    pub(super) catalogue: Generation,
    pub(super) image: Vec<u8>,
    pub(super) blocks: Arc<Vec<Vec<u8>>>,
    pub(super) done: Box<dyn FnOnce(bool) + Send>,
}

#[derive(Default)]
struct Batch {
    answers: Vec<(Key, Bytes)>,
    bytes: usize,
    due: Option<Instant>,
}

/// Runs until the last sender is gone.
pub(super) fn run(shelf: &Shelf, commands: &Receiver<Command>) {
    let mut batch = Batch::default();
    loop {
        let next = match batch.due {
            None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => commands.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match next {
            Ok(Command::Answer(key, answer)) => {
                batch.bytes += answer.len();
                batch.answers.push((key, answer));
                batch.due.get_or_insert_with(|| Instant::now() + GATHER);
                if batch.bytes >= GATHER_BYTES {
                    batch.write(shelf);
                }
            }
            Ok(Command::Index(index)) => {
                batch.write(shelf);
                index.write(shelf);
            }
            Ok(Command::DropIndex) => {
                attempt(shelf, File::drop_index);
            }
            Ok(Command::Flush(done)) => {
                batch.write(shelf);
                let _ = done.send(());
            }
            Err(RecvTimeoutError::Timeout) => batch.write(shelf),
            Err(RecvTimeoutError::Disconnected) => {
                batch.write(shelf);
                return;
            }
        }
    }
}

impl Batch {
    fn write(&mut self, shelf: &Shelf) {
        let batch = std::mem::take(self);
        if batch.answers.is_empty() {
            return;
        }
        if let Some((entries, bytes, dropped)) =
            attempt(shelf, |file| file.put_answers(&batch.answers))
        {
            shelf.entries.set(entries);
            shelf.bytes.set(bytes);
            shelf.evictions.add(dropped);
        }
        let weight = batch.answers.iter().map(|(key, answer)| weight(key, answer)).sum();
        shelf.waiting.fetch_sub(weight, Relaxed);
    }
}

impl NewIndex {
    fn write(self, shelf: &Shelf) {
        // A new index is reason enough to try a file again that failed before: room may have been
        // made, another process may have ended, a damaged file was moved aside.
        if let (None, Some(path)) = (shelf.file(), &shelf.path) {
            match File::open(path) {
                Ok(file) => {
                    shelf.put(file);
                    *lock(&shelf.problem) = None;
                }
                Err(error) => tracing::debug!(%error, "still no store on disk"),
            }
        }
        let stored =
            attempt(shelf, |file| file.put_index(self.catalogue, &self.image, &self.blocks))
                .is_some();
        drop(self.image);
        (self.done)(stored);
    }
}

fn attempt<T>(shelf: &Shelf, write: impl FnOnce(&File) -> Result<T, Error>) -> Option<T> {
    let file = shelf.file()?;
    match write(&file) {
        Ok(value) => Some(value),
        Err(error) => {
            drop(file);
            shelf.failed(&error);
            None
        }
    }
}
