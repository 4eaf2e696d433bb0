//! `cargo xtask test`: every test of the workspace.

use crate::packages;
use crate::shell::{self, Outcome};
use std::ffi::OsString;

/// Runs unit, integration and documentation tests. The tests of `omg-fast` get the executable that
/// users get, which the test profile does not build.
pub(crate) fn run(arguments: &[OsString]) -> Outcome {
    packages::require(packages::BUILD)?;
    packages::want(packages::TEST);
    shell::run(&mut shell::cargo(&["build", "--profile", "fast", "--package", "omg-fast"]))?;
    let fast = shell::target()?.join("fast/omg-fast");
    shell::run(shell::cargo(&["test", "--workspace"]).args(arguments).env("OMG_FAST", fast))
}
