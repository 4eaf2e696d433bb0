//! `Search`: both indexes, merged by score.

use omg_core::Summary;
use omg_index::{Hit, Hits};
use omg_proto::{Found, Reply};

use crate::view::{Entry, View};

pub(crate) fn answer<'a>(view: &'a View, query: &str, limit: Option<u32>) -> Reply<'a> {
    let limit = limit.map(|limit| limit as usize);
    let mut offered = view.offered.index.search(query, limit, &view.overlay.offered_marks);
    let mut local = view.local.search(query, limit, &view.overlay.local_marks);
    // Guesses of one index are worth nothing beside what the other has as it was typed.
    match (offered.loose, local.loose) {
        (false, true) if offered.total > 0 => local = Hits::default(),
        (true, false) if local.total > 0 => offered = Hits::default(),
        _ => {}
    }
    let total = u32::try_from(offered.total + local.total).unwrap_or(u32::MAX);
    let packages = merge(&offered.hits, &local.hits)
        .take(limit.unwrap_or(usize::MAX))
        .filter_map(|(entry, score)| summary(view, entry, score));
    Reply::Search(Found::new(total, packages))
}

/// Two lists that are best first become one; repositories win ties.
fn merge(offered: &[Hit], local: &[Hit]) -> impl Iterator<Item = (Entry, u32)> {
    let (mut offered, mut local) = (offered.iter().peekable(), local.iter().peekable());
    std::iter::from_fn(move || {
        let local_first = match (offered.peek(), local.peek()) {
            (Some(offered), Some(local)) => local.score > offered.score,
            (offered, _) => offered.is_none(),
        };
        if local_first {
            local.next().map(|hit| (Entry::Local(hit.row), hit.score))
        } else {
            offered.next().map(|hit| (Entry::Offered(hit.row), hit.score))
        }
    })
}

fn summary(view: &View, entry: Entry, score: u32) -> Option<Summary<'_>> {
    let seen = view.seen(entry)?;
    Some(Summary {
        name: seen.row.name,
        version: seen.version,
        source: seen.row.source,
        repository: seen.repository,
        architecture: seen.row.architecture,
        description: seen.row.description,
        installed_version: seen.installed.map(|(_, package)| &*package.version),
        score,
        aur: seen.row.aur,
    })
}

#[cfg(test)]
mod tests {
    use omg_index::RowId;

    use super::*;

    #[test]
    fn merging_keeps_the_order_of_scores() {
        let hits = |scores: &[u32]| -> Vec<Hit> {
            (0..).zip(scores).map(|(row, &score)| Hit { row: RowId(row), score }).collect()
        };
        let merged: Vec<_> = merge(&hits(&[9, 5, 5, 1]), &hits(&[7, 5, 2])).collect();
        assert_eq!(
            merged.iter().map(|(_, score)| *score).collect::<Vec<_>>(),
            [9, 7, 5, 5, 5, 2, 1]
        );
        assert_eq!(merged[4].0, Entry::Local(RowId(1)), "repositories win ties");
        assert_eq!(merge(&[], &[]).count(), 0);
    }
}
