//! What is installed, laid over the two indexes.

use ahash::AHashMap;
use omg_backend::{Known, KnownOffer, PackageManager};
use omg_core::{
    Available, Counts, Fault, Installed, InstalledPackage, Offer, PackageState, Priority, Relation,
    RelationKind, Repository, Sink as _, Status,
};
use omg_index::{Builder, Index, Marks, Row, RowId};

use super::{Entry, LOCAL};

/// What an upgrade of an installed package would do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Chosen {
    /// Number of the row's offer; `None` if the installed version stays.
    pub(crate) offer: Option<u32>,
    /// Is it newer than what is installed, and would an upgrade take it?
    pub(crate) upgrade: bool,
    /// Is it newer than what is installed, and do settings say to stay behind it?
    pub(crate) ignored: bool,
    /// Does a repository that carries security fixes have that version?
    pub(crate) security: bool,
}

/// Which rows are installed, and as what.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub(crate) offered_marks: Marks,
    pub(crate) local_marks: Marks,
    numbers: AHashMap<Entry, u32>,
    places: Vec<Place>,
}

/// Of one installed package.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    entry: Option<Entry>,
    chosen: Chosen,
}

// === impl Overlay ===

impl Overlay {
    pub(crate) fn package_of(&self, entry: Entry) -> Option<u32> {
        // The bit is in a cache line with its neighbours'; most rows are not installed.
        let marked = match entry {
            Entry::Offered(row) => self.offered_marks.get(row),
            Entry::Local(row) => self.local_marks.get(row),
        };
        if marked { self.numbers.get(&entry).copied() } else { None }
    }

    pub(crate) fn entry_of(&self, number: u32) -> Option<Entry> {
        self.places.get(number as usize)?.entry
    }

    pub(crate) fn chosen(&self, number: u32) -> Option<Chosen> {
        self.places.get(number as usize).map(|place| place.chosen)
    }

    /// The counts of `status`.
    pub(crate) fn count(&self, installed: &Installed) -> Status {
        let mut counts = Counts::default();
        let mut broken = 0;
        for (package, place) in installed.packages.iter().zip(&self.places) {
            if package.state == PackageState::ConfigFiles {
                continue;
            }
            counts.total += 1;
            counts.explicit += u32::from(!package.automatic);
            counts.orphans += u32::from(package.orphan);
            counts.updates += u32::from(place.chosen.upgrade);
            counts.security_updates += u32::from(place.chosen.upgrade && place.chosen.security);
            broken += u32::from(package.state == PackageState::Partial);
        }
        Status { packages: counts, broken, ..Status::default() }
    }
}

/// Finds each installed package's row, builds the index of those that have none, and asks the
/// backend which version each would be upgraded to.
pub(super) fn lay<B: PackageManager>(
    backend: &B,
    offered: &Index,
    installed: &Installed,
) -> Result<(Overlay, Index), Fault> {
    let native = native(installed);
    let found: Vec<Option<RowId>> =
        installed.packages.iter().map(|package| row_of(offered, package, native)).collect();
    let alone = || {
        installed
            .packages
            .iter()
            .zip(&found)
            .filter(|(package, row)| row.is_none() && package.state != PackageState::ConfigFiles)
            .map(|(package, _)| package)
    };
    let local = Index::open(build_local(backend, installed, alone())?).map_err(Fault::from)?;

    let mut overlay = Overlay {
        offered_marks: Marks::new(offered.len()),
        local_marks: Marks::new(local.len()),
        numbers: AHashMap::with_capacity(installed.packages.len()),
        places: Vec::with_capacity(installed.packages.len()),
    };
    for ((number, package), row) in (0_u32..).zip(&installed.packages).zip(found) {
        if package.state == PackageState::ConfigFiles {
            overlay.places.push(Place::default());
            continue;
        }
        let entry = match row {
            Some(row) => Some(Entry::Offered(row)),
            None => row_of(&local, package, native).map(Entry::Local),
        };
        match entry {
            Some(Entry::Offered(row)) => overlay.offered_marks.set(row),
            Some(Entry::Local(row)) => overlay.local_marks.set(row),
            None => {}
        }
        if let Some(entry) = entry {
            overlay.numbers.insert(entry, number);
        }
        let chosen = row.map_or(Chosen::default(), |row| choose(backend, offered, row, package));
        overlay.places.push(Place { entry, chosen });
    }
    Ok((overlay, local))
}

