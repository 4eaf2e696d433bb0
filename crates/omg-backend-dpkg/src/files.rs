//! Files of installed packages: what `dpkg -L` and `dpkg -S` answer from.
//!
//! dpkg keeps one list of paths for each package in `info/NAME.list`, or `info/NAME:ARCH.list` for
//! those that can be installed for several architectures at once, and the diversions in
//! `diversions`. To find an owner, all lists are put one behind the other in one buffer, which is
//! then searched for the path as for any other string; [`Cache`] keeps it while nothing changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use omg_core::{FileMatch, Installed};

use crate::error::Error;
use crate::status::read_settled;

mod diversions;
mod lists;
#[cfg(test)]
mod tests;

pub use lists::Lists;

/// Largest list of one package that is read, bytes. The largest in Debian has 3 MB.
const LARGEST_LIST: u64 = 64 << 20;

/// Most bytes of lists that [`Cache`] keeps; more are read anew each time.
const LARGEST_KEPT: usize = 48 << 20;

/// The list of a package, if there is one.
pub fn list_path(admin: &Path, name: &str, architecture: &str) -> Option<PathBuf> {
    if name.contains('/') || architecture.contains('/') {
        return None;
    }
    let qualified = admin.join(format!("info/{name}:{architecture}.list"));
    if qualified.is_file() {
        return Some(qualified);
    }
    Some(admin.join(format!("info/{name}.list"))).filter(|path| path.is_file())
}

/// Paths of an installed package, in the order of `dpkg -L`.
pub fn list(admin: &Path, name: &str, architecture: &str) -> Result<Vec<String>, Error> {
    let Some(path) = list_path(admin, name, architecture) else {
        return Err(Error::NotInstalled { name: name.to_owned() });
    };
    let bytes = read_settled(&path, &mut LARGEST_LIST.clone())?;
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .map(lists::without_slash)
        .filter(|line| !line.is_empty());
    Ok(lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect())
}

/// Seconds since the epoch at which a package was last unpacked: dpkg writes its list then.
pub fn installed_at(admin: &Path, name: &str, architecture: &str) -> Option<u64> {
    let metadata = fs::metadata(list_path(admin, name, architecture)?).ok()?;
    u64::try_from(metadata.mtime()).ok()
}

/// The lists as they were read last, for as long as dpkg did not touch them.
#[derive(Debug, Default)]
pub struct Cache {
    kept: Mutex<Option<(Stamp, Arc<Lists>)>>,
}

/// Time, inode and size of the directory of lists and of the diversions.
type Stamp = [(i64, i64, u64, u64); 2];

impl Cache {
    /// The lists as they are now. `installed` says which packages count: dpkg passes over lists
    /// that were left behind.
    pub fn lists(&self, admin: &Path, installed: &Installed) -> Result<Arc<Lists>, Error> {
        let stamp = stamp(admin);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, lists)) = kept.as_ref()
            && *of == stamp
        {
            return Ok(Arc::clone(lists));
        }
        *kept = None;
        let lists = Arc::new(Lists::read(admin, Some(installed))?);
        if lists.bytes() <= LARGEST_KEPT {
            *kept = Some((stamp, Arc::clone(&lists)));
        }
        Ok(lists)
    }
}

fn stamp(admin: &Path) -> Stamp {
    ["info", "diversions"].map(|name| match fs::metadata(admin.join(name)) {
        Ok(found) => (found.mtime(), found.mtime_nsec(), found.ino(), found.size()),
        Err(_) => (0, 0, 0, 0),
    })
}

/// The other name of a path where `/bin` and its like are links into `/usr`, if it has one.
pub fn merged_alias(path: &str) -> Option<String> {
    const MERGED: [&str; 7] =
        ["/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/", "/libx32/", "/libo32/"];
    let begins = |path: &str| MERGED.iter().any(|start| path.starts_with(start));
    match path.strip_prefix("/usr") {
        Some(rest) => begins(rest).then(|| rest.to_owned()),
        None => begins(path).then(|| format!("/usr{path}")),
    }
}

/// Sorts matches by path, then package, and drops repeated ones.
fn in_order(mut matches: Vec<FileMatch>) -> Vec<FileMatch> {
    matches.sort_by(|a, b| {
        (&a.path, &a.package, &a.architecture).cmp(&(&b.path, &b.package, &b.architecture))
    });
    matches.dedup();
    matches
}
