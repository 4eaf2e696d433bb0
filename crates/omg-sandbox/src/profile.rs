//! What is let through.

use std::fmt;

/// How tight the walls are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Profile {
    /// For the build of a recipe: the system's programs and compilers, loopback, System V IPC for
    /// fakeroot.
    Build,
    /// For a program that has less to do: no sockets but those of Unix, nothing of `/opt` and little of
    /// `/etc`, and all of Landlock that this crate knows or nothing is run.
    Strict,
}

impl Profile {
    /// The word on the command line of `omg-sandbox-exec`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Strict => "strict",
        }
    }

    /// The profile of this word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Build, Self::Strict].into_iter().find(|profile| profile.as_str() == word)
    }

    /// The version of Landlock without which the profile is not whole.
    ///
    /// From 3 (Linux 6.2) on a file can't be emptied where it can't be written; 6 (Linux 6.12) knows
    /// TCP ports, devices, abstract sockets and signals.
    pub fn landlock_version(self) -> i32 {
        match self {
            Self::Build => 3,
            Self::Strict => 6,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What to do where the kernel's Landlock is older than the profile needs, or is not there.
///
/// The mounts hide everything that Landlock would forbid, so without it there is one wall less and no
/// hole; but one wall less is for the policy to allow. [`Profile::Strict`] never goes without.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Landlock {
    /// Nothing is run.
    #[default]
    Required,
    /// What there is of it is used.
    IfAvailable,
}

impl Landlock {
    /// The word on the command line of `omg-sandbox-exec`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::IfAvailable => "if-available",
        }
    }

    /// The choice of this word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Required, Self::IfAvailable].into_iter().find(|choice| choice.as_str() == word)
    }
}
