//! Files of packages: what `pacman -Ql`, `-Qo`, `-F` and `-Fl` answer from.
//!
//! The local database and the `.files` databases have one file `files` for each package, with a
//! field `%FILES%`: one path a line, without its leading slash, directories with a slash at their
//! end. To find an owner, those of all installed packages are put one behind the other in one
//! buffer, which is then searched for the path as for any other string; [`Cache`] keeps it while
//! nothing changed.

use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem;
use omg_core::{FileMatch, Generation};

use crate::error::Error;
use crate::generation;
use crate::local;

mod available;
mod lists;
#[cfg(test)]
mod tests;

pub(crate) use available::{Database, Question, owners, package};
pub use lists::Lists;

/// Largest list of one package that is read, bytes. The largest of Arch have 15 MB.
pub const LARGEST_LIST: u64 = 64 << 20;

/// Most bytes of lists that [`Cache`] keeps; more are read anew each time.
const LARGEST_KEPT: usize = 48 << 20;

/// Most links that lead to one path.
const MOST_LINKS: usize = 40;

/// Paths of an installed package, in the order of `pacman -Ql`: absolute, directories with a slash
/// at their end. `local` is the directory of the local database.
pub fn list(local: &Path, name: &str, version: &str) -> Result<Vec<String>, Error> {
    let not_installed = || Error::NotInstalled { name: name.to_owned() };
    let entry = local::entry_dir(local, name, version).ok_or_else(not_installed)?;
    let mut bytes = Vec::new();
    let failed = |error| Error::io(&entry, "listing files", error);
    let dir = std::fs::File::open(&entry).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => not_installed(),
        _ => failed(error),
    })?;
    let dir = std::os::fd::AsFd::as_fd(&dir);
    match local::read_below(dir, &entry, "files", LARGEST_LIST, &mut bytes) {
        // As for pacman, a package whose list is missing has no files.
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        other => other?,
    }
    Ok(sorted(paths(&bytes)))
}

/// Lines as absolute paths, in libalpm's order.
pub(crate) fn sorted<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut lines: Vec<&[u8]> = lines.collect();
    lines.sort_unstable();
    lines.iter().map(|line| format!("/{}", String::from_utf8_lossy(line))).collect()
}

/// The lines of `%FILES%`.
pub(crate) fn paths(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    section(text).split(|byte| *byte == b'\n').map(without_root).filter(|line| !line.is_empty())
}

/// The text of `%FILES%`: from the newline before its first line up to an empty line.
pub(crate) fn section(text: &[u8]) -> &[u8] {
    const NAME: &[u8] = b"%FILES%\n";
    let start = if text.starts_with(NAME) {
        NAME.len() - 1
    } else {
        match memmem::find(text, b"\n%FILES%\n") {
            Some(at) => at + NAME.len(),
            None => return &[],
        }
    };
    let rest = text.get(start..).unwrap_or_default();
    let end = memmem::find(rest, b"\n\n").map_or(rest.len(), |at| at + 1);
    rest.get(..end).unwrap_or_default()
}

fn without_root(line: &[u8]) -> &[u8] {
    match line {
        [b'/', rest @ ..] => without_root(rest),
        _ => line,
    }
}

/// Are files in this directory commands? `dir` has no slash at its end.
pub(crate) fn is_command_dir(dir: &[u8]) -> bool {
    let ends = [&b"/bin"[..], b"/sbin", b"/games"].iter().any(|end| dir.ends_with(end));
    // Arch has those of Perl's modules below: `/usr/bin/vendor_perl`.
    ends || dir.strip_prefix(b"/usr/bin/").is_some_and(|name| name.ends_with(b"_perl"))
}

/// The path of what a path leads to where its directories are links, as they are below `root`:
/// `/usr/bin/sh` for `/bin/sh`. The last part is not followed, as for `pacman -Qo`. `None` if it is
/// the same path or leads nowhere.
pub fn resolved(root: &Path, path: &str) -> Option<String> {
    let trimmed = path.trim_end_matches('/');
    let (parent, name) = trimmed.rsplit_once('/')?;
    let mut left: Vec<PathBuf> = vec![PathBuf::from(parent.trim_start_matches('/'))];
    let (mut there, mut links) = (PathBuf::new(), 0);
    while let Some(rest) = left.pop() {
        let mut components = rest.components();
        let Some(first) = components.next() else { continue };
        left.push(components.as_path().to_path_buf());
        match first {
            Component::Normal(part) => there.push(part),
            Component::ParentDir => drop(there.pop()),
            _ => {}
        }
        if let Ok(target) = std::fs::read_link(root.join(&there)) {
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            there.pop();
            if target.is_absolute() {
                there.clear();
            }
            left.push(target);
        }
    }
    let found = format!("/{}", there.join(name).to_str()?);
    (found != trimmed).then_some(found)
}

/// The lists as they were read last, for as long as pacman did not touch them.
#[derive(Debug, Default)]
pub struct Cache {
    kept: Mutex<Option<(Generation, Arc<Lists>)>>,
}

impl Cache {
    /// The lists as they are now; `local` is the directory of the local database.
    pub fn lists(&self, local: &Path) -> Result<Arc<Lists>, Error> {
        let state = generation::lists(local);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, lists)) = kept.as_ref()
            && *of == state
        {
            return Ok(Arc::clone(lists));
        }
        *kept = None;
        let lists = Arc::new(Lists::read(local)?);
        if lists.bytes() <= LARGEST_KEPT {
            *kept = Some((state, Arc::clone(&lists)));
        }
        Ok(lists)
    }
}

/// Sorts matches by path, then package, and drops repeated ones.
fn in_order(mut matches: Vec<FileMatch>) -> Vec<FileMatch> {
    matches.sort_by(|a, b| (&a.path, &a.package).cmp(&(&b.path, &b.package)));
    matches.dedup();
    matches
}
