//! Which packages are needed, and what satisfies each dependency.

use std::collections::{BTreeMap, BTreeSet};

use omg_core::ProviderChoice;

use super::{Build, Kind, Lookup, MOST_PACKAGES, MOST_SEARCHES, Need, Origin};
use super::{Repositories, Request, Unsolvable};
use crate::constraint::{Constraint, bare};
use crate::error::Error;
use crate::name::is_name;
use crate::package::Package;
use crate::rpc::{Answer, check_term};

/// Everything that was found, not in order yet.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) builds: BTreeMap<String, Build>,
    pub(super) choices: Vec<ProviderChoice>,
    pub(super) age: u64,
    pub(super) stale: Option<String>,
}

struct Gatherer<'a, R, L> {
    request: &'a Request<'a>,
    repositories: &'a R,
    lookup: &'a L,
    /// Packages that are taken, by name.
    taken: BTreeMap<String, Package>,
    /// Answers of the AUR by name.
    named: BTreeMap<String, Option<Package>>,
    /// Answers of the AUR by provided name.
    providing: BTreeMap<String, Vec<Package>>,
    /// Dependencies of a base that are dealt with.
    done: BTreeSet<(String, Kind, String)>,
    result: Gathered,
}

/// A dependency that is not satisfied yet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Wanted {
    by: String,
    base: String,
    kind: Kind,
    dependency: String,
}

/// Follows the dependencies of the targets.
pub(super) async fn gather<R: Repositories, L: Lookup>(
    request: &Request<'_>,
    repositories: &R,
    lookup: &L,
) -> Result<Gathered, Error> {
    let mut gatherer = Gatherer {
        request,
        repositories,
        lookup,
        taken: BTreeMap::new(),
        named: BTreeMap::new(),
        providing: BTreeMap::new(),
        done: BTreeSet::new(),
        result: Gathered::default(),
    };
    let mut new = gatherer.targets().await?;
    while !new.is_empty() {
        new = gatherer.round(new).await?;
    }
    Ok(gatherer.finish())
}

// === impl Gatherer ===

