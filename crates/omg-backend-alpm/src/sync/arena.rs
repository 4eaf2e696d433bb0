//! Text that stays where it is until a catalogue is done.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most pieces of text in one arena; with their size of a quarter megabyte, about 1 GiB.
const MOST_PIECES: usize = 4096;

/// Keeps pieces of text, from several threads, so that records can borrow from them while others
/// are still being read.
#[derive(Debug)]
pub(super) struct Arena {
    pieces: Vec<OnceLock<String>>,
    next: AtomicUsize,
}

impl Arena {
    /// An empty arena.
    pub(super) fn new() -> Self {
        let pieces = std::iter::repeat_with(OnceLock::new).take(MOST_PIECES).collect();
        Self { pieces, next: AtomicUsize::new(0) }
    }

    /// Keeps a text; `None` if the arena is full.
    pub(super) fn keep(&self, text: String) -> Option<&str> {
        let slot = self.pieces.get(self.next.fetch_add(1, Ordering::Relaxed))?;
        Some(slot.get_or_init(|| text))
    }
}
