//! What the AUR answered before.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;

use crate::package::Package;

/// Answers, at most; each about one package counts as one.
pub(super) const MOST_ANSWERS: usize = 4_000;
/// Bytes of all answers together, at most.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// Of a search.
    Packages(Arc<[Package]>),
    /// About one name; `None` if there is no such package.
    Package(Option<Box<Package>>),
    /// Of a suggestion.
    Names(Arc<[String]>),
}

/// Answers by request, the oldest ones given up for new ones.
#[derive(Debug, Default)]
pub(super) struct Cache {
    answers: HashMap<String, (Kept, u64), RandomState>,
    /// Requests by age. One that was renewed stands here twice; the older mention is skipped.
    order: VecDeque<(String, u64)>,
    bytes: usize,
}

impl Kept {
    pub(super) fn into_packages(self) -> Vec<Package> {
        match self {
            Self::Packages(packages) => packages.to_vec(),
            Self::Package(package) => package.into_iter().map(|package| *package).collect(),
            Self::Names(_) => Vec::new(),
        }
    }

    pub(super) fn into_package(self) -> Option<Package> {
        match self {
            Self::Package(package) => package.map(|package| *package),
            Self::Packages(_) | Self::Names(_) => None,
        }
    }

    pub(super) fn into_names(self) -> Vec<String> {
        match self {
            Self::Names(names) => names.to_vec(),
            Self::Packages(_) | Self::Package(_) => Vec::new(),
        }
    }

    /// Bytes that it takes.
    fn weight(&self) -> usize {
        match self {
            Self::Packages(packages) => packages.iter().map(Package::size).sum(),
            Self::Package(package) => package.as_deref().map_or(0, Package::size),
            Self::Names(names) => names.iter().map(|name| size_of::<String>() + name.len()).sum(),
        }
    }
}

impl Cache {
    /// An answer and its age in seconds.
    pub(super) fn get(&self, request: &str, now: u64) -> Option<(Kept, u64)> {
        let (kept, time) = self.answers.get(request)?;
        Some((kept.clone(), now.saturating_sub(*time)))
    }

    pub(super) fn put(&mut self, request: String, kept: Kept, now: u64) {
        self.bytes += kept.weight();
        if let Some((old, _)) = self.answers.insert(request.clone(), (kept, now)) {
            self.bytes -= old.weight();
        }
        self.order.push_back((request, now));
        let is_full = |cache: &Self| {
            cache.answers.len() > MOST_ANSWERS
                || cache.bytes > MOST_BYTES
                || cache.order.len() > 2 * MOST_ANSWERS
        };
        while is_full(self)
            && let Some((request, time)) = self.order.pop_front()
        {
            let renewed = self.answers.get(&request).is_none_or(|(_, newer)| *newer != time)
                || self.order.iter().any(|(later, _)| *later == request);
            if !renewed && let Some((old, _)) = self.answers.remove(&request) {
                self.bytes -= old.weight();
            }
        }
    }
}
