use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::constraint::Constraint;

/// Everything that there is, in memory.
#[derive(Clone, Debug, Default)]
struct World {
    aur: Vec<Package>,
    /// Packages of repositories with what they provide.
    repositories: BTreeMap<String, Vec<String>>,
    installed: BTreeSet<String>,
    /// Requests for names, each with how many it had.
    asked: std::sync::Arc<std::sync::Mutex<Vec<usize>>>,
}

fn order(left: &str, right: &str) -> Ordering {
    let number =
        |text: &str| text.split(['.', '-']).map(|part| part.parse().unwrap_or(0)).collect();
    let (left, right): (Vec<u32>, Vec<u32>) = (number(left), number(right));
    left.cmp(&right)
}

impl Repositories for World {
    fn satisfies_installed(&self, dependency: &str) -> bool {
        self.installed.contains(Constraint::parse(dependency).name)
    }

    fn providers(&self, dependency: &str) -> Vec<String> {
        let constraint = Constraint::parse(dependency);
        let suits = |(name, provides): &(&String, &Vec<String>)| {
            constraint.accepts(name, "1-1", *provides, order)
        };
        if self.repositories.get_key_value(constraint.name).as_ref().is_some_and(suits) {
            return vec![constraint.name.to_owned()];
        }
        self.repositories.iter().filter(suits).map(|(name, _)| name.clone()).collect()
    }
}

impl World {
    fn answer(&self, wanted: impl Fn(&Package) -> bool) -> Answer<Vec<Package>> {
        let value = self.aur.iter().filter(|package| wanted(package)).cloned().collect();
        Answer { value, age: 0, stale: None, warnings: Vec::new() }
    }

    fn add(&mut self, name: &str, depends: &[&str], make: &[&str]) -> &mut Package {
        let list = |items: &[&str]| items.iter().map(ToString::to_string).collect();
        self.aur.push(Package {
            name: name.into(),
            package_base: name.into(),
            version: "1-1".into(),
            depends: list(depends),
            make_depends: list(make),
            ..Package::default()
        });
        self.aur.last_mut().unwrap()
    }

    fn resolve_with(
        &self,
        targets: &[&str],
        providers: &[(&str, &str)],
        choose: Option<&Choose>,
    ) -> Result<Resolution, Error> {
        let pairs: Vec<(String, String)> =
            providers.iter().map(|(of, by)| ((*of).into(), (*by).into())).collect();
        let request = Request { targets, providers: &pairs, checks: true, compare: order, choose };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(resolve(&request, self, self))
    }

    fn resolve(&self, targets: &[&str]) -> Result<Resolution, Error> {
        self.resolve_with(targets, &[], None)
    }

    fn unsolvable(&self, targets: &[&str]) -> Unsolvable {
        match self.resolve(targets) {
            Err(Error::Unsolvable(why)) => *why,
            other => panic!("{other:?}"),
        }
    }
}

impl Lookup for World {
    async fn named(&self, names: &[&str]) -> Result<Answer<Vec<Package>>, Error> {
        self.asked.lock().unwrap().push(names.len());
        Ok(self.answer(|package| names.contains(&&*package.name)))
    }

    async fn providing(&self, name: &str) -> Result<Answer<Vec<Package>>, Error> {
        Ok(self.answer(|package| {
            let provides = package.provides.iter();
            package.name == name
                || provides.map(|item| Constraint::parse(item).name).any(|it| it == name)
        }))
    }
}

fn bases(resolution: &Resolution) -> Vec<&str> {
    resolution.builds.iter().map(|build| &*build.base).collect()
}

