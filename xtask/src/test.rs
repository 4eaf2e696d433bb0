//! `cargo xtask test`: every test of the workspace.

use crate::shell::{self, Outcome};
use crate::{native, packages};
use std::ffi::OsString;

/// Runs unit, integration and documentation tests. The tests of `omg-fast` get the executable that
/// users get, which the test profile does not build.
pub(crate) fn run(arguments: &[OsString]) -> Outcome {
    native::require_everything()?;
    packages::want(packages::TEST);
    shell::run(&mut shell::cargo(&["build", "--profile", "fast", "--package", "omg-fast"]))?;
    let fast = shell::target()?.join("fast/omg-fast");
    for mut command in native::everywhere(&["test"], &[])? {
        shell::run(command.args(arguments).env("OMG_FAST", &fast))?;
    }
    Ok(())
}
