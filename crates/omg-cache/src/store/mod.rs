//! L2's file: the index image by catalogue generation, the blocks of package records, and answers.
//!
//! Everything in here can be had again from the system, so nothing that goes wrong with the file is
//! the caller's problem: a reader finds nothing, a writer's work is lost, a warning says why.
//! All writing happens on one thread of the store's own; no request waits for an fsync.

mod file;
mod huge;
mod seal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use bytes::Bytes;
use omg_core::{CacheCounts, Generation};

use crate::counts::Counter;
use crate::{Error, Key};
use file::File;
use writer::{Command, NewIndex};

/// Largest answer that goes to disk, bytes.
const ANSWER_LIMIT: usize = 256 * 1024;

/// Answers that may wait for the writer, bytes; more than that are not kept.
const QUEUE_LIMIT: usize = 4 << 20;

/// Bytes that a waiting answer takes beside its own and its key's: its place in the queue, two
/// reference counts and the allocator's part.
const OVERHEAD: usize = 512;

/// A store, shared by cloning. See the module's text for what it promises.
#[derive(Clone, Debug)]
pub struct Store(Arc<Handle>);

/// What [`Store::index`] finds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredIndex {
    /// The image; it carries its own checksum, which whoever opens it checks.
    pub image: Vec<u8>,
    /// Number of record blocks stored with it.
    pub blocks: u32,
}

#[derive(Debug)]
struct Handle {
    shelf: Arc<Shelf>,
    /// Without a bound of its own, so that handing something over never waits: answers are counted
    /// (`Shelf::waiting`), and the rest is rare.
    queue: Mutex<Option<Sender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What readers and the writer share.
#[derive(Debug)]
struct Shelf {
    /// `None` for a store that never had a file.
    path: Option<PathBuf>,
    /// `None` while there is no usable file.
    file: RwLock<Option<Arc<File>>>,
    problem: Mutex<Option<String>>,
    /// Weight of the answers handed over and not written yet, bytes.
    waiting: AtomicUsize,
    hits: Counter,
    misses: Counter,
    evictions: Counter,
    entries: Counter,
    bytes: Counter,
}

// === impl Store ===

impl Store {
    /// Opens or creates the file at `path`, and its directory. A damaged file is moved aside
    /// (`.damaged`) and made anew. If it can't be used at all (read-only, disk full, open in another
    /// process), the store works without one; [`Store::problem`] says why.
    ///
    /// What another build of the running program stored is not found: the same input may rank
    /// differently there.
    pub fn open(path: &Path) -> Self {
        let shelf = Shelf::new(Some(path.to_path_buf()));
        match File::open(path) {
            Ok(file) => shelf.put(file),
            Err(error) => shelf.failed(&error),
        }
        Self::start(shelf)
    }

    /// A store without a file: it keeps nothing, and finds nothing.
    pub fn in_memory() -> Self {
        Self(Arc::new(Handle {
            shelf: Arc::new(Shelf::new(None)),
            queue: Mutex::new(None),
            thread: Mutex::new(None),
        }))
    }

    fn start(shelf: Shelf) -> Self {
        let shelf = Arc::new(shelf);
        let (sender, receiver) = channel();
        let writing = shelf.clone();
        let spawned = std::thread::Builder::new()
            .name("omg-store".into())
            .spawn(move || writer::run(&writing, &receiver));
        let (queue, thread) = match spawned {
            Ok(thread) => (Some(sender), Some(thread)),
            Err(error) => {
                tracing::warn!(%error, "no thread for the store; nothing is kept on disk");
                (None, None)
            }
        };
        Self(Arc::new(Handle { shelf, queue: Mutex::new(queue), thread: Mutex::new(thread) }))
    }

    /// Is there a file that things are kept in?
    pub fn persistent(&self) -> bool {
        self.0.shelf.file().is_some()
    }

    /// May an index that is handed over end up in a file? Also true where the file failed before: a
    /// new index is reason to try it again.
    pub fn can_keep(&self) -> bool {
        self.0.shelf.path.is_some() && lock(&self.0.queue).is_some()
    }

    /// Why there is none, or what was wrong with it.
    pub fn problem(&self) -> Option<String> {
        lock(&self.0.shelf.problem).clone()
    }

    /// The index stored for this catalogue.
    pub fn index(&self, catalogue: Generation) -> Option<StoredIndex> {
        self.0.shelf.read(|file| file.index(catalogue))
    }

    /// One block of records stored for this catalogue.
    pub fn block(&self, catalogue: Generation, number: u32) -> Option<Vec<u8>> {
        self.0.shelf.read(|file| file.block(catalogue, number))
    }

