//! Which packages are there for others: `extended_states`, written as libapt writes it
//! (`pkgDepCache::writeStateFile` in `apt-pkg/depcache.cc`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use omg_failpoint::reach;

use super::error::Error;

/// Largest file that is read, bytes.
const LARGEST: u64 = 256 << 20;

/// Name and architecture.
pub(super) type Key = (String, String);

/// Sets marks. Answers with the packages whose mark differs now. The file is the old one or the new one,
/// whenever this is cut off.
pub(super) fn set(path: &Path, marks: &BTreeMap<Key, bool>) -> Result<Vec<Key>, Error> {
    let old = read(path)?;
    let (text, changed) = merged(&old, marks);
    if text == old {
        return Ok(changed);
    }
    let new = path.with_extension("omg-new");
    let write = || -> io::Result<()> {
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        reach!("commit.marks.before");
        fs::rename(&new, path)?;
        if let Some(directory) = path.parent() {
            File::open(directory)?.sync_all()?;
        }
        reach!("commit.marks.after");
        Ok(())
    };
    write().map_err(Error::io(path, "writing it"))?;
    Ok(changed)
}

/// The packages that are marked as there for others.
pub(super) fn automatic(path: &Path) -> Result<BTreeSet<Key>, Error> {
    let text = read(path)?;
    let marked = text.split("\n\n").filter(|it| field(it, "Auto-Installed") == Some("1"));
    Ok(marked.filter_map(key).collect())
}

fn read(path: &Path) -> Result<String, Error> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(Error::io(path, "reading it")(error)),
        Ok(there) if there.len() > LARGEST => {
            let why = "it is too large".to_owned();
            return Err(Error::Malformed { path: path.to_path_buf(), why });
        }
        Ok(_) => {}
    }
    fs::read_to_string(path).map_err(Error::io(path, "reading it"))
}

fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
    stanza.lines().find_map(value).map(str::trim)
}

fn key(stanza: &str) -> Option<Key> {
    Some((field(stanza, "Package")?.to_owned(), field(stanza, "Architecture")?.to_owned()))
}

fn merged(old: &str, marks: &BTreeMap<Key, bool>) -> (String, Vec<Key>) {
    let mut text = String::new();
    let mut changed = Vec::new();
    let mut left = marks.clone();
    for stanza in old.split("\n\n").map(|it| it.trim_matches('\n')).filter(|it| !it.is_empty()) {
        let mark = key(stanza).and_then(|key| left.remove(&key).map(|mark| (key, mark)));
        let Some((key, mark)) = mark else {
            text.push_str(stanza);
            text.push_str("\n\n");
            continue;
        };
        let before = field(stanza, "Auto-Installed") == Some("1");
        if before != mark {
            changed.push(key);
        }
        // A stanza that says nothing any more is left out.
        let known = ["Package:", "Architecture:", "Auto-Installed:"];
        if !mark && stanza.lines().all(|line| known.iter().any(|name| line.starts_with(name))) {
            continue;
        }
        let value = if mark { "Auto-Installed: 1" } else { "Auto-Installed: 0" };
        let lines = stanza.lines().filter(|line| !line.starts_with("Auto-Installed:"));
        for line in lines.chain([value]) {
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
    }
    for ((name, architecture), mark) in left {
        if mark {
            text.extend([
                format!("Package: {name}\n"),
                format!("Architecture: {architecture}\nAuto-Installed: 1\n\n"),
            ]);
            changed.push((name, architecture));
        }
    }
    changed.sort();
    (text, changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        (name.to_owned(), "amd64".to_owned())
    }

    #[test]
    fn stanzas_are_merged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("extended_states");
        let marks = BTreeMap::from([(key("a"), true), (key("b"), true), (key("c"), false)]);
        assert_eq!(set(&path, &marks).unwrap(), [key("a"), key("b")]);
        assert_eq!(set(&path, &marks).unwrap(), []);
        assert_eq!(automatic(&path).unwrap(), BTreeSet::from([key("a"), key("b")]));
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b")
        );
        fs::write(&path, format!("{}X: y\n\n", text.trim_end_matches('\n').to_owned() + "\n"))
            .unwrap();
        let none = BTreeMap::from([(key("a"), false), (key("b"), false)]);
        assert_eq!(set(&path, &none).unwrap(), [key("a"), key("b")]);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "Package: b\nArchitecture: amd64\nX: y\nAuto-Installed: 0\n\n");
    }
}
