//! Raw package records: compressed blocks, in memory until the store has them, then read from there.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use omg_cache::Store;
use omg_core::{Fault, Generation};
use omg_index::{RecordBlock, RecordRef, unpack};

use crate::Error;

/// Decompressed blocks kept, of about 64 KiB each. Packages that are looked at together are often
/// neighbours.
const RECENT: usize = 8;

#[derive(Debug)]
pub(crate) struct Records {
    catalogue: Generation,
    store: Store,
    /// `None` once they are in the store.
    held: RwLock<Option<Arc<Vec<Vec<u8>>>>>,
    recent: Mutex<VecDeque<(u32, Arc<RecordBlock>)>>,
    lost: AtomicBool,
}

impl Records {
    /// Blocks that were just built.
    pub(crate) fn held(catalogue: Generation, store: Store, blocks: Arc<Vec<Vec<u8>>>) -> Self {
        Self { held: RwLock::new(Some(blocks)), ..Self::stored(catalogue, store) }
    }

    /// Blocks that the store has.
    pub(crate) fn stored(catalogue: Generation, store: Store) -> Self {
        Self {
            catalogue,
            store,
            held: RwLock::new(None),
            recent: Mutex::new(VecDeque::with_capacity(RECENT)),
            lost: AtomicBool::new(false),
        }
    }

    /// Drops the blocks from memory: the store has them now.
    pub(crate) fn release(&self) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Was a block asked for that the store no longer has? Then the catalogue must be built again.
    pub(crate) fn lost(&self) -> bool {
        self.lost.load(Relaxed)
    }

    /// The block that holds a record.
    pub(crate) fn block(&self, place: RecordRef) -> Result<Arc<RecordBlock>, Fault> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = recent.iter().position(|(number, _)| *number == place.block)
            && let Some(hit) = recent.remove(at)
        {
            let block = hit.1.clone();
            recent.push_front(hit);
            return Ok(block);
        }
        drop(recent);
        let block = Arc::new(self.read(place.block)?);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.truncate(RECENT - 1);
        recent.push_front((place.block, block.clone()));
        Ok(block)
    }

    fn read(&self, number: u32) -> Result<RecordBlock, Fault> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        let packed = match &held {
            Some(blocks) => blocks.get(number as usize).map(|block| unpack(block)),
            None => self.store.block(self.catalogue, number).map(|block| unpack(&block)),
        };
        if let Some(Ok(block)) = packed {
            return Ok(block);
        }
        self.lost.store(true, Relaxed);
        Err(Error::NoRecord { block: number }.into())
    }
}
