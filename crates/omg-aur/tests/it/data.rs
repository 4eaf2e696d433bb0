//! The system's own tools, and real data of the AUR.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Says that something is not tested here; where everything has to be there, that is a failure.
pub(crate) fn skip(what: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "can't be tested: {what}");
    eprintln!("skipped: {what}");
}

/// Real data, or `None` if it was not given.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("OMG_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    skip(&format!("{} is not there", path.display()));
    None
}

/// Unpacks an archive of real data into a temporary directory.
pub(crate) fn unpack(name: &str) -> Option<tempfile::TempDir> {
    let archive = data(name)?;
    let dir = tempfile::tempdir().unwrap();
    let done = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(dir.path()).status();
    assert!(done.unwrap().success(), "tar can't unpack {name}");
    Some(dir)
}
