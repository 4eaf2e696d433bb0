//! `Rdeps`: packages that depend on one, by its name or by what it provides.

use omg_backend::PackageManager;
use omg_core::{Dependent, Fault, RelationKind};
use omg_proto::Reply;

use crate::catalogue::Catalogue;
use crate::queries::info;
use crate::queries::name::{Wanted, providers};
use crate::view::{Entry, View};

pub(crate) fn answer<'a, B: PackageManager>(
    view: &'a View,
    catalogue: &Catalogue<B>,
    package: &'a str,
    installed: bool,
) -> Result<Reply<'a>, Fault> {
    let wanted = Wanted::read(view, package);
    let virtuals = match wanted.entries(view) {
        Ok(entries) => provided(view, catalogue, &entries)?,
        // A virtual package has dependents, too.
        Err(_) if providers(view, wanted.name).next().is_some() => Vec::new(),
        Err(fault) => return Err(fault),
    };
    let mut found: Vec<Dependent<'a>> = Vec::new();
    let mut add = |entry: Entry, kind: RelationKind, via: Option<&'a str>| {
        let Some(seen) = view.seen(entry) else { return };
        if (installed && seen.installed.is_none()) || seen.row.name == wanted.name {
            return;
        }
        found.push(Dependent {
            name: seen.row.name,
            version: seen.installed.map_or(seen.version, |(_, package)| &package.version),
            installed: seen.installed.is_some(),
            kind,
            via,
        });
    };
    satisfied(view, wanted.name, &mut add);
    // Between what is installed that says all there is, by the versions that are installed; the
    // index knows what newer ones will need.
    if !installed || view.installed_named(wanted.name).next().is_none() {
        dependents(view, wanted.name, |entry, kind| add(entry, kind, None));
        for name in virtuals {
            // The name must outlive the view's borrow of the record it was read from.
            let Some(kept) = kept(view, &name) else { continue };
            dependents(view, kept, |entry, kind| add(entry, kind, Some(kept)));
        }
    }
    // Rows come in the order of their names, so the stable sort has runs to merge; a table of tens
    // of thousands of names takes several times as long.
    found.sort_by_key(|dependent| (dependent.name, dependent.kind, dependent.via.is_some()));
    // The stronger reason counts, and of two as strong the one by name.
    found.dedup_by_key(|dependent| dependent.name);
    found.sort_by_key(|dependent| dependent.kind);
    Ok(Reply::Rdeps(found))
}

fn dependents(view: &View, name: &str, mut add: impl FnMut(Entry, RelationKind)) {
    view.offered.index.dependents(name).for_each(|(row, kind)| add(Entry::Offered(row), kind));
    view.local.dependents(name).for_each(|(row, kind)| add(Entry::Local(row), kind));
}

/// What installed packages depend on may differ from what their candidates do.
fn satisfied<'a>(
    view: &'a View,
    name: &str,
    add: &mut impl FnMut(Entry, RelationKind, Option<&'a str>),
) {
    let numbers: Vec<u32> = view.installed_named(name).map(|(number, _)| number).collect();
    for edge in view.installed.edges.iter().filter(|edge| numbers.contains(&edge.to)) {
        if let Some(entry) = view.entry_of(edge.from) {
            add(entry, edge.kind, None);
        }
    }
}

/// Virtual packages that these rows' records provide.
fn provided<B: PackageManager>(
    view: &View,
    catalogue: &Catalogue<B>,
    entries: &[Entry],
) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    for &entry in entries {
        let (index, row) = view.index(entry);
        let source = index.row(row).map_or(catalogue.backend().source(), |row| row.source);
        let mut read = |record: &str| {
            for item in catalogue.backend().details(source, record).provides {
                names.extend(
                    catalogue.backend().alternatives(item).into_iter().map(ToString::to_string),
                );
            }
        };
        let installed = view.seen(entry).and_then(|seen| seen.installed);
        let offer = match entry {
            Entry::Offered(_) => {
                index.offers(row).nth(index.row(row).and_then(|row| row.candidate).unwrap_or(0))
            }
            Entry::Local(_) => None,
        };
        if let Some(offer) = offer {
            let block = info::block(catalogue, view, offer.record)?;
            read(block.get(offer.record).unwrap_or(""));
        }
        if let Some((_, package)) = installed {
            read(view.installed.record(package));
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The same name as the index keeps it, in whichever relation it stands; `None` if nothing depends
/// on it.
fn kept<'a>(view: &'a View, name: &str) -> Option<&'a str> {
    let find = |index: &'a omg_index::Index| {
        let (row, _) = index.dependents(name).next()?;
        index.relations(row).map(|(_, kept)| kept).find(|kept| *kept == name)
    };
    find(&view.offered.index).or_else(|| find(&view.local))
}
