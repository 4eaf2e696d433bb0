//! `SigLevel` of `pacman.conf`: when a signature must be there, and who may have made it.

use crate::Error;

/// When a signature must be there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum When {
    /// Never looked at.
    Never,
    /// Looked at where there is one.
    Optional,
    /// Must be there.
    Required,
}

/// Whose signatures count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trust {
    /// Keys that the web of trust makes fully valid.
    TrustedOnly,
    /// All keys of the keyring.
    TrustAll,
}

/// What is asked for of one kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Check {
    /// When a signature must be there.
    pub when: When,
    /// Whose count.
    pub trust: Trust,
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Subject {
    /// A package.
    Package,
    /// A sync database.
    Database,
}

/// What is asked for of packages and databases.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SigLevel {
    package: Check,
    database: Check,
}

impl SigLevel {
    /// pacman's own, where nothing is set: `Required DatabaseOptional TrustedOnly` as pacman.conf(5) has it
    /// is Arch's file; the built-in one is `Optional TrustedOnly` for both.
    pub const BUILT_IN: Self = {
        let check = Check { when: When::Optional, trust: Trust::TrustedOnly };
        Self { package: check, database: check }
    };

    /// What it asks for of this kind of file.
    pub fn of(&self, subject: Subject) -> Check {
        match subject {
            Subject::Package => self.package,
            Subject::Database => self.database,
        }
    }

    /// Applies the words of one `SigLevel` line on top of this, which is the level of the file so far: each
    /// word changes only what it names. A repository's line is applied on top of the global one, and so is
    /// `LocalFileSigLevel` or `RemoteFileSigLevel`.
    pub fn with<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        for word in words {
            let (bare, package, database) = if let Some(bare) = word.strip_prefix("Package") {
                (bare, true, false)
            } else if let Some(bare) = word.strip_prefix("Database") {
                (bare, false, true)
            } else {
                (word, true, true)
            };
            let mut each = |change: fn(&mut Check)| {
                if package {
                    change(&mut self.package);
                }
                if database {
                    change(&mut self.database);
                }
            };
            match bare {
                "Never" => each(|it| it.when = When::Never),
                "Optional" => each(|it| it.when = When::Optional),
                "Required" => each(|it| it.when = When::Required),
                "TrustedOnly" => each(|it| it.trust = Trust::TrustedOnly),
                "TrustAll" => each(|it| it.trust = Trust::TrustAll),
                _ => return Err(Error::SigLevel { word: word.chars().take(80).collect() }),
            }
        }
        Ok(self)
    }
}

impl Default for SigLevel {
    fn default() -> Self {
        Self::BUILT_IN
    }
}
