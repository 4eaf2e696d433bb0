//! `cargo xtask run`: from a fresh clone to an answer.

use crate::shell::Outcome;
use crate::{build, native, packages};
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Builds what is needed and becomes `omg ARGUMENTS`, in the directory where we were called.
pub(crate) fn run(arguments: &[OsString]) -> Outcome {
    packages::require(packages::BUILD)?;
    packages::require(native::engine().1)?;
    let (release, _) = build::release()?;
    packages::lists()?;
    let omg = release.join("omg");
    // Returns only if it failed.
    let error = Command::new(&omg).args(arguments).exec();
    Err(format!("cannot start {}: {error}", omg.display()))
}
