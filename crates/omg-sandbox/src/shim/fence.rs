//! Landlock: nothing is written but where the profile says, whatever the mounts allow.
//!
//! Rights and their versions: <https://docs.kernel.org/userspace-api/landlock.html>.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, Scope,
};

use super::spec::Spec;
use crate::{HOME, Landlock, Profile, WORKSPACE};

/// Directories that may be written to in full.
const WRITABLE: [&str; 4] = [WORKSPACE, "/tmp", HOME, "/dev/shm"];
/// The newest version whose rights are used.
const NEWEST: ABI = ABI::V6;

/// Confines this process for good, and says which version of Landlock holds; 0 for none.
pub(super) fn put_up(spec: &Spec) -> Result<i32, String> {
    let status = rules(spec).map_err(|error| format!("Landlock: {error}"))?;
    let version = match status {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    };
    let needed = spec.profile.landlock_version();
    let may_lack = spec.landlock == Landlock::IfAvailable && spec.profile != Profile::Strict;
    if version < needed && !may_lack {
        return Err(format!(
            "Landlock is of version {version} here, and the profile {} needs {needed}",
            spec.profile
        ));
    }
    Ok(version)
}

fn rules(spec: &Spec) -> Result<LandlockStatus, RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    if spec.profile == Profile::Strict {
        // No rule follows, so no port can be used at all.
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut created = ruleset.create()?;
    let devices =
        AccessFs::from_read(NEWEST) | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    let everything = AccessFs::from_all(NEWEST);
    let places = [("/", AccessFs::from_read(NEWEST)), ("/dev", devices)];
    let places: Vec<(&str, BitFlags<AccessFs>)> =
        places.into_iter().chain(WRITABLE.map(|path| (path, everything))).collect();
    for (path, access) in places {
        // A place that is not there can't be written to either.
        let Ok(directory) = PathFd::new(path) else { continue };
        created = created.add_rule(PathBeneath::new(directory, access))?;
    }
    Ok(created.restrict_self()?.landlock)
}
