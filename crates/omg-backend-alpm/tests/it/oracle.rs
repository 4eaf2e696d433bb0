//! pacman's own tools, and the real databases of Arch.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a program prints when it is given `input`; `None` if it isn't there.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").env("TZ", "UTC").stderr(Stdio::null());
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return missing(&format!("{program} can't be run: {error}")),
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // A program that reads nothing closes the pipe.
    let _ = writer.join().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Says what is skipped; where nothing may be, fails.
pub(crate) fn missing<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{what}");
    eprintln!("skipped: {what}");
    None
}

/// Real data, or `None` if it was not given.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("OMG_TEST_DATA").map_or(beside, PathBuf::from).join(name);
    if path.exists() { Some(path) } else { missing(&format!("{} is not there", path.display())) }
}

/// A root with the databases of a directory of real data, and pacman's arguments for it.
pub(crate) struct Root {
    pub(crate) dir: tempfile::TempDir,
}

impl Root {
    pub(crate) fn with_databases(name: &str) -> Option<Self> {
        let source = data(name)?;
        let dir = tempfile::tempdir().unwrap();
        let sync = dir.path().join("var/lib/pacman/sync");
        fs::create_dir_all(&sync).unwrap();
        fs::create_dir_all(dir.path().join("etc")).unwrap();
        let mut names = Vec::new();
        for entry in fs::read_dir(source).unwrap().flatten() {
            let file = entry.file_name().into_string().unwrap();
            if let Some(name) = file.strip_suffix(".db") {
                fs::write(sync.join(&file), fs::read(entry.path()).unwrap()).unwrap();
                names.push(name.to_owned());
            }
        }
        names.sort();
        let mut conf = "[options]\nSigLevel = Never\nArchitecture = x86_64\n".to_owned();
        for name in names {
            conf.push_str(&format!("[{name}]\nServer = http://a.example/$repo/$arch\n"));
        }
        fs::write(dir.path().join("etc/pacman.conf"), conf).unwrap();
        Some(Self { dir })
    }

    /// What `pacman` prints about this root.
    pub(crate) fn pacman(&self, arguments: &[&str]) -> Option<String> {
        let path = |end: &str| self.dir.path().join(end).to_str().unwrap().to_owned();
        let (conf, root, db) = (path("etc/pacman.conf"), path(""), path("var/lib/pacman"));
        let cache = path("cache");
        let mut all =
            vec!["--config", &conf, "--root", &root, "--dbpath", &db, "--cachedir", &cache];
        all.extend(arguments);
        run("pacman", &all, "")
    }
}
