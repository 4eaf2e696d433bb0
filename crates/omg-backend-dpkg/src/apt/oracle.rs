//! apt's own programs, run on a root made for one test.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a program of apt's prints when `root` is all that it reads; `None` if it isn't there.
pub(super) fn apt(root: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let conf = tempfile::NamedTempFile::new().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let text = format!(
        "Dir \"{root}/\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\nDir::Cache \"{cache}\";\nAPT::Architecture \"amd64\";\n",
        root = root.display(),
        cache = cache.path().display()
    );
    fs::write(conf.path(), text).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).env("APT_CONFIG", conf.path()).env("LC_ALL", "C").stdin(Stdio::null());
    match command.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            println!("skipped: {program} can't be run: {error}");
            None
        }
    }
}

/// A root with the directories that apt wants.
pub(super) fn root() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for path in [
        "etc/apt/apt.conf.d",
        "etc/apt/sources.list.d",
        "var/lib/apt/lists/partial",
        "var/lib/dpkg",
    ] {
        fs::create_dir_all(dir.path().join(path)).unwrap();
    }
    fs::write(dir.path().join("var/lib/dpkg/status"), "").unwrap();
    dir
}
