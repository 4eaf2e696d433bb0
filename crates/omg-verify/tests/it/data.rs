//! Real data, and where it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A file or directory of the real data: `OMG_TEST_DATA`, or beside the workspace. None, said loudly, if it
/// is not here; in CI it must be.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("OMG_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    absent(&format!("{} is not here", path.display()));
    None
}

/// Says what is skipped; in CI nothing is.
pub(crate) fn absent(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what}");
    println!("SKIPPED: {what}");
}

/// What several tests share while any of them runs; it is dropped with the last, as a static never is.
pub(crate) fn shared<T>(cell: &Mutex<Weak<T>>, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
    let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(there) = cell.upgrade() {
        return Some(there);
    }
    let made = Arc::new(make()?);
    *cell = Arc::downgrade(&made);
    Some(made)
}

/// The Release files and keyrings of Debian and Ubuntu, unpacked.
pub(crate) fn releases() -> Option<Arc<tempfile::TempDir>> {
    static UNPACKED: Mutex<Weak<tempfile::TempDir>> = Mutex::new(Weak::new());
    shared(&UNPACKED, || {
        let archive = fs::File::open(find("debian/release.tar.gz")?).unwrap();
        let directory = tempfile::tempdir().unwrap();
        tar::Archive::new(flate2::read::GzDecoder::new(archive)).unpack(directory.path()).unwrap();
        Some(directory)
    })
}

/// Files of a directory, sorted, whose name passes.
pub(crate) fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|it| wanted(&it.to_string_lossy())))
        .collect();
    files.sort();
    files
}
