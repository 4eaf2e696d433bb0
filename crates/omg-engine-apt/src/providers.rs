//! Who provides a virtual package, and who comes first.

use std::cmp::Ordering;

use rust_apt::{Package, Provider, Version};

use crate::names::same;
use crate::settings::Settings;

/// The version that provides something.
pub(crate) fn owner<'a>(provider: &Provider<'a>) -> Option<Version<'a>> {
    // `Provider::version` ties the version to the borrow of the provider; its package does not.
    let index = provider.version().index();
    provider.package().versions().find(|version| version.index() == index)
}

/// The candidates that provide a package, in the order of the cache.
pub(crate) fn candidates<'a>(package: &Package<'a>) -> Vec<Version<'a>> {
    let mut found: Vec<Version<'a>> = Vec::new();
    for version in package.provides().filter_map(|provider| owner(&provider)) {
        let candidate = version.parent().candidate();
        if same(candidate.as_ref(), Some(&version))
            && found.iter().all(|other| other.index() != version.index())
        {
            found.push(version);
        }
    }
    found
}

/// The one package among the providers; of several architectures the first one that is enabled.
pub(crate) fn single<'a>(
    settings: &Settings,
    package: &Package<'a>,
    providers: &[Version<'a>],
) -> Option<Version<'a>> {
    let mut chosen: Option<Version<'a>> = None;
    for version in providers {
        let Some(before) = &chosen else {
            chosen = Some(version.clone());
            continue;
        };
        let (before, other) = (before.parent(), version.parent());
        if before.name() != other.name() {
            return None;
        }
        if before.arch() == package.arch() || before.arch() == "all" {
            continue;
        }
        if rank(settings, other.arch()) < rank(settings, before.arch()) {
            chosen = Some(version.clone());
        }
    }
    chosen
}

/// Providers in the order in which apt prefers them to satisfy a dependency (`CompareProviders` in
/// `apt-pkg/depcache.cc`): installed, essential, native, by priority; then by name, since apt's last
/// resort is the order of its cache, which is not the same in two runs.
pub(crate) fn ranked<'a>(
    settings: &Settings,
    package: &Package<'a>,
    mut providers: Vec<Version<'a>>,
) -> Vec<Version<'a>> {
    providers.sort_by(|one, other| {
        let (a, b) = (one.parent(), other.parent());
        first(a.is_installed(), b.is_installed())
            .then_with(|| first(a.name() == package.name(), b.name() == package.name()))
            .then_with(|| first(a.is_essential(), b.is_essential()))
            .then_with(|| rank(settings, a.arch()).cmp(&rank(settings, b.arch())))
            .then_with(|| priority(one).cmp(&priority(other)))
            .then_with(|| a.name().cmp(b.name()))
    });
    let mut names: Vec<String> = Vec::new();
    providers.retain(|version| {
        let name = version.parent().name().to_owned();
        let new = !names.contains(&name);
        names.push(name);
        new
    });
    providers
}

fn first(one: bool, other: bool) -> Ordering {
    other.cmp(&one)
}

fn rank(settings: &Settings, architecture: &str) -> usize {
    let position = settings.architectures.iter().position(|known| known == architecture);
    position.unwrap_or(usize::MAX)
}

fn priority(version: &Version<'_>) -> usize {
    const ORDER: [&str; 5] = ["required", "important", "standard", "optional", "extra"];
    let name = version.priority_str().unwrap_or("");
    ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len())
}
