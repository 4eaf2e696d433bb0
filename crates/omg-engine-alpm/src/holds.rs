//! Packages that the user holds. pacman has no place for them but `IgnorePkg`, which is the
//! administrator's; so they have a file of their own, which both engine and daemon take for more of it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use omg_backend_alpm::holds;
use omg_failpoint::reach;

use crate::error::Error;

/// Holds packages or lets them go. Answers with those for which that is news.
pub(crate) fn set(root: &Path, packages: &[String], hold: bool) -> Result<Vec<String>, Error> {
    let path = root.join(holds::FILE);
    let mut held: BTreeSet<String> = holds::read(root).into_iter().collect();
    let differ: Vec<String> =
        packages.iter().filter(|name| held.contains(*name) != hold).cloned().collect();
    for name in &differ {
        if hold {
            held.insert(name.clone());
        } else {
            held.remove(name);
        }
    }
    if !differ.is_empty() {
        write(&path, &held).map_err(|error| Error::io(&path, "noting what is held", error))?;
    }
    Ok(differ)
}

/// Old file or new file, whenever this is cut off.
fn write(path: &Path, held: &BTreeSet<String>) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory)?;
    let new = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&new)?;
    writeln!(file, "# Packages that `omg hold` keeps as they are, one a line.")?;
    for name in held {
        writeln!(file, "{name}")?;
    }
    file.sync_all()?;
    reach!("alpm.holds.before");
    fs::rename(&new, path)?;
    File::open(directory)?.sync_all()
}
