//! `cargo xtask bench`: measurements. The work is done by the crate in `benches/`.

use crate::shell::{self, Outcome};
use crate::{build, native, packages};
use std::ffi::OsString;

/// Runs the comparison tables, or criterion's benches.
pub(crate) fn run(criterion: bool, arguments: &[OsString]) -> Outcome {
    packages::require(packages::BUILD)?;
    packages::require(native::engine().1)?;
    packages::want(packages::COUNT);
    let task: &[&str] = if criterion {
        &["bench", "--package", "omg-benches", "--"]
    } else {
        build::release()?;
        &["run", "--release", "--package", "omg-benches", "--"]
    };
    shell::run(shell::cargo(task).args(arguments))
}
