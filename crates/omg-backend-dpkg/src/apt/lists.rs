//! Lists that belong to the sources, decompressed and cut into records with every core.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use super::arena::{self, Arena};
use super::compression::{self, Border, Piece};
use crate::deb822;
use crate::error::Error;

/// A list that is in the lists directory.
#[derive(Debug)]
pub(crate) struct ListFile {
    /// The file, with its compression suffix.
    pub(crate) path: PathBuf,
    /// Bytes on disk.
    pub(crate) size: u64,
}

/// Finds a list under the name that apt would take: plain first, then each compression.
pub(crate) fn find(lists: &Path, stem: &str) -> Option<ListFile> {
    compression::SUFFIXES.iter().find_map(|suffix| {
        let path = lists.join(format!("{stem}{suffix}"));
        let data = std::fs::metadata(&path).ok()?;
        data.is_file().then_some(ListFile { size: data.len(), path })
    })
}

/// Threads that are worth starting.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// A piece of a list, and what was made of it.
#[derive(Debug)]
pub(crate) struct Scanned<'a, T> {
    pub(crate) text: &'a str,
    pub(crate) made: T,
    place: Place,
}

/// Which piece: file, how often it was begun anew, number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: usize,
    attempt: u32,
    number: u32,
}

/// Where pieces that are unpacked wait.
type Waiting = Arc<Mutex<mpsc::Receiver<(Place, Vec<u8>)>>>;

/// How reading a file ended: with which attempt, or why not.
type Ending = Result<u32, Error>;

/// Reads files, several at a time, and makes something of each piece while the next ones are
/// unpacked. Gives the pieces of each file in order; a file that can't be read to its end gives an
/// error in its place and nothing else.
pub(crate) fn scan<'a, T: Send>(
    arena: &'a Arena,
    files: &[&Path],
    make: impl Fn(&'a str, usize) -> T + Sync,
) -> Vec<Result<Vec<Scanned<'a, T>>, Error>> {
    let endings: Vec<Mutex<Option<Ending>>> = files.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    let (make, all_made, endings_seen) = (&make, &all, &endings);
    let work = |receiver: Waiting| {
        loop {
            let news = lock(&receiver).recv();
            let Ok((place, bytes)) = news else { return };
            let Some(text) = arena.keep(deb822::clean(bytes)) else {
                if let (Some(ending), Some(path)) =
                    (endings_seen.get(place.file), files.get(place.file))
                {
                    let path = path.to_path_buf();
                    *lock(ending) = Some(Err(Error::TooLarge { path, limit: arena::LIMIT }));
                }
                continue;
            };
            let scanned = Scanned { text, made: make(text, place.file), place };
            lock(all_made).push(scanned);
        }
    };
    thread::scope(|scope| {
        // A few pieces of slack between those who unpack and those who scan. The receiver goes
        // with the last of the latter, whatever ends them, so nobody waits for nobody.
        let (sender, receiver) = mpsc::sync_channel(8);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..cores().min(files.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || unpack(files, next, endings_seen, &sender));
        }
        drop(sender);
        for _ in 1..cores() {
            let receiver = receiver.clone();
            scope.spawn(move || work(receiver));
        }
        work(receiver);
    });
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    in_order(files, endings, all)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one file after another and sends its pieces.
fn unpack(
    files: &[&Path],
    next: &AtomicUsize,
    endings: &[Mutex<Option<Ending>>],
    sender: &mpsc::SyncSender<(Place, Vec<u8>)>,
) {
    loop {
        let file = next.fetch_add(1, Ordering::Relaxed);
        let (Some(path), Some(ending)) = (files.get(file), endings.get(file)) else { return };
        let mut place = Place { file, attempt: 0, number: 0 };
        let result = compression::read(path, Border::EmptyLine, |piece| match piece {
            Piece::Again => {
                place = Place { file, attempt: place.attempt + 1, number: 0 };
                true
            }
            Piece::Text(bytes) => {
                let sent = sender.send((place, bytes)).is_ok();
                place.number += 1;
                sent
            }
        });
        let result = result.map(|()| place.attempt);
        let mut ending = lock(ending);
        // Those who scan may have found it too large already.
        if ending.is_none() {
            *ending = Some(result);
        }
    }
}

fn in_order<'a, T>(
    files: &[&Path],
    endings: Vec<Mutex<Option<Ending>>>,
    mut all: Vec<Scanned<'a, T>>,
) -> Vec<Result<Vec<Scanned<'a, T>>, Error>> {
    all.sort_by_key(|scanned| scanned.place);
    let mut all = all.into_iter().peekable();
    let mut results = Vec::with_capacity(files.len());
    for (file, ending) in endings.into_iter().enumerate() {
        let ending = ending.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut pieces = Vec::new();
        while let Some(piece) = all.next_if(|piece| piece.place.file == file) {
            pieces.push(piece);
        }
        results.push(match ending {
            Some(Ok(attempt)) => {
                pieces.retain(|piece| piece.place.attempt == attempt);
                Ok(pieces)
            }
            Some(Err(error)) => Err(error),
            None => Err(Error::Worker { context: "unpacking the lists" }),
        });
    }
    results
}
