//! `List`, `Explicit`, `Updates`.

use omg_core::{InstalledPackage, Listed, PackageState};
use omg_index::RowId;
use omg_proto::{ListFilter, Reply};

use crate::view::{Entry, View, reason};

pub(crate) fn answer(view: &View, filter: ListFilter) -> Reply<'_> {
    let rows = match filter {
        ListFilter::Installed => installed(view, |_, _| true),
        ListFilter::Explicit => installed(view, |_, package| !package.automatic),
        ListFilter::Automatic => installed(view, |_, package| package.automatic),
        ListFilter::Orphans => installed(view, |_, package| package.orphan),
        ListFilter::Local => installed(view, |number, _| is_local(view, number)),
        ListFilter::Available => available(view),
    };
    Reply::List(rows)
}

pub(crate) fn updates(view: &View, security: bool) -> Reply<'_> {
    Reply::List(installed(view, |number, _| {
        view.overlay.chosen(number).is_some_and(|chosen| {
            (chosen.upgrade || chosen.ignored) && (chosen.security || !security)
        })
    }))
}

/// Does no repository offer it? Recipes of the AUR offer nothing by themselves.
fn is_local(view: &View, number: u32) -> bool {
    match view.entry_of(number) {
        Some(entry @ Entry::Offered(_)) => {
            view.seen(entry).is_some_and(|seen| seen.row.aur.is_some())
        }
        Some(Entry::Local(_)) | None => true,
    }
}

/// By name, as the packages are sorted.
fn installed(
    view: &View,
    mut wanted: impl FnMut(u32, &InstalledPackage) -> bool,
) -> Vec<Listed<'_>> {
    (0_u32..)
        .zip(&view.installed.packages)
        .filter(|(_, package)| package.state != PackageState::ConfigFiles)
        .filter(|(number, package)| wanted(*number, package))
        .filter_map(|(number, _)| view.listed(number))
        .collect()
}

fn available(view: &View) -> Vec<Listed<'_>> {
    let rows = u32::try_from(view.offered.index.len()).unwrap_or(u32::MAX);
    let mut listed: Vec<Listed<'_>> =
        (0..rows).filter_map(|row| available_row(view, Entry::Offered(RowId(row)))).collect();
    // By name; nearly so already.
    listed.sort_by(|a, b| (a.name, a.architecture).cmp(&(b.name, b.architecture)));
    listed
}

pub(crate) fn available_row(view: &View, entry: Entry) -> Option<Listed<'_>> {
    let seen = view.seen(entry)?;
    if seen.installed.is_none() && seen.row.candidate.is_none() {
        return None;
    }
    let installed = seen.installed.map(|(_, package)| package);
    Some(Listed {
        name: seen.row.name,
        version: installed.map_or(seen.version, |package| &package.version),
        source: seen.row.source,
        repository: seen.repository,
        architecture: seen.row.architecture,
        install_reason: installed.map(reason),
        new_version: seen
            .installed
            .and_then(|(number, _)| view.newer(number))
            .map(|offer| offer.version),
        held: seen.installed.is_some_and(|(number, package)| view.is_held(number, package)),
    })
}
