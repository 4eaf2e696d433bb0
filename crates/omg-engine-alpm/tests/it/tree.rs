//! Everything that can be seen of a root, to compare two.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::root::Root;

/// What only one of the two tools has, or what says when it ran.
const APART: [&str; 6] =
    ["var/lib/omg", "var/cache", "pacman.log", "var/log", "gnupg", "etc/pacman.conf"];

/// Paths with what is there: kind, mode, owner and contents.
pub(crate) fn of(root: &Root) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    walk(root.path(), root.path(), &mut tree);
    tree
}

fn walk(root: &Path, at: &Path, tree: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if APART.contains(&name.as_str()) {
            continue;
        }
        let there = fs::symlink_metadata(&path).unwrap();
        let kind = there.file_type();
        let content = if kind.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if kind.is_file() {
            content(&name, &fs::read(&path).unwrap())
        } else if kind.is_dir() || kind.is_fifo() {
            String::new()
        } else {
            "special".into()
        };
        // libalpm takes the umask away while it unpacks, and with it that of tests in other threads, which
        // make their roots meanwhile.
        let mode = there.mode() & !0o022;
        let line = format!("{mode:o} {}:{} {content}", there.uid(), there.gid());
        tree.insert(name, line);
        if kind.is_dir() {
            walk(root, &path, tree);
        }
    }
}

fn content(name: &str, bytes: &[u8]) -> String {
    if name.starts_with("var/lib/pacman/local/") && name.ends_with("/desc") {
        let text = String::from_utf8_lossy(bytes);
        let mut kept = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            kept.push(line);
            if line == "%INSTALLDATE%" {
                lines.next();
            }
        }
        return kept.join("\n");
    }
    if bytes.len() < 4096 && !bytes.contains(&0) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    blake3::hash(bytes).to_hex().to_string()
}

/// What differs, for people; empty if nothing does.
pub(crate) fn difference(ours: &Root, theirs: &Root) -> String {
    differing(&of(ours), &of(theirs))
}

/// The same, but for how packages were validated: what is installed again after a crash comes from a
/// file whose digest is in the journal, and libalpm has no word for that.
pub(crate) fn difference_of_recovered(ours: &Root, theirs: &Root) -> String {
    let blind = |mut tree: BTreeMap<String, String>| {
        for text in tree.values_mut() {
            *text = text.replace("%VALIDATION%\nsha256", "%VALIDATION%\nnone");
        }
        tree
    };
    differing(&blind(of(ours)), &blind(of(theirs)))
}

fn differing(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (path, there) in ours {
        match theirs.get(path) {
            None => text += &format!("only ours: {path} {there}\n"),
            Some(other) if other != there => {
                text += &format!("{path}\n  ours:     {there}\n  pacman's: {other}\n");
            }
            Some(_) => {}
        }
    }
    for (path, there) in theirs.iter().filter(|(path, _)| !ours.contains_key(*path)) {
        text += &format!("only pacman's: {path} {there}\n");
    }
    text
}
