//! What a change would do, in full.

use bitcode::{Decode, Encode};
#[cfg(feature = "serde")]
use serde::Serialize;

use crate::Source;

/// What happens to one package.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize), serde(rename_all = "lowercase"))]
pub enum Action {
    /// It goes, its configuration stays.
    Remove,
    /// It goes with its configuration.
    Purge,
    /// It comes.
    Install,
    /// A newer version takes its place.
    Upgrade,
    /// An older version takes its place.
    Downgrade,
    /// The same version is unpacked again.
    Reinstall,
}

impl Action {
    /// The word used in JSON and in the canonical form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Purge => "purge",
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Reinstall => "reinstall",
        }
    }
}

/// Why it happens.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cfg_attr(
    feature = "serde",
    derive(Serialize),
    serde(rename_all = "kebab-case", tag = "kind", content = "package")
)]
pub enum Reason {
    /// The user named it.
    Requested,
    /// The package named here needs it.
    Dependency(String),
    /// The package named here recommends it.
    Recommended(String),
    /// A newer candidate is there.
    Newer,
    /// The package named here takes its place.
    ReplacedBy(String),
    /// It takes the place of the package named here.
    Replaces(String),
    /// The package named here can't be installed together with it.
    Conflict(String),
    /// The package named here, which it needs, goes or changes.
    Loses(String),
    /// Needed by nothing any more.
    Unneeded,
    /// Building the package named here needs it.
    Build(String),
    /// The native library did not say.
    Unknown,
}

/// One change of a plan.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Planned {
    /// What happens.
    pub action: Action,
    /// Name, without an architecture qualifier.
    pub name: String,
    /// Architecture.
    pub architecture: String,
    /// Version on this system.
    pub old_version: Option<String>,
    /// Version afterwards.
    pub new_version: Option<String>,
    /// Kind of origin.
    pub source: Source,
    /// Where the new version comes from; empty for what is removed.
    pub repository: String,
    /// Why.
    pub reason: Reason,
    /// Afterwards it counts as installed for others.
    pub automatic: bool,
    /// Bytes to download; 0 for what is in the cache already, and for what is built.
    pub download_size: u64,
    /// Bytes on disk afterwards less those before.
    pub installed_size_delta: i64,
    /// SHA-256 of the archive, hexadecimal, as the repository's index has it.
    pub sha256: Option<String>,
    /// How well its origin is verified; absent until it has been staged.
    pub grade: Option<String>,
}

/// A package that stays as it is though something newer is there.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct HeldBack {
    /// Name.
    pub name: String,
    /// Architecture.
    pub architecture: String,
    /// Version on this system.
    pub installed_version: String,
    /// Version that it would get.
    pub candidate_version: String,
    /// Why it stays, one phrase: `held`, `ignored in pacman.conf`, `needs new packages`.
    pub why: String,
}

/// A package chosen among several that provide what was wanted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct ProviderChoice {
    /// What was wanted: a virtual package, in the notation of the dependency.
    pub wanted: String,
    /// Who wants it; empty if the user does.
    pub wanted_by: String,
    /// Package that the plan has.
    pub chosen: String,
    /// All that could be chosen, in the order of the native tool.
    pub options: Vec<String>,
}

/// A dependency that can do without.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct OptionalDependency {
    /// The package of the plan that has it.
    pub package: String,
    /// What it would like to have, in the distribution's notation without the description.
    pub wanted: String,
    /// What for.
    pub description: String,
    /// Is it on this system already, or part of the plan?
    pub satisfied: bool,
}

/// A recipe of the AUR that would be built.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Build {
    /// Package base: the recipe.
    pub package_base: String,
    /// Version that it makes.
    pub version: String,
    /// Packages of it that are installed afterwards.
    pub packages: Vec<String>,
    /// Who maintains it; nobody if absent.
    pub maintainer: Option<String>,
    /// Votes in the AUR.
    pub votes: u32,
    /// Seconds since the epoch of its last change.
    pub last_modified: u64,
    /// Seconds since the epoch at which it was flagged out of date.
    pub out_of_date: Option<u64>,
    /// Packages that only the build needs.
    pub make_depends: Vec<String>,
    /// Packages that only its tests need.
    pub check_depends: Vec<String>,
}

