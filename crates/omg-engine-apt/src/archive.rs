//! What libapt is too slow to tell: hashes and repositories of everything that is offered.
//!
//! libapt seeks in the lists for every record; in compressed ones each takes 5 ms. Read in one go
//! they take as long in all as a few dozen records do.

use std::collections::HashMap;
use std::path::Path;

use crate::describe::file_name;
use omg_backend::PackageManager;
use omg_backend_dpkg::Dpkg;
use omg_core::{Available, Fault, Repository, RepositoryId, Sink};

/// Hashes and repositories by name, version and architecture.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    repositories: Vec<String>,
    offers: HashMap<String, Offered>,
}

#[derive(Clone, Debug)]
struct Offered {
    repository: RepositoryId,
    sha256: Option<Box<str>>,
}

impl Archive {
    /// Reads the lists below `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, Fault> {
        let dpkg = Dpkg::open(root)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| {
            Fault::caused_by(omg_core::Code::Failure, "the lists can't be read", &error)
        })?;
        runtime.block_on(dpkg.packages(Self::default()))
    }

    /// The repository that offers a version, and the SHA-256 of the archive there.
    pub(crate) fn find(
        &self,
        name: &str,
        version: &str,
        architecture: &str,
    ) -> Option<(&str, Option<&str>)> {
        let offer = self.offers.get(&key(name, version, architecture))?;
        let repository = self.repositories.get(usize::from(offer.repository.0))?;
        Some((repository, offer.sha256.as_deref()))
    }
}

impl Archive {
    /// Archives of a package: names in apt's cache, and SHA-256.
    pub(crate) fn versions(&self, name: &str, architecture: &str) -> Vec<(String, String)> {
        let archives = self.offers.iter().filter_map(|(key, offer)| {
            let (of, rest) = key.split_once('\n')?;
            let (version, on) = rest.split_once('\n')?;
            let sha256 = offer.sha256.as_deref().filter(|_| of == name && on == architecture)?;
            Some((file_name(name, version, architecture), sha256.to_owned()))
        });
        archives.collect()
    }
}

impl Sink for Archive {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        let id = RepositoryId(u16::try_from(self.repositories.len()).unwrap_or(u16::MAX));
        self.repositories.push(repository.name.clone());
        Ok(id)
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        for offer in package.versions {
            let sha256 = field(offer.record, "SHA256").filter(|hash| is_sha256(hash));
            let architecture = field(offer.record, "Architecture").unwrap_or(package.architecture);
            let offered = Offered {
                repository: offer.repository,
                sha256: sha256.map(|hash| hash.to_ascii_lowercase().into()),
            };
            self.offers.entry(key(package.name, offer.version, architecture)).or_insert(offered);
        }
        Ok(())
    }

    fn warning(&mut self, _: String) {}
}

fn key(name: &str, version: &str, architecture: &str) -> String {
    format!("{name}\n{version}\n{architecture}")
}

/// A field of one line in a record.
fn field<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    let line = record.lines().find(|line| {
        let (head, rest) = line.split_at_checked(name.len()).unwrap_or(("", ""));
        head.eq_ignore_ascii_case(name) && rest.starts_with(':')
    })?;
    line.get(name.len() + 1..).map(str::trim)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