impl<R: Repositories, L: Lookup> Gatherer<'_, R, L> {
    async fn targets(&mut self) -> Result<Vec<String>, Error> {
        let names: BTreeSet<String> =
            self.request.targets.iter().map(ToString::to_string).collect();
        self.fetch(names.clone()).await?;
        for name in &names {
            let Some(Some(package)) = self.named.get(name).cloned() else {
                let provided_by = self.search(name).await?;
                let provided_by = provided_by.into_iter().map(|package| package.name).collect();
                return Err(unsolvable(Unsolvable::NoTarget { name: name.clone(), provided_by }));
            };
            self.take(package)?;
        }
        Ok(names.into_iter().collect())
    }

    /// Satisfies what the new packages want; gives the packages that this takes in.
    async fn round(&mut self, new: Vec<String>) -> Result<Vec<String>, Error> {
        let mut wanted = Vec::new();
        for name in &new {
            self.wants(name, &mut wanted);
        }
        let unknown = wanted.iter().filter(|wanted| self.beyond_the_aur(wanted).is_none());
        let names = unknown.map(|wanted| bare(&wanted.dependency).to_owned()).collect();
        self.fetch(names).await?;
        let mut next = Vec::new();
        for wanted in wanted {
            let origin = self.satisfy(&wanted).await?;
            if let Origin::Aur(name) = &origin
                && !self.taken.contains_key(name)
                && let Some(package) = self.known(name)
            {
                self.take(package)?;
                next.push(name.clone());
            }
            if let Some(build) = self.result.builds.get_mut(&wanted.base) {
                let Wanted { by, kind, dependency, .. } = wanted;
                build.needs.push(Need { kind, wanted: dependency, by, origin });
            }
        }
        next.sort();
        Ok(next)
    }

    /// What a package wants, as far as its base has not wanted it before.
    fn wants(&mut self, name: &str, wanted: &mut Vec<Wanted>) {
        let Some(package) = self.taken.get(name) else { return };
        let lists = [
            (Kind::Runtime, &package.depends),
            (Kind::Make, &package.make_depends),
            (Kind::Check, &package.check_depends),
        ];
        for (kind, dependencies) in lists {
            if kind == Kind::Check && !self.request.checks {
                continue;
            }
            for dependency in dependencies.iter().filter(|text| !bare(text).is_empty()) {
                let key = (package.package_base.clone(), kind, dependency.clone());
                if self.done.insert(key) {
                    wanted.push(Wanted {
                        by: package.name.clone(),
                        base: package.package_base.clone(),
                        kind,
                        dependency: dependency.clone(),
                    });
                }
            }
        }
    }

    /// Looks names up that were not looked up before, all at once.
    async fn fetch(&mut self, names: BTreeSet<String>) -> Result<(), Error> {
        let unknown: Vec<&str> = names
            .iter()
            .map(String::as_str)
            // What can't be the name of a package can still be provided, as sonames are.
            .filter(|name| is_name(name) && !self.named.contains_key(*name))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let answer = self.lookup.named(&unknown).await?;
        self.named.extend(unknown.iter().map(|name| ((*name).to_owned(), None)));
        for package in self.note(answer) {
            self.named.insert(package.name.clone(), Some(package));
        }
        Ok(())
    }

    /// The AUR's packages that provide a name, the one with most votes first.
    async fn search(&mut self, name: &str) -> Result<Vec<Package>, Error> {
        if let Some(known) = self.providing.get(name) {
            return Ok(known.clone());
        }
        if check_term(name, false).is_err() {
            // The AUR can't be asked for it, so it has nothing that provides it.
            return Ok(Vec::new());
        }
        if self.providing.len() >= MOST_SEARCHES {
            return Err(unsolvable(Unsolvable::TooMany { limit: MOST_SEARCHES }));
        }
        let answer = self.lookup.providing(name).await?;
        let mut found = self.note(answer);
        found.sort_by(|a, b| b.num_votes.cmp(&a.num_votes).then_with(|| a.name.cmp(&b.name)));
        self.providing.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    fn note(&mut self, answer: Answer<Vec<Package>>) -> Vec<Package> {
        self.result.age = self.result.age.max(answer.age);
        self.result.stale = self.result.stale.take().or(answer.stale);
        answer.value
    }

    fn take(&mut self, package: Package) -> Result<(), Error> {
        if self.taken.len() >= MOST_PACKAGES {
            return Err(unsolvable(Unsolvable::TooMany { limit: MOST_PACKAGES }));
        }
        let base = package.package_base.clone();
        let build = self.result.builds.entry(base.clone()).or_insert_with(|| Build {
            base,
            version: package.version.clone(),
            packages: Vec::new(),
            needs: Vec::new(),
        });
        build.packages.push(package.clone());
        self.taken.insert(package.name.clone(), package);
        Ok(())
    }

    fn known(&self, name: &str) -> Option<Package> {
        let named = self.named.get(name).and_then(Option::as_ref);
        let provider = || self.providing.values().flatten().find(|package| package.name == name);
        named.or_else(provider).cloned()
    }

    fn accepts(&self, constraint: Constraint<'_>, package: &Package) -> bool {
        let Package { name, version, provides, .. } = package;
        constraint.accepts(name, version, provides, self.request.compare)
    }

    /// May this package satisfy it, as far as being built in time goes?
    fn in_time(wanted: &Wanted, package: &Package) -> bool {
        wanted.kind == Kind::Runtime || package.package_base != wanted.base
    }

    fn chosen(&self, wanted: &Wanted) -> Option<&str> {
        let name = bare(&wanted.dependency);
        let mut chosen = self.request.providers.iter();
        chosen.find(|(of, _)| of == name || *of == wanted.dependency).map(|(_, by)| by.as_str())
    }

    /// What satisfies it without asking the AUR: in that order, what is installed, what is built
    /// anyway, a repository.
    fn beyond_the_aur(&self, wanted: &Wanted) -> Option<Found> {
        if self.repositories.satisfies_installed(&wanted.dependency) {
            return Some(Found::One(Origin::Installed));
        }
        let constraint = Constraint::parse(&wanted.dependency);
        let chosen = self.chosen(wanted);
        let built = |package: &&Package| {
            self.accepts(constraint, package)
                && Self::in_time(wanted, package)
                && chosen.is_none_or(|chosen| chosen == package.name)
        };
        let by_name = self.taken.get(constraint.name).filter(built);
        if let Some(package) = by_name.or_else(|| self.taken.values().find(built)) {
            return Some(Found::One(Origin::Aur(package.name.clone())));
        }
        let offers = self.repositories.providers(&wanted.dependency);
        let suits = |chosen: &str| offers.iter().any(|offer| offer == chosen);
        if offers.is_empty() || chosen.is_some_and(|chosen| !suits(chosen)) {
            return None;
        }
        Some(Found::Several(offers))
    }

    async fn satisfy(&mut self, wanted: &Wanted) -> Result<Origin, Error> {
        match self.beyond_the_aur(wanted) {
            Some(Found::One(origin)) => return Ok(origin),
            Some(Found::Several(offers)) => {
                return self.pick(wanted, offers).map(Origin::Repository);
            }
            None => {}
        }
        let constraint = Constraint::parse(&wanted.dependency);
        let chosen = self.chosen(wanted).map(str::to_owned);
        let own = self.named.get(constraint.name).cloned().flatten();
        if let Some(package) = own.as_ref().filter(|_| chosen.is_none())
            && self.accepts(constraint, package)
            && Self::in_time(wanted, package)
        {
            return Ok(Origin::Aur(package.name.clone()));
        }
        let name = constraint.name.to_owned();
        let mut found = self.search(&name).await?;
        if let Some(own) = own.filter(|own| !found.iter().any(|package| package.name == own.name)) {
            found.insert(0, own);
        }
        let constraint = Constraint::parse(&wanted.dependency);
        let suits = |package: &&Package| self.accepts(constraint, package);
        let suitable: Vec<&Package> = found.iter().filter(suits).collect();
        let in_time = suitable.iter().filter(|package| Self::in_time(wanted, package));
        let options: Vec<String> = in_time.map(|package| package.name.clone()).collect();
        if !options.is_empty() {
            return self.pick(wanted, options).map(Origin::Aur);
        }
        if let Some(itself) = suitable.first() {
            let path = vec![wanted.base.clone(), itself.package_base.clone()];
            return Err(unsolvable(Unsolvable::Cycle { path }));
        }
        let offers = found.iter().map(|package| format!("{} {}", package.name, package.version));
        Err(unsolvable(Unsolvable::Missing {
            package: wanted.by.clone(),
            kind: wanted.kind.phrase(),
            dependency: wanted.dependency.clone(),
            offers: offers.collect(),
        }))
    }

    /// One of several: the one that was chosen, what the callback says, the first.
    fn pick(&mut self, wanted: &Wanted, options: Vec<String>) -> Result<String, Error> {
        if let Some(chosen) = self.chosen(wanted)
            && !options.iter().any(|option| option == chosen)
        {
            let (wanted, chosen) = (wanted.dependency.clone(), chosen.to_owned());
            return Err(unsolvable(Unsolvable::NoProvider { wanted, chosen, options }));
        }
        let asked = |choose: &super::Choose| choose(&wanted.dependency, &wanted.by, &options);
        let picked = match (self.chosen(wanted), self.request.choose) {
            (Some(chosen), _) => chosen.to_owned(),
            (None, Some(choose)) if options.len() > 1 => asked(choose)
                .and_then(|at| options.get(at))
                .or(options.first())
                .cloned()
                .unwrap_or_default(),
            (None, _) => options.first().cloned().unwrap_or_default(),
        };
        if options.len() > 1 {
            self.result.choices.push(ProviderChoice {
                wanted: wanted.dependency.clone(),
                wanted_by: wanted.by.clone(),
                chosen: picked.clone(),
                options,
            });
        }
        Ok(picked)
    }

    fn finish(self) -> Gathered {
        let mut result = self.result;
        for build in result.builds.values_mut() {
            build.packages.sort_by(|a, b| a.name.cmp(&b.name));
            build.needs.sort();
        }
        let key = |choice: &ProviderChoice| (choice.wanted.clone(), choice.wanted_by.clone());
        result.choices.sort_by_key(key);
        result
    }
}

/// What there is for a dependency.
enum Found {
    One(Origin),
    /// Packages of repositories.
    Several(Vec<String>),
}

fn unsolvable(why: Unsolvable) -> Error {
    Box::new(why).into()
}
