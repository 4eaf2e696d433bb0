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
        other_engine();
        &["run", "--release", "--package", "omg-benches", "--"]
    };
    shell::run(shell::cargo(task).args(arguments))
}

/// On Debian pacman's systems can be measured, too, where its library is.
fn other_engine() {
    if native::is_arch() {
        return;
    }
    packages::want(packages::ENGINE_ALPM);
    let built = native::alpm_features().and_then(|features| {
        let build = ["build", "--quiet", "--release", "--package", native::ALPM];
        shell::quietly(&mut shell::cargo(&[&build, features.as_slice()].concat()))
    });
    if let Err(failure) = built {
        eprintln!(
            "note: {failure}\nnote: without {}, no figures of pacman's systems",
            native::ALPM
        );
    }
}
