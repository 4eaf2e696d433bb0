//! Release executables.

use crate::shell::{self, Outcome};
use std::path::{Path, PathBuf};

/// Builds `omg` and `omgd`, and `omg-fast` without a runtime. Gives the directory of the first two
/// and the path of the third.
pub(crate) fn release() -> Outcome<(PathBuf, PathBuf)> {
    let target = shell::target()?;
    let (release, fast) = (target.join("release"), target.join("fast/omg-fast"));
    let first = !release.join("omg").exists();
    if first {
        eprintln!("Building OMG. The first time takes a few minutes.");
    }
    cargo(first, &["build", "--release", "--package", "omg-bin"])?;
    cargo(first, &["build", "--profile", "fast", "--package", "omg-fast"])?;
    for executable in [release.join("omg"), release.join("omgd"), fast.clone()] {
        is_there(&executable)?;
    }
    Ok((release, fast))
}

/// Only the first build is worth watching; after that cargo speaks up when something is wrong.
fn cargo(watched: bool, arguments: &[&str]) -> Outcome {
    let mut command = shell::cargo(arguments);
    if watched { shell::run(&mut command) } else { shell::quietly(command.arg("--quiet")) }
}

fn is_there(executable: &Path) -> Outcome {
    if executable.is_file() {
        return Ok(());
    }
    Err(format!("cargo built it, but {} is not there; is build.target set?", executable.display()))
}
