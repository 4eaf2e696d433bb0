//! The review of a recipe: what changed since it was last looked at, and what deserves a look.
//!
//! Marks are found by reading: `PKGBUILD` and install scripts are cut into words, never run. That
//! is a lexer and not bash, so somebody who tries can hide something from it: what a program fetched
//! from a source does, names put together at run time, patches to the sources. A recipe without marks
//! is one in which nothing known was seen, not one that is safe.

mod agree;
mod contents;
mod disguise;
mod effects;
mod fetchers;
mod lexer;
mod people;
mod programs;
mod risk;
mod scan;
mod script;
mod sources;
mod values;
mod words;

use omg_core::{Review, Severity};

pub use people::Facts;
use risk::Found;
pub use risk::{MAX_MARKS, Risk};
pub use scan::MAX_SCRIPT;

use crate::recipes::{
    CommitId, FileKind, Files, MAX_DIFF, PackageBase, RecipeError, RecipeFile, Recipes,
    ReviewedCommit,
};

/// Reviews the commit `to` of a fetched recipe against the last one that was accepted.
///
/// Nothing is fetched and nothing remembered. The diff is of whole files if there was no review, or
/// if the commit reviewed then is not to be had any more, which is marked.
///
/// # Errors
/// If the commit is not there, or git fails.
pub fn review(
    recipes: &Recipes,
    name: &PackageBase,
    to: &CommitId,
    last: Option<&ReviewedCommit>,
    facts: &Facts<'_>,
) -> Result<Review, RecipeError> {
    let mut found = Found::default();
    let files = recipes.read(name, to)?;
    let mut from = None;
    if let Some(last) = last {
        if !recipes.follows(name, &last.commit, to)? {
            found.add(Risk::HistoryRewritten, Severity::Danger, "", 0, last.commit.as_str());
        }
        from = recipes.holds(name, &last.commit)?.then_some(&last.commit);
    }
    let old = from.map(|from| recipes.read(name, from)).transpose()?;
    people::look(&mut found, facts, last);
    look(&mut found, &files, old.as_ref());
    let diff = difference(&mut found, recipes, name, from, to, (&files, old.as_ref()))?;
    Ok(Review {
        package_base: name.to_string(),
        from: from.map(ToString::to_string),
        to: to.to_string(),
        diff,
        marks: found.finish(),
    })
}

/// Marks what can be told from the files alone.
fn look(found: &mut Found, files: &Files, old: Option<&Files>) {
    contents::look(found, files, old);
    if let Some(srcinfo) = files.text(".SRCINFO") {
        sources::look(found, srcinfo, old.and_then(|old| old.text(".SRCINFO")));
        if let Some(pkgbuild) = files.text("PKGBUILD") {
            agree::look(found, pkgbuild, srcinfo);
        }
    }
}

/// The diff of the text files; the others are named. Whether a file is text is told by what is in it,
/// not by the recipe's own attributes, which could hide it.
fn difference(
    found: &mut Found,
    recipes: &Recipes,
    name: &PackageBase,
    from: Option<&CommitId>,
    to: &CommitId,
    (files, old): (&Files, Option<&Files>),
) -> Result<String, RecipeError> {
    let mut paths = Vec::new();
    let mut others = String::new();
    let before = |file: &RecipeFile| {
        old.and_then(|old| old.files.iter().find(|other| other.raw == file.raw))
    };
    let gone = old.iter().flat_map(|old| &old.files);
    let gone = gone.filter(|file| files.files.iter().all(|other| other.raw != file.raw));
    for file in files.files.iter().chain(gone) {
        let pair = before(file).filter(|other| !std::ptr::eq(*other, file));
        if pair == Some(file) {
            continue;
        }
        let shown = |file: &RecipeFile| {
            file.text().is_some() || matches!(file.kind, FileKind::Symlink | FileKind::Submodule)
        };
        match std::str::from_utf8(&file.raw) {
            Ok(path) if shown(file) && pair.is_none_or(shown) => paths.push(path),
            _ => others.extend(["Not shown: ", &file.path, "\n"]),
        }
    }
    if paths.is_empty() {
        return Ok(others);
    }
    let (mut diff, cut) = recipes.difference(name, from, to, &paths)?;
    if cut {
        let text = format!("the diff is longer than {MAX_DIFF} bytes");
        found.add(Risk::NotReadInFull, Severity::Danger, "", 0, &text);
    }
    diff.push_str(&others);
    Ok(diff)
}

#[cfg(test)]
mod tests;
