//! Numbers and requests drawn from a seed: the same seed draws the same.

use omg_core::{Change, Operation, Scope};

/// splitmix64.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What requests are drawn from.
pub(crate) struct Names {
    /// Everything that can be named, virtual packages too.
    pub(crate) all: Vec<String>,
    /// What is installed.
    pub(crate) installed: Vec<String>,
    /// Names with a version that there is.
    pub(crate) versions: Vec<(String, String)>,
    /// Suites.
    pub(crate) suites: Vec<String>,
}

impl Names {
    fn name(&self, draw: &mut Draw, installed: usize) -> String {
        if draw.chance(installed) && !self.installed.is_empty() {
            draw.of(&self.installed).clone()
        } else {
            draw.of(&self.all).clone()
        }
    }

    /// One request.
    pub(crate) fn request(&self, draw: &mut Draw) -> Change {
        let mut change = match draw.below(100) {
            0..50 => self.install(draw),
            50..75 => self.remove(draw),
            75..80 => {
                let count = 1 + draw.below(2);
                let targets: Vec<String> = (0..count).map(|_| self.name(draw, 80)).collect();
                Change::new(Operation::Upgrade, targets)
            }
            80..92 => Change::new(Operation::Upgrade, [""; 0]),
            _ => Change::new(Operation::Autoremove, [""; 0]),
        };
        change.options.scope = *draw.of(&[Scope::Safe, Scope::Standard, Scope::Full]);
        if change.operation == Operation::Autoremove {
            change.options.purge = draw.chance(40);
        }
        change
    }

    fn install(&self, draw: &mut Draw) -> Change {
        let targets: Vec<String> = (0..=draw.below(3) * draw.below(2))
            .map(|_| match draw.below(100) {
                0..60 => self.name(draw, 25),
                60..75 if !self.versions.is_empty() => {
                    let (name, version) = draw.of(&self.versions);
                    format!("{name}={version}")
                }
                75..85 if !self.suites.is_empty() => {
                    format!("{}/{}", self.name(draw, 40), draw.of(&self.suites))
                }
                85..93 => format!("{}-", self.name(draw, 70)),
                93..96 => format!("{}+", self.name(draw, 20)),
                _ => self.name(draw, 20),
            })
            .collect();
        let mut change = Change::new(Operation::Install, targets);
        change.options.reinstall = draw.chance(10);
        // A handle with other settings is opened for it, which takes its time.
        change.options.without_recommends = draw.chance(8);
        change
    }

    fn remove(&self, draw: &mut Draw) -> Change {
        let targets: Vec<String> = (0..=draw.below(3))
            .map(|_| {
                let name = self.name(draw, 85);
                if draw.chance(6) { format!("{name}+") } else { name }
            })
            .collect();
        let mut change = Change::new(Operation::Remove, targets);
        change.options.purge = draw.chance(30);
        change.options.recursive = draw.chance(40);
        change
    }
}