/// The row of a package. A package may change between all architectures and the machine's own
/// from one version to the next; it is still the same package. What no repository has may be of the
/// AUR, whose recipes are for no architecture.
fn row_of(index: &Index, package: &InstalledPackage, native: &str) -> Option<RowId> {
    let rows: Vec<(RowId, Row<'_>)> =
        index.find(&package.name).filter_map(|id| Some((id, index.row(id)?))).collect();
    let own = |architecture: &str| {
        rows.iter()
            .find(|(_, row)| row.source == package.source && row.architecture == architecture)
    };
    let found = own(&package.architecture).or_else(|| match &*package.architecture {
        "all" | "any" => own(native),
        architecture if architecture == native => own("all").or_else(|| own("any")),
        _ => None,
    });
    found.or_else(|| rows.iter().find(|(_, row)| row.aur.is_some())).map(|(id, _)| *id)
}

/// The machine's own architecture: what most packages are for that are not for all.
fn native(installed: &Installed) -> &str {
    let mut counts: AHashMap<&str, usize> = AHashMap::new();
    let single = |package: &&InstalledPackage| !matches!(&*package.architecture, "all" | "any");
    for package in installed.present().filter(single) {
        *counts.entry(&package.architecture).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(name, count)| (count, name)).map_or("all", |(name, _)| name)
}

fn choose<B: PackageManager>(
    backend: &B,
    index: &Index,
    row: RowId,
    package: &InstalledPackage,
) -> Chosen {
    let offers: Vec<KnownOffer<'_>> = index
        .offers(row)
        .map(|offer| KnownOffer {
            version: offer.version,
            priority: offer.priority,
            repository: offer.repository,
        })
        .collect();
    let own = index.row(row);
    let choice = backend.choose(&Known {
        name: &package.name,
        source: own.as_ref().map_or(package.source, |row| row.source),
        architecture: &package.architecture,
        section: own.map_or("", |row| row.section),
        installed: Some(&package.version),
        held: package.held,
        offers: &offers,
    });
    let taken = choice.offer.and_then(|at| offers.get(at));
    let security = taken.is_some_and(|taken| {
        index.offers(row).any(|offer| offer.security && offer.version == taken.version)
    });
    Chosen {
        offer: choice.offer.and_then(|at| u32::try_from(at).ok()),
        upgrade: choice.upgrade && taken.is_some(),
        ignored: choice.ignored && taken.is_some(),
        security,
    }
}

/// The image of the packages that no repository offers.
fn build_local<'a, B: PackageManager>(
    backend: &B,
    installed: &'a Installed,
    packages: impl Iterator<Item = &'a InstalledPackage>,
) -> Result<Vec<u8>, Fault> {
    let mut builder = Builder::new();
    let repository = builder.repository(&Repository {
        name: LOCAL.into(),
        source: backend.source(),
        security: false,
        searched: true,
        uri: String::new(),
    })?;
    for package in packages {
        let details = backend.details(package.source, installed.record(package));
        let names = |items: &[&'a str]| -> Vec<&'a str> {
            items.iter().flat_map(|item| backend.alternatives(item)).collect()
        };
        let fields = [
            (RelationKind::PreDepends, &details.pre_depends),
            (RelationKind::Depends, &details.depends),
            (RelationKind::Recommends, &details.recommends),
            (RelationKind::Suggests, &details.suggests),
            (RelationKind::Enhances, &details.enhances),
        ];
        let relations: Vec<Relation<'_>> = fields
            .into_iter()
            .flat_map(|(kind, items)| {
                names(items).into_iter().map(move |name| Relation { kind, name })
            })
            .collect();
        builder.package(&Available {
            name: &package.name,
            architecture: &package.architecture,
            description: &package.description,
            section: &package.section,
            priority: Priority::Optional,
            task: false,
            essential: package.essential,
            download_size: 0,
            installed_size: package.installed_size,
            provides: &names(&details.provides),
            relations: &relations,
            // The record is read from what is installed, so none is stored here.
            versions: &[Offer { version: &package.version, repository, priority: 100, record: "" }],
            candidate: Some(0),
            aur: None,
        })?;
    }
    Ok(builder.finish().map_err(Fault::from)?.image)
}
