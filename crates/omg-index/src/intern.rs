//! Gives equal strings one number, in order of first appearance.

/// Strings in one arena and an open-addressing table over them.
pub(crate) struct Interner {
    text: String,
    ends: Vec<u32>,
    /// Power-of-two sized, at most half full.
    table: Vec<Slot>,
    hasher: ahash::RandomState,
}

/// A string's number and part of its hash, so that few strings are compared in vain.
#[derive(Clone, Copy)]
struct Slot {
    id: u32,
    hash: u32,
}

const EMPTY: Slot = Slot { id: u32::MAX, hash: 0 };

impl Interner {
    pub(crate) fn with_capacity(strings: usize) -> Self {
        Self {
            text: String::with_capacity(strings * 16),
            ends: Vec::with_capacity(strings),
            table: vec![EMPTY; (strings * 2).next_power_of_two().max(64)],
            // Fixed seeds: numbers never depend on them, but run time should not vary either.
            hasher: ahash::RandomState::with_seeds(1, 2, 3, 4),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all strings.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn get(&self, id: u32) -> &str {
        let id = id as usize;
        let end = self.ends.get(id).map_or(0, |&end| end as usize);
        let start = id
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |&end| end as usize);
        self.text.get(start..end).unwrap_or("")
    }

    /// The number of a string that was interned.
    pub(crate) fn find(&self, string: &str) -> Option<u32> {
        let (place, _) = self.locate(string);
        self.table.get(place).map(|slot| slot.id).filter(|&id| id != EMPTY.id)
    }

    pub(crate) fn intern(&mut self, string: &str) -> u32 {
        if self.ends.len() * 2 >= self.table.len() {
            self.grow();
        }
        let (place, hash) = self.locate(string);
        match self.table.get(place) {
            Some(slot) if slot.id != EMPTY.id => slot.id,
            _ => {
                let id = self.ends.len() as u32;
                self.text.push_str(string);
                self.ends.push(self.text.len() as u32);
                if let Some(slot) = self.table.get_mut(place) {
                    *slot = Slot { id, hash };
                }
                id
            }
        }
    }

    /// The slot that holds `string`, or the empty one where it belongs. The table is never full, so
    /// the walk ends.
    fn locate(&self, string: &str) -> (usize, u32) {
        let mask = self.table.len() - 1;
        let hash = self.hasher.hash_one(string) as u32;
        let mut place = hash as usize & mask;
        loop {
            match self.table.get(place) {
                Some(slot)
                    if slot.id != EMPTY.id
                        && (slot.hash != hash || self.get(slot.id) != string) =>
                {
                    place = (place + 1) & mask;
                }
                _ => return (place, hash),
            }
        }
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        let mut table = vec![EMPTY; mask + 1];
        for slot in self.table.iter().filter(|slot| slot.id != EMPTY.id) {
            let mut place = slot.hash as usize & mask;
            while table.get(place).is_some_and(|taken| taken.id != EMPTY.id) {
                place = (place + 1) & mask;
            }
            if let Some(free) = table.get_mut(place) {
                *free = *slot;
            }
        }
        self.table = table;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_a_number_and_survive_growth() {
        let mut interner = Interner::with_capacity(1);
        let words: Vec<String> = (0..5000).map(|n| format!("word{}", n % 1700)).collect();
        let ids: Vec<u32> = words.iter().map(|word| interner.intern(word)).collect();
        assert_eq!(interner.len(), 1700);
        for (word, id) in words.iter().zip(ids) {
            assert_eq!(interner.get(id), word);
            assert_eq!(interner.find(word), Some(id));
        }
        assert_eq!(interner.find("word1700"), None);
    }
}
