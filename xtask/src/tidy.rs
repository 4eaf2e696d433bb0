//! `cargo xtask tidy`: the rules of this repository that no compiler checks.

mod edges;
mod links;
mod security;
mod source;

use crate::shell::{self, Outcome};
use std::fs;
use std::path::{Path, PathBuf};

/// One breach of a rule.
pub(crate) type Breach = String;

/// Where our own files are.
const FOLDERS: &[&str] = &["crates", "xtask", "benches", "fuzz", "fixtures", "docs", "packaging"];

/// Written by tools; not ours to keep short.
const GENERATED: &[&str] = &["target", "corpus", "artifacts"];

/// Checks everything; the failure lists every breach.
pub(crate) fn run() -> Outcome {
    let root = shell::root();
    let mut files = Vec::new();
    for folder in FOLDERS {
        walk(&root.join(folder), &mut files)?;
    }
    let mut breaches = Vec::new();
    let mut of_tests = Vec::new();
    for path in files.iter().filter(|path| is_rust(path)) {
        of_tests.extend(source::test_modules(path, &read(path)?));
    }
    for path in &files {
        let shown = path.strip_prefix(&root).unwrap_or(path);
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("rs") => {
                breaches.extend(source::check(shown, &read(path)?, of_tests.contains(path)));
            }
            Some("md") => breaches.extend(links::check(&root, shown, &read(path)?)),
            _ if path.file_name().is_some_and(|name| name == "Cargo.toml") => {
                breaches.extend(edges::check(shown, &read(path)?));
            }
            _ => {}
        }
    }
    let mut sources = security::Sources::new();
    for path in files.iter().filter(|path| is_rust(path)) {
        sources.insert(path.strip_prefix(&root).unwrap_or(path).to_owned(), read(path)?);
    }
    breaches.extend(security::check(&read(&root.join(security::PAGE))?, &sources));
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        breaches.extend(links::check(&root, Path::new(name), &read(&root.join(name))?));
    }
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "LICENSES.md", "deny.toml"] {
        if !root.join(name).is_file() {
            breaches.push(format!("{name}: missing"));
        }
    }
    breaches.sort();
    for breach in &breaches {
        eprintln!("{breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        count => Err(format!("{count} breach(es) of the rules in CONTRIBUTING.md")),
    }
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(shell::at(path, "reading"))
}

/// Every file below a folder, without what tools leave there.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(shell::at(folder, "listing"))?;
        let kind = entry.file_type().map_err(shell::at(folder, "listing"))?;
        let generated = GENERATED.iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() && !generated {
            walk(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
