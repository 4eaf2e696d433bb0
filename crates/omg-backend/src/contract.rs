//! What every backend must do, as one suite.
//!
//! A backend's tests call [`contract`] over systems of their own (and the machine's), and [`moves`]
//! with something that changes the system. Both fail by assertion, saying what does not hold.
//!
//! ```
//! use omg_backend::contract::{Expected, contract};
//! use omg_backend::fake::{Fake, FakePackage};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let backend = Fake::new([FakePackage::new("vim", "9.0", "Vi IMproved").installed("8.2", false)]);
//! contract(&backend, &Expected { installed: &[("vim", "8.2")], candidates: &[("vim", "9.0")] }).await;
//! # });
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use omg_core::{Available, Fault, Installed, PackageState, Repository, RepositoryId, Sink, Source};

pub mod plans;

use crate::{Choice, Generations, Known, KnownOffer, PackageManager};

/// Packages whose files are asked for.
const ASKED: usize = 5;

/// Paths of each of them that are looked up again.
const PATHS: usize = 10;

/// What is known of the system under test beforehand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// Names with their installed versions; there may be more.
    pub installed: &'a [(&'a str, &'a str)],
    /// Names with their candidates' versions; there may be more.
    pub candidates: &'a [(&'a str, &'a str)],
}

/// A catalogue as it came out of a backend.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Catalogue {
    repositories: Vec<(String, Source)>,
    packages: BTreeMap<(String, String), Package>,
    twice: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Package {
    section: String,
    versions: Vec<Version>,
    candidate: Option<usize>,
    names: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Version {
    text: String,
    repository: RepositoryId,
    priority: i32,
    record: String,
}

/// Checks everything that holds for any system at rest, and what is expected of this one.
///
/// # Panics
/// Where the backend breaks the contract.
pub async fn contract<M: PackageManager>(backend: &M, expected: &Expected<'_>) {
    let generations = good("generations", backend.generations().await);
    let catalogue = good("packages", backend.packages(Catalogue::default()).await);
    let installed = good("installed", backend.installed().await);
    check_catalogue(backend, &catalogue);
    check_installed(backend, &installed);
    check_choices(backend, &catalogue, &installed);
    check_expected(backend, &catalogue, &installed, expected);
    check_files(backend, &installed).await;
    check_dropped(backend).await;
    check_together(backend, &catalogue, &installed).await;
    let after = good("generations", backend.generations().await);
    assert_eq!(generations, after, "reading must not move the generations");
}

/// Checks that a change of the system moves the generations, each only if `moved` says so, and that
/// what is read afterwards belongs to them. Gives what the generations are then.
///
/// # Panics
/// Where the backend breaks the contract.
pub async fn moves<M: PackageManager>(
    backend: &M,
    moved: (bool, bool),
    change: impl FnOnce(),
) -> Generations {
    let before = good("generations", backend.generations().await);
    change();
    let after = good("generations", backend.generations().await);
    let (catalogue, installed) = moved;
    assert_eq!(
        before.catalogue != after.catalogue,
        catalogue,
        "the catalogue's generation after the change"
    );
    assert_eq!(
        before.installed != after.installed,
        installed,
        "the installed generation after the change"
    );
    assert_eq!(
        before.combined() != after.combined(),
        catalogue || installed,
        "both generations together"
    );
    good("packages", backend.packages(Catalogue::default()).await);
    good("installed", backend.installed().await);
    assert_eq!(
        after,
        good("generations", backend.generations().await),
        "reading must not move the generations"
    );
    after
}

#[expect(clippy::panic, reason = "the suite is for tests; this is how it reports")]
fn good<T>(what: &str, result: Result<T, Fault>) -> T {
    result.unwrap_or_else(|fault| panic!("{what} failed: {fault}"))
}

fn check_catalogue<M: PackageManager>(backend: &M, catalogue: &Catalogue) {
    assert!(catalogue.twice.is_empty(), "packages that came twice: {:?}", catalogue.twice);
    for ((name, architecture), package) in &catalogue.packages {
        assert!(
            !name.is_empty() && !architecture.is_empty(),
            "a package without name or architecture"
        );
        assert!(!package.versions.is_empty(), "{name} has no version");
        assert!(
            package.candidate.is_none_or(|at| at < package.versions.len()),
            "{name}: candidate out of range"
        );
        assert!(
            package.names.iter().all(|name| !name.is_empty()),
            "{name} relates to an empty name"
        );
        for version in &package.versions {
            let known = usize::from(version.repository.0) < catalogue.repositories.len();
            assert!(known, "{name} {}: repository was not announced", version.text);
            let details = backend.details(catalogue.source(version.repository), &version.record);
            assert_eq!(
                (details.name, details.version),
                (&**name, &*version.text),
                "its record says otherwise"
            );
            assert_eq!(
                details.installed_version, None,
                "{name}: a record can't say what is installed"
            );
            for item in details.depends.iter().chain(&details.pre_depends) {
                let names = backend.alternatives(item);
                assert!(!names.is_empty(), "{name}: nothing could satisfy '{item}'");
            }
        }
    }
}

fn check_installed<M: PackageManager>(backend: &M, installed: &Installed) {
    let key = |at: usize| {
        installed.packages.get(at).map(|package| (&package.name, &package.architecture))
    };
    for (at, package) in installed.packages.iter().enumerate() {
        let name = &package.name;
        assert!(
            at == 0 || key(at - 1) < key(at),
            "{name}: not sorted by name and architecture, or twice"
        );
        assert!(
            installed.text.get(package.record.clone()).is_some(),
            "{name}: its record is out of range"
        );
        let details = backend.details(package.source, installed.record(package));
        assert_eq!(details.name, &**name, "its record is another package's");
        assert!(
            package.state == PackageState::ConfigFiles || details.version == &*package.version,
            "{name}: its record says {}",
            details.version
        );
        assert!(!package.orphan || package.automatic, "{name}: an orphan that the user asked for");
        assert_eq!(package.source, backend.source(), "{name}");
    }
    assert!(
        installed.edges.windows(2).all(|pair| pair[0] < pair[1]),
        "edges are not sorted, or come twice"
    );
    for edge in &installed.edges {
        let there = |at: u32| {
            installed
                .packages
                .get(at as usize)
                .is_some_and(|package| package.state != PackageState::ConfigFiles)
        };
        assert!(
            there(edge.from) && there(edge.to),
            "an edge leads to or from what is not there: {edge:?}"
        );
    }
}

fn check_choices<M: PackageManager>(backend: &M, catalogue: &Catalogue, installed: &Installed) {
    let nothing = Known {
        name: "x",
        source: backend.source(),
        architecture: "all",
        section: "",
        installed: None,
        held: false,
        offers: &[],
    };
    let none = backend.choose(&nothing);
    assert_eq!((none.offer, none.upgrade), (None, false), "a choice out of nothing");
    for ((name, architecture), package) in &catalogue.packages {
        let offers = catalogue.offers(package);
        let source = catalogue.source_of(package);
        let section = &*package.section;
        let known = Known { name, source, architecture, section, offers: &offers, ..nothing };
        let choice = backend.choose(&known);
        assert_eq!(
            choice.offer, package.candidate,
            "{name}: a fresh install is what packages() says"
        );
        let newer = choice.upgrade || choice.ignored;
        assert!(!newer, "{name}: an upgrade of what is not installed");
    }
    for package in installed.present() {
        let (name, architecture) = (&*package.name, &*package.architecture);
        let Some(available) = catalogue.packages.get(&(name.to_string(), architecture.to_string()))
        else {
            continue;
        };
        let offers = catalogue.offers(available);
        let known = Known {
            name,
            source: catalogue.source_of(available),
            architecture,
            section: &available.section,
            installed: Some(&package.version),
            held: package.held,
            offers: &offers,
        };
        let choice: Choice = backend.choose(&known);
        assert_eq!(choice, backend.choose(&known), "{name}: two choices differ");
        let taken = choice.offer.map(|at| offers.get(at));
        assert_ne!(taken, Some(None), "{name}: the choice is out of range");
        assert!(!(choice.upgrade && choice.ignored), "{name}: an upgrade is taken and it is not");
        if choice.upgrade || choice.ignored {
            let version = taken.flatten().map(|offer| offer.version);
            assert!(
                version.is_some_and(|version| version != &*package.version),
                "{name}: an upgrade to {version:?}"
            );
        }
    }
}

fn check_expected<M: PackageManager>(
    backend: &M,
    catalogue: &Catalogue,
    installed: &Installed,
    expected: &Expected<'_>,
) {
    for (name, version) in expected.installed {
        let found = installed.named(name).iter().any(|package| &*package.version == *version);
        assert!(found, "{name} {version} is expected to be installed");
    }
    for (name, version) in expected.candidates {
        let installed = installed.named(name).first().map(|package| &*package.version);
        let found = catalogue.packages.iter().filter(|((found, _), _)| found == name).any(
            |((_, arch), package)| {
                let offers = catalogue.offers(package);
                let source = catalogue.source_of(package);
                let choice = backend.choose(&Known {
                    name,
                    source,
                    architecture: arch,
                    section: &package.section,
                    installed,
                    held: false,
                    offers: &offers,
                });
                let taken = choice.offer.and_then(|at| offers.get(at)).map(|offer| offer.version);
                taken.or(installed) == Some(version)
            },
        );
        assert!(found, "{version} is expected to be the candidate of {name}");
    }
}

/// `files` and `owns` are each other's inverse.
async fn check_files<M: PackageManager>(backend: &M, installed: &Installed) {
    for package in installed.present().take(ASKED) {
        let name = &*package.name;
        let paths = good("files", backend.files(name, &package.architecture).await);
        // "/." stands for the root, which every package has.
        for path in paths.iter().filter(|path| !path.ends_with("/.")).take(PATHS) {
            assert!(path.starts_with('/'), "{name}: {path} is not absolute");
            let owners = good("owns", backend.owns(path).await);
            let found = owners.matches.iter().any(|owner| owner.package == name && owner.installed);
            assert!(found, "{path} is a file of {name}, but its owners are {:?}", owners.matches);
        }
    }
    let nobody = good("owns", backend.owns("/nobody/owns\u{1}this").await);
    assert!(nobody.matches.is_empty(), "what does not exist has owners: {:?}", nobody.matches);
}

/// Futures dropped before and after their first poll leave everything as it was.
async fn check_dropped<M: PackageManager>(backend: &M) {
    let before = good("installed", backend.installed().await);
    for poll in [false, true] {
        let mut context = Context::from_waker(Waker::noop());
        let mut begin = |future: &mut dyn FnMut(&mut Context<'_>)| {
            if poll {
                future(&mut context);
            }
        };
        let (mut all, mut there) =
            (pin!(backend.packages(Catalogue::default())), pin!(backend.installed()));
        let (mut files, mut moved) = (pin!(backend.owns("/bin/sh")), pin!(backend.generations()));
        begin(&mut |context| drop(all.as_mut().poll(context)));
        begin(&mut |context| drop(there.as_mut().poll(context)));
        begin(&mut |context| drop(files.as_mut().poll(context)));
        begin(&mut |context| drop(moved.as_mut().poll(context)));
    }
    let after = good("installed", backend.installed().await);
    assert_eq!(before.packages, after.packages, "a dropped call left something behind");
}

/// Readers at the same time see the same.
async fn check_together<M: PackageManager>(
    backend: &M,
    catalogue: &Catalogue,
    installed: &Installed,
) {
    let mut lists: Vec<_> =
        (0..2).map(|_| Box::pin(backend.packages(Catalogue::default()))).collect();
    let mut there: Vec<_> = (0..4).map(|_| Box::pin(backend.installed())).collect();
    for again in together(&mut lists).await {
        assert!(*catalogue == good("packages", again), "two readers of the catalogue disagree");
    }
    for again in together(&mut there).await {
        assert_eq!(
            installed.packages,
            good("installed", again).packages,
            "two readers of what is installed disagree"
        );
    }
}

/// Polls all of them until each has ended.
async fn together<F: Future + Unpin>(futures: &mut [F]) -> Vec<F::Output> {
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(output) = std::pin::Pin::new(future).poll(context) {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

// === impl Catalogue ===

impl Catalogue {
    fn source(&self, repository: RepositoryId) -> Source {
        self.repositories
            .get(usize::from(repository.0))
            .map_or(Source::Runtime, |(_, source)| *source)
    }

    fn source_of(&self, package: &Package) -> Source {
        package.versions.first().map_or(Source::Runtime, |version| self.source(version.repository))
    }

    fn offers<'a>(&'a self, package: &'a Package) -> Vec<KnownOffer<'a>> {
        let name = |id: RepositoryId| {
            self.repositories.get(usize::from(id.0)).map_or("", |(name, _)| name.as_str())
        };
        package
            .versions
            .iter()
            .map(|version| KnownOffer {
                version: &version.text,
                priority: version.priority,
                repository: name(version.repository),
            })
            .collect()
    }
}

impl Sink for Catalogue {
    fn repository(&mut self, repository: &Repository) -> Result<RepositoryId, Fault> {
        assert!(!repository.name.is_empty(), "a repository without a name");
        self.repositories.push((repository.name.clone(), repository.source));
        Ok(RepositoryId(u16::try_from(self.repositories.len() - 1).unwrap_or(u16::MAX)))
    }

    fn package(&mut self, package: &Available<'_>) -> Result<(), Fault> {
        let names: BTreeSet<&str> = package
            .provides
            .iter()
            .copied()
            .chain(package.relations.iter().map(|relation| relation.name))
            .collect();
        let versions = package
            .versions
            .iter()
            .map(|offer| Version {
                text: offer.version.to_string(),
                repository: offer.repository,
                priority: offer.priority,
                record: offer.record.to_string(),
            })
            .collect();
        let names = names.into_iter().map(ToString::to_string).collect();
        let key = (package.name.to_string(), package.architecture.to_string());
        let section = package.section.to_string();
        let whole = Package { section, versions, candidate: package.candidate, names };
        if self.packages.insert(key, whole).is_some() {
            self.twice.push(package.name.to_string());
        }
        Ok(())
    }

    fn warning(&mut self, _: String) {}
}
