//! What could be installed, compared with apt-cache on the same root.

mod contract;
mod host;
mod lists;
mod machines;
mod pins;
mod root;

use std::collections::BTreeMap;
use std::path::Path;

use omg_backend::{Choice, Known, KnownOffer, PackageManager as _};
use omg_backend_dpkg::Dpkg;
use omg_core::{Available, Fault, Repository, RepositoryId, Sink};

/// One package of a catalogue, owned.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) architecture: String,
    pub(crate) description: String,
    pub(crate) offers: Vec<(String, i32, String)>,
    pub(crate) records: Vec<String>,
    pub(crate) provides: Vec<String>,
    pub(crate) candidate: Option<usize>,
}

/// A catalogue, owned, by name.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) repositories: Vec<Repository>,
    pub(crate) rows: BTreeMap<String, Vec<Row>>,
    pub(crate) warnings: Vec<String>,
    last: (String, String),
}

impl Sink for Catalogue {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        self.repositories.push(repository.clone());
        Ok(RepositoryId(self.repositories.len() as u16 - 1))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        let now = (package.name.to_owned(), package.architecture.to_owned());
        assert!(self.last <= now || self.last.0 == now.0, "{:?} before {now:?}", self.last);
        self.last = now;
        assert!(!package.versions.is_empty());
        let place = |id: RepositoryId| self.repositories[usize::from(id.0)].name.clone();
        let offers = package
            .versions
            .iter()
            .map(|offer| (offer.version.to_owned(), offer.priority, place(offer.repository)));
        let row = Row {
            architecture: package.architecture.to_owned(),
            description: package.description.to_owned(),
            offers: offers.collect(),
            records: package.versions.iter().map(|offer| offer.record.to_owned()).collect(),
            provides: package.provides.iter().map(|&name| name.to_owned()).collect(),
            candidate: package.candidate,
        };
        self.rows.entry(package.name.to_owned()).or_default().push(row);
        Ok(())
    }

    fn warning(&mut self, message: String) {
        self.warnings.push(message);
    }
}

/// A system as omg sees it.
pub(crate) struct System {
    pub(crate) dpkg: Dpkg,
    pub(crate) catalogue: Catalogue,
    pub(crate) installed: omg_core::Installed,
    native: String,
}

/// What `apt-cache policy` says of one package.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub(crate) struct Policy {
    pub(crate) installed: Option<String>,
    pub(crate) candidate: Option<String>,
    /// Versions with their priorities.
    pub(crate) versions: Vec<(String, i32)>,
}

impl System {
    pub(crate) async fn open(root: &Path, native: &str) -> Self {
        let dpkg = Dpkg::open(root).unwrap();
        let catalogue = dpkg.packages(Catalogue::default()).await.unwrap();
        let installed = dpkg.installed().await.unwrap();
        Self { dpkg, catalogue, installed, native: native.to_owned() }
    }

    /// What omg would choose for `name` or `name:architecture`.
    pub(crate) fn policy(&self, name: &str) -> Policy {
        let (name, wanted) = name.split_once(':').unwrap_or((name, &self.native));
        let effective = |architecture: &str| {
            if architecture == "all" { self.native.clone() } else { architecture.to_owned() }
        };
        let rows = self.catalogue.rows.get(name).map_or(&[][..], Vec::as_slice);
        let row = rows.iter().find(|row| effective(&row.architecture) == wanted);
        let own = self.installed.named(name).iter().find(|package| {
            package.state != omg_core::PackageState::ConfigFiles
                && effective(&package.architecture) == wanted
        });
        let installed = own.map(|package| &*package.version);
        let offers: Vec<KnownOffer<'_>> = row
            .map(|row| {
                row.offers
                    .iter()
                    .map(|(version, priority, _)| KnownOffer {
                        version,
                        priority: *priority,
                        repository: "",
                    })
                    .collect()
            })
            .unwrap_or_default();
        let architecture = own.map_or_else(
            || row.map_or(wanted, |row| &row.architecture),
            |package| &package.architecture,
        );
        let choice = self.dpkg.choose(&Known {
            name,
            source: omg_core::Source::Apt,
            architecture,
            section: "",
            installed,
            held: false,
            offers: &offers,
        });
        if installed.is_none() {
            assert_eq!(
                choice.offer.map(|at| offers[at].version),
                row.and_then(|row| row.candidate).map(|at| offers[at].version),
                "{name}"
            );
            assert!(!choice.upgrade);
        }
        Self::table(installed, &offers, &choice)
    }

    fn table(installed: Option<&str>, offers: &[KnownOffer<'_>], choice: &Choice) -> Policy {
        let mut versions: Vec<(String, i32)> = Vec::new();
        for offer in offers {
            let same = installed == Some(offer.version);
            let priority = if same { choice.installed_priority } else { offer.priority };
            let entry = (offer.version.to_owned(), priority);
            if versions.last() != Some(&entry) {
                versions.push(entry);
            }
        }
        if let Some(version) = installed
            && !versions.iter().any(|(known, _)| known == version)
        {
            versions.push((version.to_owned(), choice.installed_priority));
        }
        versions.sort();
        versions.dedup();
        let none = choice.offer.is_none();
        let candidate = choice.offer.map(|at| offers[at].version.to_owned()).or_else(|| {
            // Nothing is chosen, or what is installed stays; its priority tells which.
            installed.filter(|_| none && choice.installed_priority > 0).map(str::to_owned)
        });
        Policy { installed: installed.map(str::to_owned), candidate, versions }
    }
}

/// Reads what `apt-cache policy NAME…` prints.
pub(crate) fn read_policy(text: &str) -> BTreeMap<String, Policy> {
    let mut all: BTreeMap<String, Policy> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        let value = |start: &str| {
            line.strip_prefix(start)
                .map(|rest| Some(rest.to_owned()).filter(|rest| rest != "(none)"))
        };
        if !line.starts_with(' ') {
            line.trim_end_matches(':').clone_into(&mut current);
            all.entry(current.clone()).or_default();
        } else if let Some(policy) = all.get_mut(&current) {
            if let Some(version) = value("  Installed: ") {
                policy.installed = version;
            } else if let Some(version) = value("  Candidate: ") {
                policy.candidate = version;
            } else if line.starts_with(" *** ")
                || (line.starts_with("     ") && !line.starts_with("      "))
            {
                let mut words = line.get(5..).unwrap_or("").split_whitespace();
                if let (Some(version), Some(priority)) =
                    (words.next(), words.next().and_then(|word| word.parse().ok()))
                {
                    policy.versions.push((version.to_owned(), priority));
                }
            }
        }
    }
    for policy in all.values_mut() {
        policy.versions.sort();
        policy.versions.dedup();
    }
    all
}
