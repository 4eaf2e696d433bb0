//! What signatures a repository must have (`SigLevel`) and what it is used for (`Usage`).

/// Which signatures are wanted of one kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Check {
    /// How much a signature is wanted.
    pub verify: Verify,
    /// Good signatures of keys that nobody vouches for are enough.
    pub trust_all: bool,
}

/// How much a signature is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verify {
    /// Signatures are not looked at.
    Never,
    /// A signature is checked if there is one.
    Optional,
    /// There must be a signature.
    Required,
}

/// Which signatures are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SigLevel {
    /// Of packages.
    pub package: Check,
    /// Of databases.
    pub database: Check,
}

impl Default for SigLevel {
    /// pacman's: `Optional TrustedOnly`.
    fn default() -> Self {
        let check = Check { verify: Verify::Optional, trust_all: false };
        Self { package: check, database: check }
    }
}

/// Changes to a level. Words in pacman.conf change single bits, and what a section leaves alone it
/// takes from `[options]`, wherever that stands.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Changes {
    package: Bits,
    database: Bits,
}

/// libalpm's flags for one kind of file, each changed or not.
#[derive(Clone, Copy, Default, Debug)]
struct Bits {
    on: Option<bool>,
    optional: Option<bool>,
    trust_all: Option<bool>,
}

impl Bits {
    /// Says whether the word has a meaning.
    fn take(&mut self, word: &str) -> bool {
        match word {
            "Never" => self.on = Some(false),
            "Optional" => (self.on, self.optional) = (Some(true), Some(true)),
            "Required" => (self.on, self.optional) = (Some(true), Some(false)),
            "TrustedOnly" => self.trust_all = Some(false),
            "TrustAll" => self.trust_all = Some(true),
            _ => return false,
        }
        true
    }

    fn over(self, base: Self) -> Self {
        Self {
            on: self.on.or(base.on),
            optional: self.optional.or(base.optional),
            trust_all: self.trust_all.or(base.trust_all),
        }
    }

    fn check(self) -> Check {
        let verify = match (self.on, self.optional) {
            (Some(false), _) => Verify::Never,
            (_, Some(false)) => Verify::Required,
            _ => Verify::Optional,
        };
        Check { verify, trust_all: self.trust_all == Some(true) }
    }
}

impl Changes {
    /// Takes one word; `false` if it has no meaning.
    pub(super) fn take(&mut self, word: &str) -> bool {
        if let Some(rest) = word.strip_prefix("Package") {
            self.package.take(rest)
        } else if let Some(rest) = word.strip_prefix("Database") {
            self.database.take(rest)
        } else {
            self.package.take(word) && self.database.take(word)
        }
    }

    /// These changes after those of `[options]`.
    pub(super) fn level(self, options: Self) -> SigLevel {
        SigLevel {
            package: self.package.over(options.package).check(),
            database: self.database.over(options.database).check(),
        }
    }
}

/// What a repository is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Its database is refreshed.
    pub sync: bool,
    /// Searches look at it.
    pub search: bool,
    /// Packages are installed from it, and dependencies found in it.
    pub install: bool,
    /// Upgrades look at it.
    pub upgrade: bool,
}

impl Usage {
    /// Everything; what a repository without `Usage` has.
    pub const ALL: Self = Self { sync: true, search: true, install: true, upgrade: true };
    pub(super) const NONE: Self =
        Self { sync: false, search: false, install: false, upgrade: false };

    /// Takes one word; `false` if it has no meaning.
    pub(super) fn take(&mut self, word: &str) -> bool {
        match word {
            "Sync" => self.sync = true,
            "Search" => self.search = true,
            "Install" => self.install = true,
            "Upgrade" => self.upgrade = true,
            "All" => *self = Self::ALL,
            _ => return false,
        }
        true
    }
}
