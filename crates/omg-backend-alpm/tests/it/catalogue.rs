//! A catalogue, owned, by name.

use std::collections::BTreeMap;

use omg_backend::{Choice, Known, KnownOffer, PackageManager as _};
use omg_backend_alpm::Alpm;
use omg_core::{Available, Fault, InstalledPackage, Repository, RepositoryId, Sink, Source};

#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) version: String,
    repository: String,
    priority: i32,
    record: String,
}

#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    repositories: Vec<String>,
    /// With the section.
    offers: BTreeMap<String, (String, Vec<Offer>)>,
    pub(crate) warnings: Vec<String>,
}

impl Catalogue {
    /// What would be taken of this name, and out of what.
    pub(crate) fn choose(
        &self,
        alpm: &Alpm,
        name: &str,
        installed: Option<&InstalledPackage>,
    ) -> (Choice, &[Offer]) {
        let (section, all) =
            self.offers.get(name).map_or(("", &[][..]), |(section, all)| (section, all));
        let offers: Vec<KnownOffer<'_>> = all
            .iter()
            .map(|offer| KnownOffer {
                version: &offer.version,
                priority: offer.priority,
                repository: &offer.repository,
            })
            .collect();
        let known = Known {
            name,
            source: Source::Alpm,
            architecture: "x86_64",
            section,
            installed: installed.map(|package| &*package.version),
            held: installed.is_some_and(|package| package.held),
            offers: &offers,
        };
        (alpm.choose(&known), all)
    }

    pub(crate) fn records(&self, name: &str) -> Vec<&str> {
        let offers = self.offers.get(name).into_iter().flat_map(|(_, offers)| offers);
        offers.map(|offer| offer.record.as_str()).collect()
    }
}

impl Sink for Catalogue {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        self.repositories.push(repository.name.clone());
        Ok(RepositoryId(self.repositories.len() as u16 - 1))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        let offer = |offer: &omg_core::Offer<'_>| Offer {
            version: offer.version.to_owned(),
            repository: self.repositories[usize::from(offer.repository.0)].clone(),
            priority: offer.priority,
            record: offer.record.to_owned(),
        };
        let offers = package.versions.iter().map(offer).collect();
        let before =
            self.offers.insert(package.name.to_owned(), (package.section.to_owned(), offers));
        assert!(before.is_none(), "{} came twice", package.name);
        Ok(())
    }

    fn warning(&mut self, message: String) {
        self.warnings.push(message);
    }
}