/// Everything that a change would do.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Plan {
    /// Changes, sorted by name, architecture and action.
    pub changes: Vec<Planned>,
    /// Recipes to build, in order.
    pub builds: Vec<Build>,
    /// What stays behind, by name.
    pub held_back: Vec<HeldBack>,
    /// Choices that were made.
    pub providers: Vec<ProviderChoice>,
    /// Optional dependencies of what comes, by package.
    pub optional: Vec<OptionalDependency>,
    /// Packages that nothing needs any more and that this plan leaves: names, sorted.
    pub unneeded: Vec<String>,
    /// What the user should know before saying yes, one line each.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Puts everything into its order, so that equal plans are equal bytes.
    pub fn sort(&mut self) {
        self.changes.sort_by(|a, b| {
            (&a.name, &a.architecture, a.action).cmp(&(&b.name, &b.architecture, b.action))
        });
        self.held_back.sort_by(|a, b| (&a.name, &a.architecture).cmp(&(&b.name, &b.architecture)));
        self.providers.sort_by(|a, b| (&a.wanted, &a.wanted_by).cmp(&(&b.wanted, &b.wanted_by)));
        self.optional.sort_by(|a, b| (&a.package, &a.wanted).cmp(&(&b.package, &b.wanted)));
        self.unneeded.sort();
        self.unneeded.dedup();
    }

    /// Does it change nothing?
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.builds.is_empty()
    }

    /// Bytes to download in all.
    pub fn download_size(&self) -> u64 {
        self.changes.iter().fold(0, |sum, change| sum.saturating_add(change.download_size))
    }

    /// Bytes on disk afterwards less those before.
    pub fn installed_size_delta(&self) -> i64 {
        self.changes.iter().fold(0, |sum, change| sum.saturating_add(change.installed_size_delta))
    }

    /// Changing system packages takes the administrator's rights.
    pub fn needs_privilege(&self) -> bool {
        !self.is_empty()
    }

    /// What is done, to which package, from and to which version and out of which archive, as lines
    /// of fields with tabs between; `docs/formats.md` describes it. Reasons, sizes and hints are not
    /// part of it: they may be worded differently without anything else being done.
    pub fn canonical(&self) -> String {
        let mut text = String::from("omg-plan/1\n");
        for change in &self.changes {
            let fields = [
                change.action.as_str(),
                change.source.as_str(),
                &change.name,
                &change.architecture,
                change.old_version.as_deref().unwrap_or(""),
                change.new_version.as_deref().unwrap_or(""),
                &change.repository,
                change.sha256.as_deref().unwrap_or(""),
                if change.automatic { "automatic" } else { "explicit" },
            ];
            line(&mut text, &fields);
        }
        for build in &self.builds {
            let mut fields = vec!["build", "aur", &build.package_base, &build.version];
            fields.extend(build.packages.iter().map(String::as_str));
            line(&mut text, &fields);
        }
        text
    }

    /// BLAKE3 of the canonical form, hexadecimal: what a user approves, and what is done.
    pub fn digest(&self) -> String {
        blake3::hash(self.canonical().as_bytes()).to_hex().to_string()
    }
}

/// Fields come from foreign text: one with a tab or line break in it must not look like two.
fn line(text: &mut String, fields: &[&str]) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            text.push('\t');
        }
        for character in field.chars() {
            match character {
                '\t' | '\n' | '\\' => text.extend(character.escape_default()),
                other => text.push(other),
            }
        }
    }
    text.push('\n');
}

/// Why a package is not on this system, or not in a version.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct WhyNot {
    /// The package.
    pub name: String,
    /// The version that was asked about.
    pub version: Option<String>,
    /// Version on this system.
    pub installed_version: Option<String>,
    /// What an install would choose.
    pub candidate_version: Option<String>,
    /// Does it (in that version) fit into this system?
    pub possible: bool,
    /// What keeps it out, or what would be done to have it: one line each, in order.
    pub reasons: Vec<String>,
    /// What installing it would do, where it is possible.
    pub changes: Vec<Planned>,
}

/// A group of packages, as Arch has them, or a section of Debian's archive.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct GroupRow {
    /// Name.
    pub name: String,
    /// Packages in it.
    pub packages: u32,
    /// Of these, on this system.
    pub installed: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(name: &str) -> Planned {
        Planned {
            action: Action::Install,
            name: name.into(),
            architecture: "amd64".into(),
            old_version: None,
            new_version: Some("1.0".into()),
            source: Source::Apt,
            repository: "bookworm/main".into(),
            reason: Reason::Requested,
            automatic: false,
            download_size: 1,
            installed_size_delta: 2,
            sha256: None,
            grade: None,
        }
    }

    #[test]
    fn the_digest_depends_on_what_is_done_and_on_nothing_else() {
        let plan = |edit: fn(&mut Planned)| {
            let mut change = planned("vim");
            edit(&mut change);
            Plan { changes: vec![change], ..Plan::default() }.digest()
        };
        let digest = plan(|_| {});
        assert_eq!(digest, plan(|change| change.reason = Reason::Unneeded));
        assert_ne!(digest, plan(|change| change.new_version = Some("1.1".into())));
        assert_ne!(digest, plan(|change| change.action = Action::Remove));
        assert_ne!(digest, plan(|change| change.sha256 = Some("00".into())));
        assert_ne!(digest, plan(|change| change.automatic = true));
    }

    #[test]
    fn text_with_separators_in_it_is_no_other_plan() {
        let mut one = planned("a");
        one.name = "a\tamd64".into();
        let text = Plan { changes: vec![one], ..Plan::default() }.canonical();
        assert_eq!(text.lines().nth(1).unwrap().split('\t').count(), 9);
    }

    #[test]
    fn order_is_a_matter_of_sorting() {
        let mut forth = Plan { changes: vec![planned("a"), planned("b")], ..Plan::default() };
        let mut back = Plan { changes: vec![planned("b"), planned("a")], ..Plan::default() };
        forth.sort();
        back.sort();
        assert_eq!(forth.digest(), back.digest());
    }
}
