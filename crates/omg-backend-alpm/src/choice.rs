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
            let ignored = ignored();
            Choice { offer: Some(offer), upgrade: !ignored, ignored, ..Choice::default() }
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

#[cfg(test)]
mod tests {
    use omg_backend::KnownOffer;
    use omg_core::Source;

    use super::*;

    const CONF: &str = "[options]\nArchitecture = x86_64\n[testing]\nUsage = Sync Search\n[core]\n\
        Usage = Install\n[extra]\n[late]\n";

    fn taken(
        installed: Option<&str>,
        offers: &[(&'static str, &'static str)],
        ignored: bool,
    ) -> (Option<usize>, bool) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/pacman.conf"), CONF).unwrap();
        let conf = Conf::read(dir.path());
        let offer = |(repository, version): &(&'static str, &'static str)| KnownOffer {
            version,
            priority: 1,
            repository,
        };
        let offers: Vec<_> = offers.iter().map(offer).collect();
        let (name, source, architecture) = ("a", Source::Alpm, "any");
        let section = "";
        let held = false;
        let known = Known { name, source, architecture, section, installed, held, offers: &offers };
        let choice = choose(&conf, &known, || ignored);
        (choice.offer, choice.upgrade)
    }

    #[test]
    fn installs_and_upgrades_take_the_first_repository_for_them() {
        let all = [("testing", "4-1"), ("late", "3-1"), ("extra", "2-1"), ("core", "1-1")];
        assert_eq!(taken(None, &all, false), (Some(3), false));
        assert_eq!(taken(Some("1-1"), &all, false), (Some(2), true));
        assert_eq!(taken(Some("1-1"), &all, true), (Some(2), false));
        assert_eq!(taken(Some("2-1"), &all, false), (Some(2), false));
        assert_eq!(taken(Some("3-1"), &all, false), (None, false));
        assert_eq!(taken(None, &[("testing", "1-1"), ("gone", "1-1")], false), (None, false));
        assert_eq!(taken(Some("1-1"), &[("core", "2-1")], false), (None, false));
        assert_eq!(taken(Some("1:1-1"), &[("extra", "2-1")], false), (None, false));
        assert_eq!(taken(Some("1-1"), &[], false), (None, false));
    }
}
