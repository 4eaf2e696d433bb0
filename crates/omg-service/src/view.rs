//! One state of the system, as all of one call's queries see it.
//!
//! Two indexes: the big one holds what repositories offer and changes with the catalogue only; the
//! local one holds the few installed packages that no repository offers. What is installed lies over
//! both as [`Overlay`].

mod overlay;

use std::sync::Arc;

use omg_backend::{Generations, PackageManager};
use omg_core::{Fault, InstallReason, PackageState};
use omg_core::{Generation, Installed, InstalledPackage, Listed, Status};
use omg_index::{Index, IndexedOffer, Row, RowId};

use crate::records::Records;
pub(crate) use overlay::{Chosen, Overlay};

/// What the repositories offer.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) index: Index,
    pub(crate) records: Arc<Records>,
    /// Malformed records, with file and line.
    pub(crate) warnings: Vec<String>,
}

/// A state of the system. See the module's text.
#[derive(Debug)]
pub struct View {
    pub(crate) generations: Generations,
    /// Of both together.
    pub(crate) generation: Generation,
    pub(crate) offered: Arc<Offered>,
    pub(crate) local: Arc<Index>,
    pub(crate) installed: Arc<Installed>,
    pub(crate) overlay: Overlay,
    /// All but the age of the data, which depends on the time of day.
    pub(crate) status: Status,
}

/// A row of one of a view's two indexes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(crate) enum Entry {
    Offered(RowId),
    Local(RowId),
}

/// A row, with what is installed laid over it.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) row: Row<'a>,
    /// The candidate's version and repository; `local` for what no repository offers.
    pub(crate) version: &'a str,
    pub(crate) repository: &'a str,
    /// Its number and itself, if it is on this system.
    pub(crate) installed: Option<(u32, &'a InstalledPackage)>,
    pub(crate) chosen: Option<Chosen>,
}

/// Repository of what no repository offers.
pub(crate) const LOCAL: &str = "local";

// === impl View ===

impl View {
    /// Lays what is installed over what is offered.
    pub(crate) fn new<B: PackageManager>(
        backend: &B,
        generations: Generations,
        offered: Arc<Offered>,
        installed: Arc<Installed>,
    ) -> Result<Self, Fault> {
        let (overlay, local) = overlay::lay(backend, &offered.index, &installed)?;
        let mut status = overlay.count(&installed);
        status.index_packages =
            u32::try_from(offered.index.len() + local.len()).unwrap_or(u32::MAX);
        Ok(Self {
            generations,
            generation: generations.combined(),
            offered,
            local: Arc::new(local),
            installed,
            overlay,
            status,
        })
    }

    /// The state that this view shows.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    pub(crate) fn index(&self, entry: Entry) -> (&Index, RowId) {
        match entry {
            Entry::Offered(row) => (&self.offered.index, row),
            Entry::Local(row) => (&self.local, row),
        }
    }

    /// Every architecture's row of this name.
    pub(crate) fn find(&self, name: &str) -> Vec<Entry> {
        let offered = self.offered.index.find(name).map(Entry::Offered);
        offered.chain(self.local.find(name).map(Entry::Local)).collect()
    }

    pub(crate) fn seen(&self, entry: Entry) -> Option<Seen<'_>> {
        let (index, id) = self.index(entry);
        let row = index.row(id)?;
        let number = self.overlay.package_of(entry);
        let installed = number.and_then(|number| Some((number, self.package(number)?)));
        let chosen = number.and_then(|number| self.overlay.chosen(number));
        let (version, repository) = match (entry, installed, chosen.and_then(|chosen| chosen.offer))
        {
            (Entry::Local(_), _, _) => (row.version, LOCAL),
            (_, Some((_, package)), None) => (&*package.version, LOCAL),
            (_, _, Some(offer)) => match index.offers(id).nth(offer as usize) {
                Some(offer) => (offer.version, offer.repository),
                None => (row.version, row.repository),
            },
            (_, None, None) => (row.version, row.repository),
        };
        Some(Seen { row, version, repository, installed, chosen })
    }

    pub(crate) fn package(&self, number: u32) -> Option<&InstalledPackage> {
        self.installed.packages.get(number as usize)
    }

    /// The row of an installed package; `None` for one with only its configuration left.
    pub(crate) fn entry_of(&self, number: u32) -> Option<Entry> {
        self.overlay.entry_of(number)
    }

    /// What is there of this name, with its numbers.
    pub(crate) fn installed_named(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (u32, &InstalledPackage)> {
        let named = self.installed.named(name);
        let first = self.installed.packages.partition_point(|package| &*package.name < name);
        (u32::try_from(first).unwrap_or(u32::MAX)..)
            .zip(named)
            .filter(|(_, package)| package.state != PackageState::ConfigFiles)
    }

    /// The newer version of this package, whether an upgrade would take it or not.
    pub(crate) fn newer(&self, number: u32) -> Option<IndexedOffer<'_>> {
        let chosen = self.overlay.chosen(number)?;
        if !chosen.upgrade && !chosen.ignored {
            return None;
        }
        let (index, row) = self.index(self.entry_of(number)?);
        index.offers(row).nth(chosen.offer? as usize)
    }

    /// Does an upgrade leave it as it is?
    pub(crate) fn is_held(&self, number: u32, package: &InstalledPackage) -> bool {
        package.held || self.overlay.chosen(number).is_some_and(|chosen| chosen.ignored)
    }

    /// A row of `list`.
    pub(crate) fn listed(&self, number: u32) -> Option<Listed<'_>> {
        let package = self.package(number)?;
        let seen = self.entry_of(number).and_then(|entry| self.seen(entry));
        let repository = seen.as_ref().map_or(LOCAL, |seen| seen.repository);
        Some(Listed {
            name: &package.name,
            version: &package.version,
            source: seen.map_or(package.source, |seen| seen.row.source),
            repository,
            architecture: &package.architecture,
            install_reason: Some(reason(package)),
            new_version: self.newer(number).map(|offer| offer.version),
            held: self.is_held(number, package),
        })
    }
}

pub(crate) fn reason(package: &InstalledPackage) -> InstallReason {
    if package.automatic { InstallReason::Dependency } else { InstallReason::Explicit }
}
