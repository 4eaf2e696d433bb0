//! The words for one package: source, priority, relations, details.
#![expect(clippy::ref_option_ref, reason = "bitcode's derive writes it for `Option<&str>`")]

use bitcode::{Decode, Encode};
#[cfg(feature = "serde")]
use serde::Serialize;

use crate::AurFacts;

/// Where a package comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase"))]
pub enum Source {
    /// A Debian or Ubuntu archive, or dpkg's own status.
    Apt,
    /// An Arch repository, or pacman's local database.
    Alpm,
    /// The Arch User Repository.
    Aur,
    /// A language runtime.
    Runtime,
}

impl Source {
    /// The word used in JSON and on screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Alpm => "alpm",
            Self::Aur => "aur",
            Self::Runtime => "runtime",
        }
    }
}

/// Debian's priorities, most important first (Debian Policy 2.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default, Encode, Decode)]
#[repr(u8)]
pub enum Priority {
    /// Needed for the system to work at all.
    Required,
    /// Expected on any Unix-like system.
    Important,
    /// What a text-mode system has by default.
    Standard,
    /// Everything else, and what has no priority.
    #[default]
    Optional,
    /// Deprecated by policy, still found in archives.
    Extra,
}

/// Why a package is on the system.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase"))]
pub enum InstallReason {
    /// The user asked for it.
    Explicit,
    /// Another package needed it.
    Dependency,
}

/// One search result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Summary<'a> {
    /// Name, without an architecture qualifier.
    pub name: &'a str,
    /// The candidate version: what an install would choose. Verbatim.
    pub version: &'a str,
    /// Kind of origin.
    pub source: Source,
    /// Repository of the candidate, `bookworm/main`, or `local` for one that no list offers.
    pub repository: &'a str,
    /// Architecture as the distribution writes it.
    pub architecture: &'a str,
    /// One line.
    pub description: &'a str,
    /// Version on this system, if any.
    pub installed_version: Option<&'a str>,
    /// Rank; comparable only inside one answer. Higher is better.
    pub score: u32,
    /// What the AUR knows of it, if that is where it comes from.
    pub aur: Option<AurFacts<'a>>,
}

/// One row of `list`, `explicit` and `outdated`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Listed<'a> {
    /// Name, without an architecture qualifier.
    pub name: &'a str,
    /// Installed version; the candidate for what is not installed.
    pub version: &'a str,
    /// Kind of origin.
    pub source: Source,
    /// Repository of the candidate, or `local`.
    pub repository: &'a str,
    /// Architecture.
    pub architecture: &'a str,
    /// Absent for what is not installed.
    pub install_reason: Option<InstallReason>,
    /// A newer candidate, if there is one.
    pub new_version: Option<&'a str>,
    /// Upgrades leave it as it is: held (Debian), or ignored in pacman.conf (Arch).
    pub held: bool,
}

/// One version that a repository offers, as `info` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Offered<'a> {
    /// Version, verbatim.
    pub version: &'a str,
    /// Repository, or `installed` for dpkg's own status.
    pub repository: &'a str,
    /// How repositories rank: apt's pin priority; on Arch, repositories counted from the last of
    /// pacman.conf, which has 1; 0 in the AUR.
    pub priority: i32,
}

/// All that is known of one package.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Details<'a> {
    /// Name, without an architecture qualifier.
    pub name: &'a str,
    /// Candidate version.
    pub version: &'a str,
    /// Kind of origin.
    pub source: Source,
    /// Repository of the candidate, or `local`.
    pub repository: &'a str,
    /// Architecture.
    pub architecture: &'a str,
    /// One line.
    pub description: &'a str,
    /// Version on this system.
    pub installed_version: Option<&'a str>,
    /// What an install would choose; differs from `version` if another one was asked for.
    pub candidate_version: Option<&'a str>,
    /// Long description, already unfolded: paragraphs separated by an empty line.
    pub long_description: Option<String>,
    /// Home page.
    pub url: Option<&'a str>,
    /// Maintainer, verbatim.
    pub maintainer: Option<&'a str>,
    /// Licences where the distribution records them.
    pub licenses: Vec<&'a str>,
    /// Section of Debian's archive.
    pub section: Option<&'a str>,
    /// Arch's groups that it is in.
    pub groups: Vec<&'a str>,
    /// Priority, verbatim.
    pub priority: Option<&'a str>,
    /// Source package when it differs from the name.
    pub source_package: Option<&'a str>,
    /// `Multi-Arch` value.
    pub multi_arch: Option<&'a str>,
    /// May not be removed.
    pub essential: bool,
    /// Dependencies, in the distribution's own notation, one string per comma-separated item.
    pub depends: Vec<&'a str>,
    /// Needed before unpacking.
    pub pre_depends: Vec<&'a str>,
    /// Wanted by default.
    pub recommends: Vec<&'a str>,
    /// Optional.
    pub suggests: Vec<&'a str>,
    /// Suggests itself to these.
    pub enhances: Vec<&'a str>,
    /// May not be unpacked together.
    pub conflicts: Vec<&'a str>,
    /// Breaks these when unpacked.
    pub breaks: Vec<&'a str>,
    /// Takes over files or the place of.
    pub replaces: Vec<&'a str>,
    /// Virtual packages.
    pub provides: Vec<&'a str>,
    /// Bytes to download.
    pub download_size: Option<u64>,
    /// Bytes on disk.
    pub installed_size: Option<u64>,
    /// Path below the archive's root.
    pub filename: Option<&'a str>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: Option<&'a str>,
    /// Package URL, <https://github.com/package-url/purl-spec>.
    pub purl: String,
    /// Why it is installed.
    pub install_reason: Option<InstallReason>,
    /// Seconds since the epoch at which it was unpacked; RFC 3339 in JSON.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_time"))]
    pub installed_at: Option<u64>,
    /// Kept at its version by the user.
    pub held: bool,
    /// dpkg's status words where they are not `install ok installed`.
    pub state: Option<&'a str>,
    /// Every version known, newest first.
    pub versions: Vec<Offered<'a>>,
    /// What the AUR knows of it, if that is where it comes from.
    pub aur: Option<AurFacts<'a>>,
}

impl Details<'_> {
    /// Nothing is known yet but the kind of origin.
    pub fn empty(source: Source) -> Self {
        Details {
            name: "",
            version: "",
            source,
            repository: "",
            architecture: "",
            description: "",
            installed_version: None,
            candidate_version: None,
            long_description: None,
            url: None,
            maintainer: None,
            licenses: Vec::new(),
            section: None,
            groups: Vec::new(),
            priority: None,
            source_package: None,
            multi_arch: None,
            essential: false,
            depends: Vec::new(),
            pre_depends: Vec::new(),
            recommends: Vec::new(),
            suggests: Vec::new(),
            enhances: Vec::new(),
            conflicts: Vec::new(),
            breaks: Vec::new(),
            replaces: Vec::new(),
            provides: Vec::new(),
            download_size: None,
            installed_size: None,
            filename: None,
            sha256: None,
            purl: String::new(),
            install_reason: None,
            installed_at: None,
            held: false,
            state: None,
            versions: Vec::new(),
            aur: None,
        }
    }
}

#[cfg(feature = "serde")]
#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn as_time<S: serde::Serializer>(seconds: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match seconds {
        Some(seconds) => serializer.collect_str(&crate::Rfc3339(*seconds)),
        None => serializer.serialize_none(),
    }
}
