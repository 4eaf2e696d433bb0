//! Where an engine's executable is.

use std::path::{Path, PathBuf};

/// Directories, relative to that of the running executable, in order.
const PLACES: [&str; 3] = ["", "../lib/omg", "../libexec/omg"];

/// The executable `name` that belongs to the running one: beside it, else in `../lib/omg`, else in
/// `../libexec/omg`. If it is nowhere, the place beside is given back, and starting it will say so.
///
/// A test in `target/debug/deps` finds what cargo built in `target/debug`.
pub fn locate(name: &str) -> PathBuf {
    let ours = std::env::current_exe().unwrap_or_default();
    locate_from(ours.parent().unwrap_or(Path::new("")), name)
}

fn locate_from(directory: &Path, name: &str) -> PathBuf {
    let directory = match directory.file_name() {
        Some(last) if last == "deps" => directory.parent().unwrap_or(directory),
        _ => directory,
    };
    let mut places = PLACES.iter().map(|place| directory.join(place).join(name));
    places.find(|path| path.is_file()).unwrap_or_else(|| directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) -> PathBuf {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
        path.to_owned()
    }

    #[test]
    fn the_nearest_place_wins() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("usr/bin");
        std::fs::create_dir_all(&bin).unwrap();
        assert_eq!(locate_from(&bin, "engine"), bin.join("engine"));
        touch(&root.path().join("usr/libexec/omg/engine"));
        assert_eq!(locate_from(&bin, "engine"), bin.join("../libexec/omg/engine"));
        touch(&root.path().join("usr/lib/omg/engine"));
        assert_eq!(locate_from(&bin, "engine"), bin.join("../lib/omg/engine"));
        touch(&bin.join("engine"));
        assert_eq!(locate_from(&bin, "engine"), bin.join("engine"));
    }

    #[test]
    fn a_test_finds_what_cargo_built() {
        let root = tempfile::tempdir().unwrap();
        let engine = touch(&root.path().join("engine"));
        assert_eq!(locate_from(&root.path().join("deps"), "engine"), engine);
    }
}
