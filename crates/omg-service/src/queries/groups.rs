//! `Groups`: Arch's groups, Debian's sections.

use std::collections::BTreeMap;

use omg_core::{Code, Fault, GroupRow};
use omg_index::RowId;
use omg_proto::Reply;

use crate::queries::list::available_row;
use crate::view::{Entry, Seen, View};

pub(crate) fn answer<'a>(view: &'a View, group: &str) -> Result<Reply<'a>, Fault> {
    if group.is_empty() {
        return Ok(Reply::Groups(all(view)));
    }
    let mut members: Vec<_> = entries(view)
        .filter(|&entry| {
            view.seen(entry).is_some_and(|seen| groups(seen.row.section).any(|it| it == group))
        })
        .filter_map(|entry| available_row(view, entry))
        .collect();
    if members.is_empty() {
        return Err(Fault::new(Code::NotFound, format!("no group is called '{group}'"))
            .hint("omg groups lists them"));
    }
    members.sort_by(|a, b| (a.name, a.architecture).cmp(&(b.name, b.architecture)));
    Ok(Reply::List(members))
}

fn all(view: &View) -> Vec<GroupRow> {
    let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    // Counted as they are listed.
    let listed = |seen: &Seen<'_>| seen.installed.is_some() || seen.row.candidate.is_some();
    for seen in entries(view).filter_map(|entry| view.seen(entry)).filter(listed) {
        for group in groups(seen.row.section) {
            let (packages, installed) = counts.entry(group).or_default();
            *packages += 1;
            *installed += u32::from(seen.installed.is_some());
        }
    }
    let row = |(name, (packages, installed)): (&str, _)| GroupRow {
        name: name.to_owned(),
        packages,
        installed,
    };
    counts.into_iter().map(row).collect()
}

fn entries(view: &View) -> impl Iterator<Item = Entry> {
    let rows = |len: usize| (0..u32::try_from(len).unwrap_or(u32::MAX)).map(RowId);
    rows(view.offered.index.len())
        .map(Entry::Offered)
        .chain(rows(view.local.len()).map(Entry::Local))
}

/// A package of Arch may be in several; they stand with spaces between.
fn groups(section: &str) -> impl Iterator<Item = &str> {
    section.split(' ').filter(|group| !group.is_empty())
}