#[test]
fn builds_come_after_what_they_need() {
    let mut world = World::default();
    world.add("app", &["lib", "glibc"], &["tool", "cmake"]);
    world.add("lib", &["base-lib"], &[]);
    world.add("tool", &["base-lib>=1"], &[]).check_depends = vec!["pytest".into()];
    world.add("base-lib", &[], &[]);
    world.repositories.insert("cmake".into(), vec![]);
    world.repositories.insert("pytest".into(), vec![]);
    world.installed.insert("glibc".into());
    let resolution = world.resolve(&["app"]).unwrap();
    assert_eq!(bases(&resolution), ["base-lib", "lib", "tool", "app"]);
    let app = &resolution.builds[3];
    assert_eq!(app.from_aur(Kind::Runtime), ["lib"]);
    assert_eq!(app.from_aur(Kind::Make), ["tool"]);
    assert_eq!(app.from_repositories(Kind::Make), ["cmake"]);
    assert_eq!(app.from_repositories(Kind::Runtime), [""; 0]);
    assert_eq!(resolution.builds[2].from_repositories(Kind::Check), ["pytest"]);
    // One request for each step, not for each name.
    assert_eq!(*world.asked.lock().unwrap(), [1, 2, 1]);
}

#[test]
fn split_packages_are_built_together_and_once() {
    let mut world = World::default();
    for name in ["suite-app", "suite-lib", "suite-docs"] {
        world.add(name, &[], &["cmake"]).package_base = "suite".into();
    }
    world.aur[0].depends = vec!["suite-lib=1-1".into()];
    world.add("other", &["suite-lib"], &[]);
    world.repositories.insert("cmake".into(), vec![]);
    let resolution = world.resolve(&["other", "suite-app"]).unwrap();
    assert_eq!(bases(&resolution), ["suite", "other"]);
    let names: Vec<_> =
        resolution.builds[0].packages.iter().map(|package| &*package.name).collect();
    assert_eq!(names, ["suite-app", "suite-lib"]);
}

#[test]
fn repositories_come_before_the_aur_and_installed_before_both() {
    let mut world = World::default();
    world.add("app", &["dep", "virtual"], &[]);
    world.add("dep", &[], &[]);
    world.add("virtual", &[], &[]);
    world.repositories.insert("dep".into(), vec![]);
    world.repositories.insert("real".into(), vec!["virtual".into()]);
    assert_eq!(bases(&world.resolve(&["app"]).unwrap()), ["app"]);
    let build = world.resolve(&["app"]).unwrap().builds.remove(0);
    assert_eq!(build.from_repositories(Kind::Runtime), ["dep", "real"]);
    world.installed.extend(["dep".to_owned(), "virtual".into()]);
    let build = world.resolve(&["app"]).unwrap().builds.remove(0);
    assert!(build.needs.iter().all(|need| need.origin == Origin::Installed));
    // A target that is to be built satisfies before a repository does.
    world.installed.clear();
    let resolution = world.resolve(&["app", "dep"]).unwrap();
    assert_eq!(bases(&resolution), ["dep", "app"]);
}

#[test]
fn versions_are_looked_at() {
    let mut world = World::default();
    world.add("app", &["dep>=2"], &[]);
    world.add("dep", &[], &[]);
    world.repositories.insert("dep".into(), vec![]);
    let why = world.unsolvable(&["app"]);
    assert_eq!(
        why.to_string(),
        "'app' depends on 'dep>=2', which nothing provides (there is dep 1-1)"
    );
    assert_eq!(why.advice().as_deref(), Some("omg search dep"));
    world.aur[1].version = "2.5-1".into();
    assert_eq!(bases(&world.resolve(&["app"]).unwrap()), ["dep", "app"]);
    world.aur[1].version = "1-1".into();
    world.add("dep-git", &[], &[]).provides = vec!["dep=3".into()];
    assert_eq!(bases(&world.resolve(&["app"]).unwrap()), ["dep-git", "app"]);
    world.aur[2].provides = vec!["dep".into()];
    assert!(matches!(world.unsolvable(&["app"]), Unsolvable::Missing { .. }));
}

