//! Gives equal strings one number, in order of first appearance.

const EMPTY: u32 = u32::MAX;

/// Strings in one arena and an open-addressing table over them.
pub(crate) struct Interner {
    text: String,
    ends: Vec<u32>,
    /// Power-of-two sized, at most half full; holds string numbers.
    table: Vec<u32>,
    hasher: ahash::RandomState,
}

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

    pub(crate) fn intern(&mut self, string: &str) -> u32 {
        if self.ends.len() * 2 >= self.table.len() {
            self.grow();
        }
        let slot = self.slot(string);
        match self.table.get(slot) {
            Some(&id) if id != EMPTY => id,
            _ => {
                let id = self.ends.len() as u32;
                self.text.push_str(string);
                self.ends.push(self.text.len() as u32);
                if let Some(place) = self.table.get_mut(slot) {
                    *place = id;
                }
                id
            }
        }
    }

    /// The slot that holds `string`, or the empty one where it belongs. The table is never full,
    /// so the walk ends.
    fn slot(&self, string: &str) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = self.hasher.hash_one(string) as usize & mask;
        loop {
            match self.table.get(slot) {
                Some(&id) if id != EMPTY && self.get(id) != string => slot = (slot + 1) & mask,
                _ => return slot,
            }
        }
    }

    fn grow(&mut self) {
        self.table = vec![EMPTY; self.table.len() * 2];
        for id in 0..self.ends.len() as u32 {
            let slot = self.slot(self.get(id));
            if let Some(place) = self.table.get_mut(slot) {
                *place = id;
            }
        }
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
        }
    }
}
