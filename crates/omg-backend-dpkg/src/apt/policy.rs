//! Priorities of versions and the choice of the candidate: the rules of `apt_preferences(5)` as
//! apt's own policy applies them.

use std::cmp::Ordering;

use ahash::AHashMap;
use omg_backend::{Choice, Known};

use super::conf::Conf;
use super::phasing::Phasing;
use super::preferences::{NEVER, Origin, Package, Pin, Preferences, Test};
use super::record::Record;
use crate::version;

/// Highest priority of a version whose phase has not come.
const NOT_YET: i32 = 1;

/// Priorities of places and packages.
#[derive(Debug)]
pub(crate) struct Policy {
    native: String,
    phasing: Phasing,
    origins: Vec<Origin>,
    priorities: Vec<i32>,
    status_origin: Origin,
    status_priority: i32,
    /// In order of precedence.
    specific: Vec<Pin>,
    /// Numbers of the pins for exactly one name.
    by_name: AHashMap<String, Vec<usize>>,
    /// Numbers of all others: globs, expressions, source packages.
    by_pattern: Vec<usize>,
    /// Some pins name source packages.
    by_source: bool,
}

impl Policy {
    /// Settles the priorities of places. `origins` are numbered as versions will name them.
    pub(crate) fn new(conf: &Conf, preferences: Preferences, origins: Vec<Origin>) -> Self {
        let status_origin = Origin::status();
        let priorities =
            origins.iter().map(|origin| place_priority(&preferences.general, origin)).collect();
        let status_priority = place_priority(&preferences.general, &status_origin);
        let mut policy = Self {
            native: conf.architecture().to_owned(),
            phasing: Phasing::read(conf),
            origins,
            priorities,
            status_origin,
            status_priority,
            specific: preferences.specific,
            by_name: AHashMap::new(),
            by_pattern: Vec::new(),
            by_source: false,
        };
        for (number, pin) in policy.specific.iter().enumerate() {
            match pin.exact_name() {
                Some(name) => policy.by_name.entry(name.to_owned()).or_default().push(number),
                None => policy.by_pattern.push(number),
            }
            policy.by_source |= pin.is_by_source();
        }
        policy
    }

    /// Must the source package of what is installed be known to choose?
    pub(crate) fn needs_source(&self) -> bool {
        self.by_source
    }

    /// The pins that cover a package, in order of precedence.
    fn pins<'p>(&'p self, package: &Package<'_>) -> Vec<&'p Pin> {
        if self.specific.is_empty() {
            return Vec::new();
        }
        let mut numbers: Vec<usize> = self.by_name.get(package.name).cloned().unwrap_or_default();
        numbers.extend(&self.by_pattern);
        numbers.sort_unstable();
        let all = numbers.into_iter().filter_map(|number| self.specific.get(number));
        all.filter(|pin| pin.covers(package, &self.native)).collect()
    }

    /// Priority of a version that the places of these numbers offer.
    pub(crate) fn priority(&self, record: &Record<'_>, places: &[u16]) -> i32 {
        if self.specific.is_empty() && !self.phasing.is_enabled() {
            return self.best(places);
        }
        let source = record.source_name();
        let package = Package { name: record.name, architecture: record.architecture, source };
        let priority = self.unphased(&package, record.version, places);
        if self.phasing.excludes(record.phased, source, record.source_version()) {
            return priority.min(NOT_YET);
        }
        priority
    }

    /// The highest priority of some places, whatever the package.
    fn best(&self, places: &[u16]) -> i32 {
        let of = |place: &u16| self.priorities.get(usize::from(*place)).copied().unwrap_or(0);
        places.iter().map(of).max().unwrap_or(0)
    }

    fn unphased(&self, package: &Package<'_>, version: &str, places: &[u16]) -> i32 {
        let best = self.best(places);
        let pins = self.pins(package);
        if pins.is_empty() || best == NEVER {
            return best;
        }
        let matches = |pin: &&&Pin| match &pin.test {
            Test::Version(wanted) => wanted.matches(version),
            test => places
                .iter()
                .filter_map(|&place| self.origins.get(usize::from(place)))
                .any(|origin| test.matches_origin(origin)),
        };
        pins.iter().find(matches).map_or(best, |pin| pin.priority)
    }

    /// The choice between what is installed and what is offered. `source` is the source package of
    /// what is installed, where [`needs_source`](Self::needs_source) asks for it.
    pub(crate) fn choose(&self, known: &Known<'_>, source: &str) -> Choice {
        let installed = known.installed.map(|version| {
            let same = known
                .offers
                .iter()
                .position(|offer| version::compare(offer.version, version).is_eq());
            let offered = same.and_then(|at| known.offers.get(at)).map(|offer| offer.priority);
            (version, same, self.installed_priority(known, version, source, offered))
        });
        let mut best = -1;
        let mut choice = Choice {
            offer: None,
            upgrade: false,
            ignored: false,
            installed_priority: installed.map_or(0, |(.., own)| own),
        };
        let mut consider = |offer: Option<usize>, version: &str, priority: i32| {
            if priority == 0 || priority <= best {
                return;
            }
            let order =
                installed.map_or(Ordering::Greater, |(own, ..)| version::compare(version, own));
            if priority < 1000 && order.is_lt() {
                return;
            }
            best = priority;
            choice.offer = offer;
            choice.upgrade = installed.is_some() && order.is_gt();
        };
        let mut pending = installed.filter(|(_, same, _)| same.is_none());
        for (at, offer) in known.offers.iter().enumerate() {
            if let Some((own, _, priority)) = pending
                && version::compare(own, offer.version).is_gt()
            {
                consider(None, own, priority);
                pending = None;
            }
            let priority = match installed {
                Some((_, Some(same), own)) if same == at => own,
                _ => offer.priority,
            };
            consider(Some(at), offer.version, priority);
        }
        if let Some((own, _, priority)) = pending {
            consider(None, own, priority);
        }
        choice
    }

    /// Priority of the installed version, `offered` being what a repository's copy of it has.
    fn installed_priority(
        &self,
        known: &Known<'_>,
        version: &str,
        source: &str,
        offered: Option<i32>,
    ) -> i32 {
        let package = Package { name: known.name, architecture: known.architecture, source };
        let pins = self.pins(&package);
        let pinned = pins.iter().find(|pin| match &pin.test {
            Test::Version(wanted) => wanted.matches(version),
            test => {
                // The places that offer it are not known here, but a priority that a pin for the
                // package gives can only stem from that pin.
                test.matches_origin(&self.status_origin) || offered == Some(pin.priority)
            }
        });
        if self.phasing.is_enabled() && offered == Some(NOT_YET) {
            return NOT_YET;
        }
        match pinned {
            Some(pin)
                if self.status_priority != NEVER
                    || offered.is_some_and(|offered| offered != NEVER) =>
            {
                pin.priority
            }
            _ => offered.map_or(self.status_priority, |offered| offered.max(self.status_priority)),
        }
    }
}

/// Priority of a place: the first general pin that matches, else what the place says of itself.
fn place_priority(general: &[Pin], origin: &Origin) -> i32 {
    let default = match &origin.release {
        None => 100,
        Some(release) if release.but_automatic_upgrades => 100,
        Some(release) if release.not_automatic => 1,
        Some(_) => 500,
    };
    let mut fixed = None;
    for pin in general.iter().filter(|pin| pin.test.matches_origin(origin)) {
        if pin.priority == NEVER {
            return NEVER;
        }
        fixed.get_or_insert(pin.priority);
    }
    fixed.unwrap_or(default)
}