    /// Stores the index of a catalogue in place of any other, in the background; never waits. `done` hears on the
    /// writer's thread whether it can be read back from now on.
    pub fn keep_index(
        &self,
        catalogue: Generation,
        image: Vec<u8>,
        blocks: Arc<Vec<Vec<u8>>>,
        done: impl FnOnce(bool) + Send + 'static,
    ) {
        let index = Box::new(NewIndex { catalogue, image, blocks, done: Box::new(done) });
        if let Err(Command::Index(index)) = self.send(Command::Index(index)) {
            (index.done)(false);
        }
    }

    /// Drops the stored index: what it held does not fit its checksum.
    pub fn distrust_index(&self, what: &str) {
        self.0.shelf.warn(format!("the stored index was damaged ({what}); it is built again"));
        let _ = self.send(Command::DropIndex);
    }

    /// An answer kept before.
    pub fn answer(&self, key: &Key) -> Option<Bytes> {
        let shelf = &self.0.shelf;
        let found = shelf.read(|file| file.answer(key));
        if found.is_some() { &shelf.hits } else { &shelf.misses }.add(1);
        found
    }

    /// Keeps an answer, sooner or later; never waits.
    pub fn keep_answer(&self, key: &Key, answer: &Bytes) {
        if answer.len() > ANSWER_LIMIT || !self.persistent() {
            return;
        }
        let (weight, waiting) = (weight(key, answer), &self.0.shelf.waiting);
        let room = |waiting: usize| Some(waiting + weight).filter(|&all| all <= QUEUE_LIMIT);
        if waiting.fetch_update(Relaxed, Relaxed, room).is_err() {
            // The disk is slower than the questions. The answer is not lost, only computed again.
            return;
        }
        if self.send(Command::Answer(key.detached(), answer.clone())).is_err() {
            waiting.fetch_sub(weight, Relaxed);
        }
    }

    /// Hits, misses and size of the answers.
    pub fn counts(&self) -> CacheCounts {
        let shelf = &self.0.shelf;
        CacheCounts {
            hits: shelf.hits.get(),
            misses: shelf.misses.get(),
            evictions: shelf.evictions.get(),
            entries: shelf.entries.get(),
            bytes: shelf.bytes.get(),
        }
    }

    /// Waits until everything handed over so far is on disk. Blocks the thread.
    pub fn flush(&self) {
        let (sender, receiver) = sync_channel(1);
        if self.send(Command::Flush(sender)).is_ok() {
            let _ = receiver.recv();
        }
    }

    /// Flushes and closes the file; nothing is found or kept from now on. Blocks the thread.
    pub fn close(&self) {
        self.0.close();
    }

    /// Never waits.
    fn send(&self, command: Command) -> Result<(), Command> {
        match &*lock(&self.0.queue) {
            Some(queue) => queue.send(command).map_err(|error| error.0),
            None => Err(command),
        }
    }
}

// === impl Handle ===

impl Handle {
    fn close(&self) {
        drop(lock(&self.queue).take());
        if let Some(thread) = lock(&self.thread).take() {
            // A writer that panicked outside of its guards has nothing left to write.
            let _ = thread.join();
        }
        self.shelf.take();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

// === impl Shelf ===

impl Shelf {
    fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            file: RwLock::new(None),
            problem: Mutex::new(None),
            waiting: AtomicUsize::new(0),
            hits: Counter::default(),
            misses: Counter::default(),
            evictions: Counter::default(),
            entries: Counter::default(),
            bytes: Counter::default(),
        }
    }

    fn file(&self) -> Option<Arc<File>> {
        self.file.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, file: File) {
        if let Some(repaired) = &file.repaired {
            self.warn(repaired.clone());
        }
        self.entries.set(file.answers.0);
        self.bytes.set(file.answers.1);
        *self.file.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(file));
    }

    /// Closes the file.
    fn take(&self) {
        let file = self.file.write().unwrap_or_else(PoisonError::into_inner).take();
        file::drop_guarded(file);
    }

    fn read<T>(&self, find: impl FnOnce(&File) -> Result<Option<T>, Error>) -> Option<T> {
        let file = self.file()?;
        let found = find(&file);
        // If the store was closed meanwhile, this is the last one to hold the file.
        file::drop_guarded(Some(file));
        match found {
            Ok(found) => found,
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    /// Notes what went wrong and stops using the file; a damaged one is moved aside.
    fn failed(&self, error: &Error) {
        self.warn(error.to_string());
        self.take();
        if let (Error::Damaged { .. }, Some(path)) = (error, &self.path) {
            let _ = file::move_aside(path);
        }
    }

    fn warn(&self, text: String) {
        tracing::warn!(problem = %text, "the store on disk has a problem; queries go on");
        *lock(&self.problem) = Some(text);
    }
}

/// What an answer adds to `Shelf::waiting`.
fn weight(key: &Key, answer: &Bytes) -> usize {
    key.request.len() + answer.len() + OVERHEAD
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing in here panics while it holds one; a poisoned value is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