#[test]
fn providers_are_chosen_by_votes_by_name_or_by_the_user() {
    let mut world = World::default();
    world.add("app", &["java>=1"], &[]);
    for (name, votes) in [("a-java", 1), ("b-java", 9), ("c-java", 9)] {
        let package = world.add(name, &[], &[]);
        package.provides = vec!["java=5".into()];
        package.num_votes = votes;
    }
    let resolution = world.resolve(&["app"]).unwrap();
    assert_eq!(bases(&resolution), ["b-java", "app"]);
    let choice = &resolution.providers[0];
    assert_eq!(
        (&*choice.wanted, &*choice.wanted_by, &*choice.chosen),
        ("java>=1", "app", "b-java")
    );
    assert_eq!(choice.options, ["b-java", "c-java", "a-java"]);
    let chosen = world.resolve_with(&["app"], &[("java", "a-java")], None).unwrap();
    assert_eq!(bases(&chosen), ["a-java", "app"]);
    let last: &Choose = &|_, _, options| Some(options.len() - 1);
    assert_eq!(bases(&world.resolve_with(&["app"], &[], Some(last)).unwrap()), ["a-java", "app"]);
    let wild: &Choose = &|_, _, _| Some(99);
    assert_eq!(bases(&world.resolve_with(&["app"], &[], Some(wild)).unwrap()), ["b-java", "app"]);
    let error = world.resolve_with(&["app"], &[("java", "vim")], None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "'vim' does not provide 'java>=1'; these do: b-java, c-java, a-java"
    );
    assert_eq!(error.fault().code, omg_core::Code::Usage);
    // Of repositories the first, unless another one or one of the AUR was chosen.
    world.repositories.insert("jdk-1".into(), vec!["java=1".into()]);
    world.repositories.insert("jdk-2".into(), vec!["java=2".into()]);
    assert_eq!(bases(&world.resolve(&["app"]).unwrap()), ["app"]);
    let of = |chosen| world.resolve_with(&["app"], &[("java", chosen)], None).unwrap();
    assert_eq!(of("jdk-2").builds[0].from_repositories(Kind::Runtime), ["jdk-2"]);
    assert_eq!(bases(&of("c-java")), ["c-java", "app"]);
}

#[test]
fn what_is_built_anyway_is_preferred_but_nothing_is_built_with_itself() {
    let mut world = World::default();
    world.add("app", &["curl"], &[]);
    world.add("curl-git", &[], &[]).provides = vec!["curl=9".into()];
    world.add("rust-git", &[], &["rust"]).provides = vec!["rust".into()];
    world.repositories.insert("curl".into(), vec![]);
    world.repositories.insert("rust".into(), vec![]);
    assert_eq!(bases(&world.resolve(&["app"]).unwrap()), ["app"]);
    assert_eq!(bases(&world.resolve(&["app", "curl-git"]).unwrap()), ["curl-git", "app"]);
    let rust = world.resolve(&["rust-git"]).unwrap();
    assert_eq!(rust.builds[0].from_repositories(Kind::Make), ["rust"]);
    world.repositories.clear();
    let why = world.unsolvable(&["rust-git"]);
    assert_eq!(why, Unsolvable::Cycle { path: vec!["rust-git".into(), "rust-git".into()] });
}

#[test]
fn cycles_are_named() {
    let mut world = World::default();
    world.add("top", &["b"], &[]);
    world.add("b", &["c"], &[]);
    world.add("c", &[], &["a"]);
    world.add("a", &["b"], &[]);
    let why = world.unsolvable(&["top"]);
    assert_eq!(why.to_string(), "these need each other before they can be built: a -> b -> c -> a");
}

#[test]
fn missing_packages_are_told_with_who_wants_them() {
    let mut world = World::default();
    world.add("app", &[], &["gone"]);
    world.add("real", &[], &[]).provides = vec!["thing".into()];
    let why = world.unsolvable(&["app"]).to_string();
    assert_eq!(why, "'app' needs for building 'gone', which nothing provides");
    let why = world.unsolvable(&["thing"]);
    assert_eq!(why.to_string(), "the AUR has no package 'thing'");
    assert_eq!(
        (why.suggestions(), why.code()),
        (&["real".to_owned()][..], omg_core::Code::NotFound)
    );
}

