//! What a user wants changed.

use bitcode::{Decode, Encode};

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
pub enum Operation {
    /// Have the targets: install what is not there, upgrade what is older.
    Install,
    /// Have the targets no longer.
    Remove,
    /// Bring the whole system to its candidates.
    Upgrade,
    /// Remove what was installed for others and is needed by nothing any more.
    Autoremove,
}

/// How far an upgrade may go to have every package newer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Encode, Decode)]
pub enum Scope {
    /// Versions change, and nothing else: `apt-get upgrade`.
    Safe,
    /// New packages may come in, none is removed: `apt upgrade`.
    #[default]
    Standard,
    /// Packages in the way may be removed: `apt full-upgrade`, `pacman -Su`.
    Full,
}

/// How a change is to be planned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Encode, Decode)]
pub struct PlanOptions {
    /// Of an upgrade.
    pub scope: Scope,
    /// Removing takes along what was installed for the targets and is needed by nothing else.
    pub recursive: bool,
    /// Removing takes along configuration files.
    pub purge: bool,
    /// Installing upgrades the whole system with it. Arch needs it while upgrades are pending.
    pub follow: bool,
    /// Install again what is installed in this version.
    pub reinstall: bool,
    /// Recommended packages are left out, whatever the settings say.
    pub without_recommends: bool,
    /// All targets count as installed for others afterwards, not as chosen by the user.
    pub as_dependencies: bool,
    /// Recipes of the AUR changed less than so many seconds ago are refused; the settings' time if
    /// absent.
    pub min_age_s: Option<u64>,
}

/// A request to plan.
///
/// Targets are in the notation of the command line: `pkg`, `pkg=version`, `pkg/suite` (Debian),
/// `repository/pkg` (Arch), `pkg:architecture`, `pkg-` to remove, or an absolute path of a package
/// file.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode)]
pub struct Change {
    /// What.
    pub operation: Operation,
    /// Of which packages; all if empty, where that makes sense.
    pub targets: Vec<String>,
    /// Which package provides a virtual one: pairs of the wanted name and the chosen one.
    pub providers: Vec<(String, String)>,
    /// How.
    pub options: PlanOptions,
}

impl Change {
    /// Most targets of one change.
    pub const TARGET_LIMIT: usize = 2048;

    /// A change with nothing but its targets.
    pub fn new<S: Into<String>>(
        operation: Operation,
        targets: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            operation,
            targets: targets.into_iter().map(Into::into).collect(),
            providers: Vec::new(),
            options: PlanOptions::default(),
        }
    }

    /// The package that was chosen to provide `wanted`.
    pub fn provider(&self, wanted: &str) -> Option<&str> {
        let chosen = self.providers.iter().find(|(name, _)| name == wanted);
        chosen.map(|(_, package)| package.as_str())
    }
}
