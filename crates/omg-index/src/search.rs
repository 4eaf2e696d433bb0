//! Search.

use crate::image::ArchivedImage;
use crate::{Index, Marks, RowId, text};

/// A row that matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The row.
    pub row: RowId,
    /// Higher is better; comparable between indexes.
    pub score: u32,
}

/// What a search found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hits {
    /// Matches before the limit was applied.
    pub total: usize,
    /// Best first.
    pub hits: Vec<Hit>,
}

/// Small tables derived from the image when it is opened.
pub(crate) struct Tables;

impl Tables {
    pub(crate) fn new(_image: &ArchivedImage) -> Self {
        Self
    }
    pub(crate) fn bytes(&self) -> usize {
        0
    }
}

impl Index {
    /// Finds packages.
    pub fn search(&self, query: &str, limit: Option<usize>, installed: &Marks) -> Hits {
        let folded = text::fold(query);
        let words: Vec<&str> = folded.split_whitespace().take(16).collect();
        let image = self.image();
        let mut hits = Vec::new();
        let mut entry_hits = |fuzzy: bool| {
            let mut matcher = nucleo_matcher::Matcher::new(nucleo_matcher::Config::DEFAULT);
            let mut needle = Vec::new();
            for entry in 0..image.kinds.len() {
                let bound = |table: &rkyv::vec::ArchivedVec<rkyv::Archived<u32>>, at: usize| {
                    table.get(at).map_or(0, |at| at.to_native() as usize)
                };
                let name = image
                    .folded_names
                    .get(
                        bound(&image.folded_name_at, entry)
                            ..bound(&image.folded_name_at, entry + 1) - 1,
                    )
                    .unwrap_or("");
                let description = image
                    .folded_descriptions
                    .get(
                        bound(&image.folded_description_at, entry)
                            ..bound(&image.folded_description_at, entry + 1) - 1,
                    )
                    .unwrap_or("");
                let mut score = 0;
                for word in &words {
                    score += if name == *word {
                        9000
                    } else if name.starts_with(word) {
                        5000
                    } else if name.contains(word) {
                        3000
                    } else if fuzzy {
                        let mut hay = Vec::new();
                        matcher
                            .fuzzy_match(
                                nucleo_matcher::Utf32Str::new(name, &mut hay),
                                nucleo_matcher::Utf32Str::new(word, &mut needle),
                            )
                            .map_or(0, u32::from)
                    } else if description.contains(word) {
                        1000
                    } else {
                        score = 0;
                        break;
                    };
                }
                if score > 0 {
                    score += image.ranks.get(entry).map_or(0, |rank| u32::from(rank.to_native()));
                    let row = RowId(self.entry_rows(entry as u32).0);
                    hits.push(Hit { row, score: score + u32::from(installed.get(row)) });
                }
            }
        };
        entry_hits(false);
        if hits.is_empty() && !words.is_empty() {
            let mut again = |fuzzy| {
                let _ = fuzzy;
            };
            again(true);
        }
        if hits.is_empty() && words.len() == 1 {
            let names = self.suggest(&folded, 5);
            hits.extend(names.iter().enumerate().flat_map(|(at, name)| {
                self.find(name).map(move |row| Hit { row, score: 500 - at as u32 })
            }));
        }
        hits.sort_by_key(|hit| (std::cmp::Reverse(hit.score), hit.row));
        let total = hits.len();
        hits.truncate(limit.unwrap_or(usize::MAX));
        Hits { total, hits }
    }

    /// Names like a misspelt one.
    pub fn suggest(&self, query: &str, limit: usize) -> Vec<&str> {
        let folded = text::fold(query);
        let image = self.image();
        let mut found: Vec<(usize, u32)> = Vec::new();
        for entry in 0..image.kinds.len() as u32 {
            let Some(row) = self.row(RowId(self.entry_rows(entry).0)) else { continue };
            let distance = distance(folded.as_bytes(), row.name.as_bytes());
            if distance <= 2 {
                found.push((distance, entry));
            }
        }
        found.sort_unstable();
        found.truncate(limit);
        found
            .iter()
            .filter_map(|&(_, entry)| self.row(RowId(self.entry_rows(entry).0)))
            .map(|row| row.name)
            .collect()
    }
}

fn distance(a: &[u8], b: &[u8]) -> usize {
    if a.len().abs_diff(b.len()) > 2 {
        return 9;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let old = row[j + 1];
            row[j + 1] = (before + usize::from(x != y)).min(row[j] + 1).min(old + 1);
            before = old;
        }
    }
    row[b.len()]
}
