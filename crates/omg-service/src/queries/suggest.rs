//! `Suggest`: names like this one.

use crate::view::View;

/// Most names in one answer.
const LIMIT: u32 = 100;

/// Closest first; what repositories offer before what only this system has.
pub(crate) fn names<'a>(view: &'a View, query: &str, limit: u32) -> Vec<&'a str> {
    let limit = limit.min(LIMIT) as usize;
    let mut names = view.offered.index.suggest(query, limit);
    for name in view.local.suggest(query, limit) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(limit);
    names
}
