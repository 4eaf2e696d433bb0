//! Reads databases in several threads: some unpack, and who has nothing to unpack takes pieces.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::arena::Arena;
use super::piece::{Cutter, Piece};
use super::record::Part;
use crate::archive::{self, Limits};
use crate::error::Error;

/// Threads at most: there are seldom more than three databases of any size.
const MOST_THREADS: usize = 4;

/// What a database has, in the order of its entries.
pub(super) type Database<'a> = Result<Vec<Part<'a>>, Error>;

/// Reads these databases. Answers are in their order.
pub(super) fn databases<'a>(
    arena: &'a Arena,
    paths: &[PathBuf],
) -> Result<Vec<Database<'a>>, Error> {
    let mut order: Vec<usize> = (0..paths.len()).collect();
    // Large ones first, so that no core ends up alone with the largest.
    let sizes: Vec<u64> =
        paths.iter().map(|path| path.metadata().map_or(0, |data| data.len())).collect();
    order.sort_by_key(|at| std::cmp::Reverse(sizes.get(*at).copied()));
    let board = Board { arena, paths, work: Mutex::default(), moved: Condvar::new() };
    board.lock().files = order.into();
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let whole = thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads)
            // With fewer threads it goes on slower.
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, || board.work()).ok())
            .collect();
        board.work();
        helpers.into_iter().all(|helper| helper.join().is_ok())
    });
    if !whole {
        return Err(Error::Worker { context: "reading the sync databases" });
    }
    let work = board.work.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(collect(paths.len(), work))
}

fn collect(count: usize, mut work: Work<'_>) -> Vec<Database<'_>> {
    work.parts.sort_by_key(|(file, number, _)| (*file, *number));
    let mut databases: Vec<Database<'_>> = (0..count).map(|_| Ok(Vec::new())).collect();
    for (file, _, part) in work.parts {
        if let Some(Ok(parts)) = databases.get_mut(file) {
            parts.push(part);
        }
    }
    for (file, error) in work.failed {
        if let Some(database) = databases.get_mut(file) {
            *database = Err(error);
        }
    }
    databases
}

/// What is to be done and what is done.
struct Board<'a, 'p> {
    arena: &'a Arena,
    paths: &'p [PathBuf],
    work: Mutex<Work<'a>>,
    moved: Condvar,
}

#[derive(Default)]
struct Work<'a> {
    /// Numbers of databases that nobody has begun.
    files: VecDeque<usize>,
    /// Threads that unpack, and so may add pieces.
    unpacking: usize,
    /// Database, number within it, piece.
    pieces: VecDeque<(usize, usize, Piece)>,
    parts: Vec<(usize, usize, Part<'a>)>,
    failed: Vec<(usize, Error)>,
}

enum Task {
    Unpack(usize),
    Read(usize, usize, Piece),
}

impl<'a> Board<'a, '_> {
    fn lock(&self) -> MutexGuard<'_, Work<'a>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(task) = self.next() {
            match task {
                Task::Unpack(file) => self.unpack(file),
                Task::Read(file, number, piece) => self.read(file, number, piece),
            }
        }
    }

    /// The next thing to do; waits while others may find some. `None` if all is done.
    fn next(&self) -> Option<Task> {
        let mut work = self.lock();
        loop {
            if let Some(file) = work.files.pop_front() {
                work.unpacking += 1;
                return Some(Task::Unpack(file));
            }
            if let Some((file, number, piece)) = work.pieces.pop_front() {
                return Some(Task::Read(file, number, piece));
            }
            if work.unpacking == 0 {
                return None;
            }
            work = self.moved.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn unpack(&self, file: usize) {
        let _unpacking = Unpacking(self);
        let Some(path) = self.paths.get(file) else { return };
        let mut number = 0;
        let mut cutter = Cutter::new(|piece| {
            self.lock().pieces.push_back((file, number, piece));
            self.moved.notify_one();
            number += 1;
        });
        let result = archive::walk(path, Limits::DATABASE, &mut cutter);
        cutter.finish();
        if let Err(error) = result {
            self.lock().failed.push((file, error));
        }
    }

    fn read(&self, file: usize, number: usize, piece: Piece) {
        let (text, entries) = piece.into_parts();
        let Some(text) = self.arena.keep(text) else {
            let path = self.paths.get(file).cloned().unwrap_or_default();
            let error = Error::TooLarge { path, limit: 1 << 30, unit: "bytes with the others" };
            self.lock().failed.push((file, error));
            return;
        };
        let part = Part::read(text, &entries);
        self.lock().parts.push((file, number, part));
    }
}

/// Counts a thread that unpacks, also when it ends with a panic: nobody waits for it then.
struct Unpacking<'b, 'a, 'p>(&'b Board<'a, 'p>);

impl Drop for Unpacking<'_, '_, '_> {
    fn drop(&mut self) {
        self.0.lock().unpacking -= 1;
        self.0.moved.notify_all();
    }
}
