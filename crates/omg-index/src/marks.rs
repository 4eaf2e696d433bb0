//! Sets of rows, a bit for each.

use crate::RowId;

/// A set of rows: those that are installed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    bits: Vec<u64>,
}

impl Marks {
    /// An empty set for `len` rows.
    pub fn new(len: usize) -> Self {
        Self { bits: vec![0; len.div_ceil(64)] }
    }

    /// Adds a row. A row beyond the length given to [`new`](Self::new) is left out.
    pub fn set(&mut self, row: RowId) {
        if let Some(word) = self.bits.get_mut(row.0 as usize / 64) {
            *word |= 1 << (row.0 % 64);
        }
    }

    /// Is the row in the set?
    pub fn get(&self, row: RowId) -> bool {
        self.bits.get(row.0 as usize / 64).is_some_and(|word| word >> (row.0 % 64) & 1 == 1)
    }

    /// Rows in the set.
    pub fn count(&self) -> usize {
        self.bits.iter().map(|word| word.count_ones() as usize).sum()
    }
}
