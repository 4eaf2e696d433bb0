//! Release executables.

use crate::native;
use crate::shell::{self, Outcome};
use std::path::{Path, PathBuf};

/// Builds `omg` and `omgd`, the engine of this system, what confines builds where recipes are built, and
/// `omg-fast` without a runtime. Gives the directory of all but the last, and the path of that.
pub(crate) fn release() -> Outcome<(PathBuf, PathBuf)> {
    let target = shell::target()?;
    let (release, fast) = (target.join("release"), target.join("fast/omg-fast"));
    let first = !release.join("omg").exists();
    if first {
        eprintln!("Building OMG. The first time takes a few minutes.");
    }
    cargo(first, &["build", "--release", "--package", "omg-bin"])?;
    let (engine, _) = native::engine();
    let features = if engine == native::ALPM { native::alpm_features()? } else { Vec::new() };
    let build = ["build", "--release", "--package", engine];
    cargo(first, &[&build, features.as_slice()].concat())?;
    if native::is_arch() {
        cargo(first, &["build", "--release", "--package", "omg-sandbox"])?;
    }
    cargo(first, &["build", "--profile", "fast", "--package", "omg-fast"])?;
    for executable in executables(&release).iter().chain([&fast]) {
        is_there(executable)?;
    }
    Ok((release, fast))
}

/// All that is built into the release directory for users of this system.
pub(crate) fn executables(release: &Path) -> Vec<PathBuf> {
    let mut names = vec!["omg", "omgd", native::engine().0];
    if native::is_arch() {
        names.push("omg-sandbox-exec");
    }
    names.into_iter().map(|name| release.join(name)).collect()
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
