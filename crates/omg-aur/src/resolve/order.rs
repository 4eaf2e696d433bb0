//! The order to build in: what is needed comes first, else by name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Build, Origin, Unsolvable};

/// Puts builds in order.
pub(super) fn order(mut builds: BTreeMap<String, Build>) -> Result<Vec<Build>, Unsolvable> {
    let mut waiting = graph(&builds);
    let mut ordered = Vec::with_capacity(builds.len());
    let mut wanted_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (base, needs) in &waiting {
        for need in needs {
            wanted_by.entry(need.clone()).or_default().push(base.clone());
        }
    }
    let ready = waiting.iter().filter(|(_, needs)| needs.is_empty());
    let mut ready: BTreeSet<String> = ready.map(|(base, _)| base.clone()).collect();
    while let Some(base) = ready.pop_first() {
        waiting.remove(&base);
        for dependent in wanted_by.remove(&base).unwrap_or_default() {
            if let Some(needs) = waiting.get_mut(&dependent) {
                needs.remove(&base);
                if needs.is_empty() {
                    ready.insert(dependent);
                }
            }
        }
        ordered.extend(builds.remove(&base));
    }
    if waiting.is_empty() { Ok(ordered) } else { Err(Unsolvable::Cycle { path: cycle(&waiting) }) }
}

/// The bases that each base has to wait for. Packages of one base don't wait for each other.
fn graph(builds: &BTreeMap<String, Build>) -> BTreeMap<String, BTreeSet<String>> {
    let packages = builds
        .values()
        .flat_map(|build| build.packages.iter().map(|package| (&*package.name, &*build.base)));
    let base_of: BTreeMap<&str, &str> = packages.collect();
    let needs = |build: &Build| {
        let names = build.needs.iter().filter_map(|need| match &need.origin {
            Origin::Aur(name) => base_of.get(name.as_str()),
            Origin::Installed | Origin::Repository(_) => None,
        });
        names.filter(|base| **base != build.base).map(|base| (*base).to_owned()).collect()
    };
    builds.iter().map(|(base, build)| (base.clone(), needs(build))).collect()
}

/// A cycle among bases each of which waits for another one of them.
fn cycle(waiting: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut path: Vec<&String> = Vec::new();
    let mut next = waiting.keys().next();
    while let Some(base) = next {
        if let Some(start) = path.iter().position(|known| *known == base) {
            let mut cycle: Vec<String> = path.iter().skip(start).map(ToString::to_string).collect();
            // From its first name on, so that it does not depend on where the walk began.
            let first = cycle.iter().enumerate().min_by_key(|(_, base)| (*base).clone());
            let first = first.map_or(0, |(at, _)| at);
            cycle.rotate_left(first);
            cycle.extend(cycle.first().cloned());
            return cycle;
        }
        path.push(base);
        next = waiting
            .get(base)
            .and_then(|needs| needs.iter().find(|need| waiting.contains_key(*need)));
    }
    path.into_iter().cloned().collect()
}
