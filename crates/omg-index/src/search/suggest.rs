//! Names for a misspelt one.

use std::cmp::Reverse;

use crate::{Index, RowId};

use super::fuzzy::Misspelt;
use super::query;
use super::tables::View;

impl Index {
    /// Names of packages that are like `query`: at most two edits away (one for up to five letters,
    /// none for up to two), closest first, then those that begin alike, then popular ones.
    pub fn suggest(&self, query: &str, limit: usize) -> Vec<&str> {
        let phrase = query::normalise(query).replace(' ', "-");
        let Some(misspelt) = Misspelt::new(&phrase) else { return Vec::new() };
        let view = View::new(self.image(), &self.tables);
        let mut found = Vec::new();
        misspelt.each(&view, |entry, points| {
            let name = view.names.get(entry);
            let alike =
                name.iter().zip(phrase.as_bytes()).take_while(|(a, b)| a == b).count().min(4);
            let rank = view.ranks.get(entry as usize).map_or(0, |rank| rank.to_native());
            found.push((entry, Reverse(points + alike as i32 * 40 + i32::from(rank) / 4)));
        });
        // An entry may be like the query as a whole and by a word: its best counts.
        found.sort_unstable();
        found.dedup_by_key(|(entry, _)| *entry);
        found.sort_unstable_by_key(|&(entry, points)| (points, entry));
        found.truncate(limit);
        found
            .iter()
            .filter_map(|&(entry, _)| self.row(RowId(self.entry_rows(entry).0)))
            .map(|row| row.name)
            .collect()
    }
}
