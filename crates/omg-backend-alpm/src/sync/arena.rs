//! Text that stays where it is until a catalogue is done.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::archive::LARGEST_WHOLE;

/// Most pieces of text in one arena; with their size of a quarter megabyte, about 1 GiB.
const MOST_PIECES: usize = 4096;
/// Most bytes of all databases that are kept as wholes; others are read in pieces.
const MOST_WHOLE: usize = 4 * LARGEST_WHOLE;

/// Keeps pieces of text, from several threads, so that records can borrow from them while others
/// are still being read.
#[derive(Debug)]
pub(super) struct Arena {
    pieces: Vec<OnceLock<String>>,
    next: AtomicUsize,
    /// By number of the database.
    wholes: Vec<OnceLock<Vec<u8>>>,
    /// Bytes that wholes may still have.
    room: AtomicUsize,
}

impl Arena {
    /// An empty arena for so many databases.
    pub(super) fn new(databases: usize) -> Self {
        let pieces = std::iter::repeat_with(OnceLock::new).take(MOST_PIECES).collect();
        let wholes = std::iter::repeat_with(OnceLock::new).take(databases).collect();
        Self { pieces, next: AtomicUsize::new(0), wholes, room: AtomicUsize::new(MOST_WHOLE) }
    }

    /// Keeps a text; `None` if the arena is full.
    pub(super) fn keep(&self, text: String) -> Option<&str> {
        let slot = self.pieces.get(self.next.fetch_add(1, Ordering::Relaxed))?;
        Some(slot.get_or_init(|| text))
    }

    /// Takes room for a whole database, if there is so much left.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let less = |room: usize| room.checked_sub(bytes);
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Keeps a whole database.
    pub(super) fn keep_whole(&self, database: usize, bytes: Vec<u8>) -> Option<&[u8]> {
        Some(self.wholes.get(database)?.get_or_init(|| bytes))
    }
}
