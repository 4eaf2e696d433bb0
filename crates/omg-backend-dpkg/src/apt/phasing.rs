//! Updates that an archive hands out to some machines first: `Phased-Update-Percentage`, which
//! Ubuntu uses, as apt's policy takes it with `APT::Get::Phase-Policy`. Without that option, which
//! is the default, apt's own upgrade command defers such updates and its policy does not.

use std::path::PathBuf;

use super::conf::Conf;
use super::read::read_text;

/// How this machine takes part.
#[derive(Debug, Default)]
pub(crate) struct Phasing {
    enabled: bool,
    always: bool,
    never: bool,
    machine: String,
}

impl Phasing {
    /// Reads the options and the machine's id.
    pub(crate) fn read(conf: &Conf) -> Self {
        let flag = |name: &str| {
            let default = conf.flag(&format!("Update-Manager::{name}"), false);
            conf.flag(&format!("APT::Get::{name}"), default)
        };
        Self {
            enabled: conf.flag("APT::Get::Phase-Policy", false),
            always: flag("Always-Include-Phased-Updates"),
            never: flag("Never-Include-Phased-Updates"),
            machine: machine(conf),
        }
    }

    /// Does policy heed phases at all?
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Is it not yet this machine's turn for a version of a source package?
    pub(crate) fn excludes(&self, percentage: u8, source: &str, version: &str) -> bool {
        if !self.enabled || percentage == 100 || self.always {
            return false;
        }
        if self.never {
            return true;
        }
        let seed = format!("{source}-{version}-{}", self.machine);
        !self.machine.is_empty() && draw(seed.as_bytes()) > u32::from(percentage)
    }
}

fn machine(conf: &Conf) -> String {
    if let Some(id) = conf.get("APT::Machine-ID") {
        return id.to_owned();
    }
    let text = read_text(&machine_file(conf)).unwrap_or_default();
    text.lines().next().unwrap_or("").to_owned()
}

/// The file that the machine's id is read from.
pub(crate) fn machine_file(conf: &Conf) -> PathBuf {
    match conf.get("Dir::Etc::machine-id") {
        Some(_) => conf.file("Dir::Etc::machine-id"),
        None => conf.below_root("/etc/machine-id"),
    }
}

/// A number from 0 to 100: the first draw of C++'s `uniform_int_distribution` over `minstd_rand`,
/// seeded with `seed_seq`, as GNU's library has them. Every machine must draw as apt does.
fn draw(seed: &[u8]) -> u32 {
    const MODULUS: u64 = 2_147_483_647;
    const RANGE: u64 = MODULUS - 2;
    const SCALE: u64 = RANGE / 101;
    let mut state = u64::from(seed_sequence(seed)) % MODULUS;
    if state == 0 {
        state = 1;
    }
    loop {
        state = state * 48271 % MODULUS;
        let drawn = (state - 1) / SCALE;
        if drawn < 101 {
            return drawn as u32;
        }
    }
}

/// The last of four words that `std::seed_seq` generates (C++17 [rand.util.seedseq]).
fn seed_sequence(seed: &[u8]) -> u32 {
    let mix = |word: u32| word ^ (word >> 27);
    let mut words = [0x8b8b_8b8b_u32; 4];
    let len = seed.len();
    let turns = (len + 1).max(4);
    for turn in 0..turns + 4 {
        let [now, next, after, before] = [turn % 4, (turn + 1) % 4, (turn + 2) % 4, (turn + 3) % 4];
        if turn < turns {
            let one = mix(words[now] ^ words[next] ^ words[before]).wrapping_mul(1_664_525);
            let extra = match turn {
                0 => len as u32,
                _ => (now as u32).wrapping_add(seed.get(turn - 1).copied().map_or(0, u32::from)),
            };
            let two = one.wrapping_add(extra);
            words[next] = words[next].wrapping_add(one);
            words[after] = words[after].wrapping_add(two);
            words[now] = two;
        } else {
            let sum = words[now].wrapping_add(words[next]).wrapping_add(words[before]);
            let one = mix(sum).wrapping_mul(1_566_083_941);
            let two = one.wrapping_sub(now as u32);
            words[next] ^= one;
            words[after] ^= two;
            words[now] = two;
        }
    }
    words[3]
}
