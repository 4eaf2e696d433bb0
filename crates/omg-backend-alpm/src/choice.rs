//! Which version an install or upgrade takes: what `pacman -S` and `pacman -Su` would.

use std::cmp::Ordering;

use omg_backend::{Choice, Known};

use crate::conf::{Conf, Usage};
use crate::version;

/// A fresh install takes the first repository for installs that has the name, an upgrade the first
/// one for upgrades, if its version is newer and the package is not ignored. What is installed in a
/// newer version than that, or is in no such repository, stays.
pub(crate) fn choose(conf: &Conf, known: &Known<'_>, ignored: impl FnOnce() -> bool) -> Choice {
    let Some(installed) = known.installed else {
        return Choice { offer: first(conf, known, |usage| usage.install), ..Choice::default() };
    };
    let Some(offer) = first(conf, known, |usage| usage.upgrade) else { return Choice::default() };
    let version = known.offers.get(offer).map_or("", |offer| offer.version);
    match version::compare(version, installed) {
        Ordering::Less => Choice::default(),
        Ordering::Equal => Choice { offer: Some(offer), ..Choice::default() },
        Ordering::Greater => {
            Choice { offer: Some(offer), upgrade: !ignored(), ..Choice::default() }
        }
    }
}

/// The offer of the first repository that is used in this way and has one.
fn first(conf: &Conf, known: &Known<'_>, used: impl Fn(Usage) -> bool) -> Option<usize> {
    let mut repositories = conf.repositories.iter().filter(|repository| used(repository.usage));
    repositories.find_map(|repository| {
        known.offers.iter().position(|offer| offer.repository == repository.name)
    })
}
