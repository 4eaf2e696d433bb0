//! What the repositories have and what is installed, as far as building a recipe depends on it.

use ahash::{AHashMap, AHashSet};
use omg_backend::PackageManager;
use omg_core::{
    Available, Details, Fault, Generation, Installed, InstalledPackage, Repository, RepositoryId,
    Sink, Source,
};

use crate::constraint::{Compare, Constraint, bare};
use crate::resolve::Repositories;

/// One package that satisfies dependencies.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) name: Box<str>,
    version: Box<str>,
    /// With their versions.
    pub(super) provides: Box<[Box<str>]>,
    /// With their versions.
    pub(super) conflicts: Box<[Box<str>]>,
}

/// Packages, found by their names and by what they provide.
#[derive(Clone, Debug, Default)]
pub(super) struct Stock {
    /// In the order of the repositories' own choice.
    items: Vec<Item>,
    by_name: AHashMap<Box<str>, Vec<u32>>,
}

/// One state of the system. See the module's text.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) state: Generation,
    pub(super) offered: Stock,
    pub(super) installed: Stock,
    /// Installed packages that were built here, and so do not come from a repository.
    built: AHashSet<Box<str>>,
    /// Installed packages that the user keeps as they are.
    held: AHashSet<Box<str>>,
    /// Installed packages that another needed.
    automatic: AHashSet<Box<str>>,
    groups: AHashSet<Box<str>>,
    compare: Compare,
}

/// How pacman's local database says that nobody's signature or checksum was checked when the package
/// was installed, which is so for what makepkg built.
const UNCHECKED: &str = "%VALIDATION%\nnone\n";

impl Stock {
    fn add(&mut self, name: &str, version: &str, details: Details<'_>) {
        let Ok(number) = u32::try_from(self.items.len()) else { return };
        let Details { provides, conflicts, .. } = details;
        let names = std::iter::once(name).chain(provides.iter().map(|item| bare(item)));
        for name in names {
            let numbers = self.by_name.entry(name.into()).or_default();
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
        let texts = |items: Vec<&str>| items.into_iter().map(Into::into).collect();
        let (provides, conflicts) = (texts(provides), texts(conflicts));
        self.items.push(Item { name: name.into(), version: version.into(), provides, conflicts });
    }

    /// Names of the packages that satisfy a dependency; one of that very name first.
    pub(super) fn satisfying<'a>(
        &'a self,
        dependency: &'a str,
        compare: Compare,
    ) -> impl Iterator<Item = &'a str> {
        let wanted = Constraint::parse(dependency);
        let numbers = self.by_name.get(wanted.name).map_or(&[][..], Vec::as_slice);
        let items = numbers.iter().filter_map(|&number| self.items.get(number as usize));
        let fit = items
            .filter(move |item| wanted.accepts(&item.name, &item.version, &item.provides, compare));
        let (own, others): (Vec<_>, Vec<_>) =
            fit.map(|item| &*item.name).partition(|name| *name == wanted.name);
        own.into_iter().chain(others)
    }

    /// Version of the package of this name.
    pub(super) fn version(&self, name: &str) -> Option<&str> {
        self.item(name).map(|item| &*item.version)
    }

    /// The package of this name.
    pub(super) fn item(&self, name: &str) -> Option<&Item> {
        let numbers = self.by_name.get(name)?.iter();
        let mut items = numbers.filter_map(|&number| self.items.get(number as usize));
        items.find(|item| &*item.name == name)
    }

    /// All packages.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }
}

impl Shelf {
    /// Reads both sides of a manager in a state.
    pub(super) async fn read<R: PackageManager>(
        manager: &R,
        state: Generation,
        compare: Compare,
    ) -> Result<Self, Fault> {
        let catalogue = manager.packages(Catalogue::default()).await?;
        let installed = manager.installed().await?;
        let mut offered = Stock::default();
        for package in &catalogue.packages {
            let details = manager.details(package.source, &package.record);
            offered.add(&package.name, &package.version, details);
        }
        let names = |wanted: fn(&InstalledPackage) -> bool| {
            installed.present().filter(|it| wanted(it)).map(|it| it.name.clone()).collect()
        };
        Ok(Self {
            state,
            offered,
            installed: here(manager, &installed),
            built: installed
                .present()
                .filter(|package| installed.record(package).contains(UNCHECKED))
                .map(|package| package.name.clone())
                .collect(),
            held: names(|package| package.held),
            automatic: names(|package| package.automatic),
            groups: catalogue.groups,
            compare,
        })
    }

    /// Was this installed package built here?
    pub(super) fn was_built(&self, name: &str) -> bool {
        self.built.contains(name)
    }

    /// Does the user keep this installed package as it is?
    pub(super) fn is_held(&self, name: &str) -> bool {
        self.held.contains(name)
    }

    /// Was this installed package needed by another?
    pub(super) fn is_automatic(&self, name: &str) -> bool {
        self.automatic.contains(name)
    }

    /// Version order.
    pub(super) fn compare(&self) -> Compare {
        self.compare
    }

    /// Can the repositories meet this target: a package, something provided, or a group?
    pub(super) fn has(&self, target: &str) -> bool {
        self.groups.contains(target)
            || self.offered.satisfying(target, self.compare).next().is_some()
    }
}

impl Repositories for Shelf {
    fn satisfies_installed(&self, dependency: &str) -> bool {
        self.installed.satisfying(dependency, self.compare).next().is_some()
    }

    fn providers(&self, dependency: &str) -> Vec<String> {
        let name = bare(dependency);
        let mut found: Vec<String> =
            self.offered.satisfying(dependency, self.compare).map(str::to_owned).collect();
        if found.first().is_some_and(|first| first == name) {
            found.truncate(1);
        }
        found
    }
}

fn here<R: PackageManager>(manager: &R, installed: &Installed) -> Stock {
    let mut stock = Stock::default();
    for package in installed.present() {
        let details = manager.details(package.source, installed.record(package));
        stock.add(&package.name, &package.version, details);
    }
    stock
}

/// The candidates, with their records.
#[derive(Debug, Default)]
struct Catalogue {
    sources: Vec<Source>,
    packages: Vec<Candidate>,
    groups: AHashSet<Box<str>>,
}

#[derive(Debug)]
struct Candidate {
    name: Box<str>,
    version: Box<str>,
    source: Source,
    record: Box<str>,
}

impl Sink for Catalogue {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        let id = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
        self.sources.push(repository.source);
        Ok(RepositoryId(id))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        for group in package.section.split(' ').filter(|group| !group.is_empty()) {
            if !self.groups.contains(group) {
                self.groups.insert(group.into());
            }
        }
        let candidate = package.candidate.and_then(|at| package.versions.get(at));
        if let Some(offer) = candidate {
            let source = self.sources.get(usize::from(offer.repository.0));
            self.packages.push(Candidate {
                name: package.name.into(),
                version: offer.version.into(),
                source: source.copied().unwrap_or(Source::Alpm),
                record: offer.record.into(),
            });
        }
        Ok(())
    }

    fn warning(&mut self, message: String) {
        tracing::debug!("{message}");
    }
}
