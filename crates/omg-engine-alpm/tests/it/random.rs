//! Requests drawn at random, on roots drawn at random. `OMG_PLANS` says how many.

use std::collections::BTreeMap;

use omg_core::{Change, Operation};

use crate::era::{self, Era};
use crate::oracle::{self, Equal, compare};
use crate::root::Root;

/// Requests, if the environment says nothing.
const USUAL: usize = 330;
/// Requests on each root.
const EACH: usize = 15;

/// Splitmix64: the same numbers everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(crate) fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A root, and the names of what is installed there.
struct State {
    root: Root,
    installed: Vec<String>,
    explicit: Vec<String>,
    repositories: usize,
}

fn state(era: &Era, random: &mut Random) -> State {
    // The last repository is as large as all others, and has the most conflicts.
    let repositories = if random.percent(20) { 4 } else { 3 };
    let within: Vec<usize> = (0..era.packages.len())
        .filter(|at| {
            era.repositories[..repositories].iter().any(|(name, _)| *name == era.packages[*at].0)
        })
        .collect();
    let seeds: Vec<usize> = match random.below(4) {
        0 => Vec::new(),
        1 => (0..3).map(|_| *random.one(&within)).collect(),
        2 => (0..12).map(|_| *random.one(&within)).collect(),
        _ => (0..40).map(|_| *random.one(&within)).collect(),
    };
    let (older, ignored) = (*random.one(&[3, 10, 40]), random.percent(30));
    let mut options = String::from("HoldPkg = pacman glibc\n");
    let closure = era.closure(&seeds);
    let (mut installed, mut explicit) = (Vec::new(), Vec::new());
    let mut entries = Vec::new();
    for at in closure {
        let entry = &era.packages[at].1;
        let entry = if random.percent(older) {
            entry.at(if random.percent(50) { "0.1-1" } else { "0-1" })
        } else if random.percent(3) {
            entry.at("9999:1-1")
        } else {
            entry.clone()
        };
        if ignored && random.percent(5) {
            options.push_str(&format!("IgnorePkg = {}\n", entry.name));
        }
        entries.push((entry, !seeds.contains(&at) || random.percent(10)));
    }
    let root = era.root(repositories, &options);
    for (entry, automatic) in entries {
        root.install(&entry, automatic);
        if !automatic {
            explicit.push(entry.name.clone());
        }
        installed.push(entry.name);
    }
    State { root, installed, explicit, repositories }
}

fn request(era: &Era, state: &State, random: &mut Random) -> Change {
    let any = |random: &mut Random| loop {
        let (repository, entry) = random.one(&era.packages);
        let known = &era.repositories[..state.repositories];
        // Where something is missing both can only refuse.
        let likely = era.complete.contains(&entry.name) || random.percent(15);
        if likely && known.iter().any(|(name, _)| name == repository) {
            return (repository.clone(), entry.clone());
        }
    };
    let operation = match random.below(100) {
        0..55 => Operation::Install,
        55..84 if !state.installed.is_empty() => Operation::Remove,
        _ if !state.installed.is_empty() => Operation::Upgrade,
        _ => Operation::Install,
    };
    let mut change = Change::new(operation, [""; 0]);
    match operation {
        Operation::Install => {
            change.options.reinstall = random.percent(50);
            change.options.follow = random.percent(15);
            for _ in 0..=random.below(4) {
                let (repository, entry) = any(random);
                let target = match random.below(10) {
                    0 => format!("{repository}/{}", entry.name),
                    1 => format!("{}>={}", entry.name, entry.version),
                    2 => format!("{}={}", entry.name, entry.version),
                    3 => entry.values("GROUPS").first().unwrap_or(&entry.name).clone(),
                    4 => entry.values("PROVIDES").first().unwrap_or(&entry.name).clone(),
                    5 if !state.installed.is_empty() => random.one(&state.installed).clone(),
                    _ => entry.name.clone(),
                };
                change.targets.push(target);
            }
        }
        Operation::Remove => {
            change.options.recursive = random.percent(60);
            for _ in 0..=random.below(3) {
                // What was asked for can often go, what others need seldom.
                let explicit = random.percent(75) && !state.explicit.is_empty();
                let among = if explicit { &state.explicit } else { &state.installed };
                change.targets.push(random.one(among).clone());
            }
        }
        Operation::Upgrade | Operation::Autoremove => {}
    }
    change.targets.sort();
    change.targets.dedup();
    change
}

#[test]
fn plans_equal_those_of_pacman() {
    half(7, |wanted| wanted / 2);
}

/// The other half, so that two cores have something to do.
#[test]
fn more_plans_equal_those_of_pacman() {
    half(8, |wanted| wanted - wanted / 2);
}

fn half(seed: u64, share: fn(usize) -> usize) {
    if !oracle::available() {
        return;
    }
    let Some(era) = era::of_2022() else { return };
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let wanted = share(given("OMG_PLANS").unwrap_or(USUAL));
    let mut random = Random(given("OMG_SEED").unwrap_or(0) as u64 * 1000 + seed);
    let mut counts: BTreeMap<(Kind, Equal), usize> = BTreeMap::new();
    let mut differences = Vec::new();
    let mut done = 0;
    while done < wanted {
        let state = state(era, &mut random);
        // One handle for all: what one plan leaves behind would show in the next.
        let mut planner = state.root.planner();
        for _ in 0..EACH.min(wanted - done) {
            let change = request(era, &state, &mut random);
            match compare(&state.root, &mut planner, &change) {
                Ok(equal) => *counts.entry((Kind::of(&change), equal)).or_default() += 1,
                Err(text) => {
                    let anew = compare(&state.root, &mut state.root.planner(), &change);
                    let when = if anew.is_ok() { "not with a new handle" } else { "always" };
                    differences.push(format!("{text}\n({when})"));
                }
            }
            done += 1;
        }
    }
    println!("{done} requests: {counts:?}");
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n\n"));
    let made =
        counts.iter().filter(|((_, equal), _)| matches!(equal, Equal::Done | Equal::Cleared));
    assert!(made.map(|(_, n)| n).sum::<usize>() * 2 > done, "most requests must lead to something");
}

/// Kinds of requests, for counting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Install,
    Remove,
    Upgrade,
}

impl Kind {
    fn of(change: &Change) -> Self {
        match change.operation {
            Operation::Install => Self::Install,
            Operation::Remove | Operation::Autoremove => Self::Remove,
            Operation::Upgrade => Self::Upgrade,
        }
    }
}
