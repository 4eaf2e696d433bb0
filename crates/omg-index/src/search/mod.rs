//! Search: cheap filters over the arenas first, scores for the survivors, a partial select at the end.
//!
//! Order of work for a query: the exact name; common names; provided names; then every entry whose
//! words all occur in name or description, found by a substring scan for the query's longest word.
//! Only if that finds little, misspelt names (bounded edit distance), then names that have the
//! letters in order (nucleo). Queries of one or two letters look at beginnings of names only.
#![expect(
    clippy::cast_possible_wrap,
    reason = "lengths of names and descriptions are a few thousand at most"
)]

mod alias;
mod distance;
mod fuzzy;
mod query;
mod scan;
mod score;
mod suggest;
mod tables;

use std::cell::RefCell;

pub(crate) use tables::Tables;

use crate::{Index, Marks, RowId};
use scan::{Scratch, Searcher};
use tables::View;

/// A row that matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The row.
    pub row: RowId,
    /// Higher is better; comparable between indexes, for the same query.
    pub score: u32,
}

/// What a search found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hits {
    /// Matches before the limit was applied. Names that merely have the letters of the query in
    /// order are the exception: of them at most 100 are taken.
    pub total: usize,
    /// Nothing matches as typed: words were corrected, left out, or only letters match. Who merges
    /// the hits of two indexes leaves these out if the other's are not loose.
    pub loose: bool,
    /// Best first; equal scores in the order of names.
    pub hits: Vec<Hit>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

impl Index {
    /// Finds packages by name, by what they provide and by description, best first.
    ///
    /// Words may come in any order and must all match; upper and lower case and Unicode composition
    /// don't matter. The first 16 words and 128 characters count. Where a name has several
    /// architectures in one kind of origin, the commonest stands for all, besides those that are
    /// `installed`.
    pub fn search(&self, query: &str, limit: Option<usize>, installed: &Marks) -> Hits {
        let phrase = query::normalise(query);
        if phrase.is_empty() {
            return Hits::default();
        }
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => self.search_with(&phrase, limit, installed, &mut scratch),
            Err(_) => self.search_with(&phrase, limit, installed, &mut Scratch::default()),
        })
    }

    fn search_with(
        &self,
        phrase: &str,
        limit: Option<usize>,
        installed: &Marks,
        scratch: &mut Scratch,
    ) -> Hits {
        let mut searcher =
            Searcher::new(self, &View::new(self.image(), &self.tables), phrase, scratch);
        let loose = searcher.run();
        let mut hits = self.collect(scratch, installed);
        let total = hits.len();
        let wanted = limit.unwrap_or(total).min(total);
        let order = |hit: &Hit| (std::cmp::Reverse(hit.score), hit.row);
        if wanted < total {
            if wanted > 0 {
                hits.select_nth_unstable_by_key(wanted - 1, order);
            }
            hits.truncate(wanted);
            hits.shrink_to_fit();
        }
        hits.sort_unstable_by_key(order);
        Hits { total, loose, hits }
    }

    fn collect(&self, scratch: &mut Scratch, installed: &Marks) -> Vec<Hit> {
        let mut hits = Vec::with_capacity(scratch.found());
        scratch.drain(|entry, points| {
            let (first, end) = self.entry_rows(entry);
            let mut origin = None;
            for row in (first..end).map(RowId) {
                let here = installed.get(row);
                if !here && !self.is_searched(row) {
                    continue;
                }
                let own = Some(self.origin(row));
                if here || origin != own {
                    let points = points + if here { score::INSTALLED } else { 0 };
                    // The same name in another kind of origin stands right behind.
                    let points = points - if row.0 == first { 0 } else { score::ELSEWHERE };
                    hits.push(Hit { row, score: score::score(points) });
                }
                origin = own;
            }
        });
        hits
    }
}
