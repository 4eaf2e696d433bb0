//! Which package libraries this system has, and how the crates that link them are built.

use crate::packages::{self, Need};
use crate::shell::{self, Outcome};
use std::path::Path;
use std::process::Command;

/// The crate that links libalpm.
pub(crate) const ALPM: &str = "omg-engine-alpm";

/// The crate that links libapt-pkg.
pub(crate) const APT: &str = "omg-engine-apt";

/// Is this Arch, or one of its kin?
pub(crate) fn is_arch() -> bool {
    Path::new("/var/lib/pacman/local").is_dir() && !Path::new("/var/lib/dpkg/status").exists()
}

/// The engine of this system, and what it takes to build it.
pub(crate) fn engine() -> (&'static str, &'static [Need]) {
    if is_arch() { (ALPM, packages::ENGINE_ALPM) } else { (APT, packages::ENGINE_APT) }
}

/// Major version of libalpm here; the crates that bind it differ.
fn libalpm() -> Option<u32> {
    let version =
        shell::output(Command::new("pkg-config").args(["--modversion", "libalpm"])).ok()?;
    String::from_utf8_lossy(&version).trim().split('.').next()?.parse().ok()
}

/// Arguments for cargo that fit the alpm engine to this system; none for Debian 12's.
pub(crate) fn alpm_features() -> Outcome<Vec<&'static str>> {
    let feature = match libalpm() {
        None | Some(13) => return Ok(Vec::new()),
        Some(15) => "alpm15",
        Some(16) => "alpm16",
        Some(other) => return Err(format!("libalpm {other} is not known; 13, 15 and 16 are")),
    };
    Ok(vec!["--no-default-features", "--features", feature])
}

/// What is missing for building everything.
pub(crate) fn require_everything() -> Outcome {
    packages::require(packages::BUILD)?;
    if !is_arch() {
        packages::require(packages::ENGINE_APT)?;
    }
    packages::require(packages::ENGINE_ALPM)
}

/// Runs a task of cargo over every crate. An engine whose library this system does not have is left
/// out, and one whose library differs from Debian 12's is built apart.
pub(crate) fn everywhere(task: &[&str], rest: &[&str]) -> Outcome<Vec<Command>> {
    let features = alpm_features()?;
    let mut whole = shell::cargo(task);
    whole.arg("--workspace");
    if is_arch() {
        eprintln!("note: {APT} is left out, because libapt-pkg is not at home here");
        whole.args(["--exclude", APT]);
    }
    let mut commands = Vec::new();
    if features.is_empty() {
        whole.args(rest);
        commands.push(whole);
    } else {
        whole.args(["--exclude", ALPM]).args(rest);
        commands.push(whole);
        let mut alone = shell::cargo(task);
        alone.args(["--package", ALPM]).args(features).args(rest);
        commands.push(alone);
    }
    Ok(commands)
}