#[test]
fn a_request_that_grows_without_end_is_refused() {
    let mut world = World::default();
    for at in 0..=MOST_PACKAGES {
        world.add(&format!("p{at}"), &[&format!("p{}", at + 1)], &[]);
    }
    assert_eq!(world.unsolvable(&["p0"]), Unsolvable::TooMany { limit: MOST_PACKAGES });
    let mut world = World::default();
    let names: Vec<String> = (0..=MOST_SEARCHES).map(|at| format!("lib{at}.so")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.add("app", &names, &[]);
    for name in &names {
        world.add(&format!("{name}-impl"), &[], &[]).provides = vec![(*name).to_owned()];
    }
    assert_eq!(world.unsolvable(&["app"]), Unsolvable::TooMany { limit: MOST_SEARCHES });
}

#[test]
fn what_is_too_new_is_told_unless_it_is_exempt() {
    const DAY: u64 = 86_400;
    let mut world = World::default();
    for (name, submitted, modified) in
        [("old", 0, 0), ("changed", 0, 99), ("new", 98, 99), ("future", 0, 101), ("edge", 0, 97)]
    {
        let package = world.add(name, &[], &[]);
        (package.first_submitted, package.last_modified) = (submitted * DAY, modified * DAY);
    }
    let resolution = world.resolve(&["old", "changed", "new", "future", "edge"]).unwrap();
    let found = young(&resolution, 100 * DAY, 3 * DAY, &[]);
    let found: Vec<_> = found.iter().map(|it| (&*it.base, it.modified / DAY, it.is_new)).collect();
    assert_eq!(found, [("changed", 1, false), ("future", 0, false), ("new", 1, true)]);
    let found = young(&resolution, 100 * DAY, 3 * DAY, &["new", "changed"]);
    assert_eq!(found.len(), 1);
    assert_eq!(young(&resolution, 100 * DAY, 0, &[]), []);
}

/// A world drawn at random. Without `cycles` bases need only bases of higher numbers.
fn worlds(cycles: bool) -> impl Strategy<Value = World> {
    let dependency = (0..40_usize, 0..8_u8, 0..3_u8);
    let package = (proptest::collection::vec(dependency, 0..5), 0..4_u32, 0..3_u32);
    proptest::collection::vec(package, 1..24).prop_map(move |drawn| {
        let mut world = World::default();
        let count = drawn.len();
        for at in 0..4 {
            world.repositories.insert(format!("r{at}"), vec![format!("v{}", 20 + at % 2)]);
        }
        world.installed.insert("r0".into());
        for (at, (dependencies, votes, version)) in drawn.into_iter().enumerate() {
            let base = at / 2;
            let mut lists: [Vec<String>; 3] = Default::default();
            for (to, form, kind) in dependencies {
                // The first package of a base after this one.
                let first = if cycles { 0 } else { 2 * (base + 1) };
                let to = first + to;
                let text = match form {
                    0 => format!("r{}", to % 4),
                    1 => format!("v{}", 20 + to % 2),
                    _ if to >= count => continue,
                    2 => format!("v{}>=1", to / 2),
                    3 => format!("v{}", to / 2),
                    4 => format!("p{to}>=2"),
                    _ => format!("p{to}"),
                };
                lists[usize::from(kind)].push(text);
            }
            let package = world.add(&format!("p{at}"), &[], &[]);
            package.package_base = format!("b{base}");
            package.version = format!("{version}-1");
            package.provides = vec![format!("v{base}={version}")];
            package.num_votes = votes;
            [package.depends, package.make_depends, package.check_depends] = lists;
        }
        world
    })
}

fn accepts(dependency: &str, package: &Package) -> bool {
    let Package { name, version, provides, .. } = package;
    Constraint::parse(dependency).accepts(name, version, provides, order)
}

fn dependencies(package: &Package) -> impl Iterator<Item = (Kind, &String)> {
    let of = |kind, list| std::iter::repeat(kind).zip(list);
    of(Kind::Runtime, &package.depends)
        .chain(of(Kind::Make, &package.make_depends))
        .chain(of(Kind::Check, &package.check_depends))
}

fn check_resolution(world: &World, targets: &[&str], resolution: &Resolution) {
    let at: BTreeMap<&str, (usize, &Package)> = resolution
        .builds
        .iter()
        .enumerate()
        .flat_map(|(at, build)| build.packages.iter().map(move |p| (&*p.name, (at, p))))
        .collect();
    assert!(targets.iter().all(|target| at.contains_key(target)));
    let mut used: BTreeSet<&str> = targets.iter().copied().collect();
    for (number, build) in resolution.builds.iter().enumerate() {
        assert!(build.packages.iter().all(|package| package.package_base == build.base));
        for need in &build.needs {
            match &need.origin {
                Origin::Installed => assert!(world.satisfies_installed(&need.wanted)),
                Origin::Repository(name) => assert!(world.providers(&need.wanted).contains(name)),
                Origin::Aur(name) => {
                    let (before, package) = at[&**name];
                    assert!(accepts(&need.wanted, package), "{need:?}");
                    let same = before == number && need.kind == Kind::Runtime;
                    assert!(before < number || same, "{need:?} comes too late");
                    used.insert(name);
                }
            }
        }
        for (kind, wanted) in build.packages.iter().flat_map(dependencies) {
            let satisfied =
                build.needs.iter().any(|need| need.kind == kind && need.wanted == *wanted);
            assert!(satisfied, "{wanted} of {} is forgotten", build.base);
        }
    }
    assert!(at.keys().all(|name| used.contains(name)), "something is built for nothing");
}

fn check_refusal(world: &World, why: &Unsolvable) {
    match why {
        Unsolvable::Missing { dependency, .. } => {
            assert!(!world.satisfies_installed(dependency));
            assert!(world.providers(dependency).is_empty());
            assert!(!world.aur.iter().any(|package| accepts(dependency, package)), "{dependency}");
        }
        Unsolvable::Cycle { path } => {
            assert!(path.len() >= 2 && path.first() == path.last(), "{path:?}");
            for pair in path.windows(2) {
                let of = |base: &str| {
                    let base = base.to_owned();
                    world.aur.iter().filter(move |package| package.package_base == base)
                };
                let needs = of(&pair[0]).flat_map(dependencies).any(|(_, dependency)| {
                    of(&pair[1]).any(|package| accepts(dependency, package))
                });
                assert!(needs, "{} does not need {}", pair[0], pair[1]);
            }
        }
        other => panic!("{other}"),
    }
}

fn check_world(world: &World, cycles: bool) {
    let count = world.aur.len();
    let names = ["p0", "p3", "p8"];
    let targets: Vec<&str> =
        names.into_iter().filter(|name| name[1..].parse::<usize>().unwrap() < count).collect();
    let backwards: Vec<&str> = targets.iter().rev().copied().collect();
    match (world.resolve(&targets), world.resolve(&backwards)) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one, other);
            check_resolution(world, &targets, &one);
        }
        (Err(Error::Unsolvable(one)), Err(Error::Unsolvable(other))) => {
            assert_eq!(one, other);
            assert!(cycles || !matches!(*one, Unsolvable::Cycle { .. }), "{one}");
            check_refusal(world, &one);
        }
        (one, other) => panic!("{one:?} and {other:?}"),
    }
}

proptest! {
    #[test]
    fn without_cycles_every_order_holds(world in worlds(false)) {
        check_world(&world, false);
    }

    #[test]
    fn with_cycles_either_the_order_holds_or_the_reason_does(world in worlds(true)) {
        check_world(&world, true);
    }
}
