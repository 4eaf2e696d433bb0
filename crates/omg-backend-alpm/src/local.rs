//! What is installed: pacman's local database.
//!
//! `local/NAME-VERSION-RELEASE/` has a file `desc` (see [`crate::desc`]), `files` (see
//! [`crate::files`]), `mtree` (see [`crate::mtree`]) and, where the package has a scriptlet,
//! `install`. `local/ALPM_DB_VERSION` is the version of the layout.

use std::fs;
use std::ops::Range;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omg_core::{Installed, InstalledPackage, PackageState, Source, escape};

use crate::desc::{self, LARGEST_RECORD, MOST_VALUES};
use crate::error::Error;
use crate::graph::{self, Node};
use crate::rules::Rules;
use crate::version;

mod entry;
#[cfg(test)]
mod tests;

pub(crate) use entry::read_below;

/// The file that says which version the layout is of.
pub const VERSION_FILE: &str = "ALPM_DB_VERSION";
/// The version that pacman 4.2 and all later ones write.
const VERSION: u64 = 9;
/// Most bytes of all records. 3,000 packages have about 5 MB.
pub const LARGEST_TEXT: usize = 256 << 20;
/// Most packages.
pub const MOST_PACKAGES: usize = 100_000;
/// Most satisfied dependencies. 3,000 packages have about 20,000.
pub const MOST_EDGES: usize = 4_000_000;
/// At most this many warnings are kept.
const MOST_WARNINGS: usize = 64;

/// Reads everything that is installed; `local` is the directory of the local database.
///
/// Entries that make no sense become warnings. The error is that there is no database, that it is
/// of another version, that it can't be read, or that it exceeds a limit of this module.
pub fn read(local: &Path, rules: &Rules) -> Result<Installed, Error> {
    let large = |limit: usize, unit| Error::TooLarge {
        path: local.to_path_buf(),
        limit: limit as u64,
        unit,
    };
    let entries = entries(local)?;
    check_version(local, entries.len())?;
    let mut warnings = entries.warnings;
    if entries.names.len() > MOST_PACKAGES {
        return Err(large(MOST_PACKAGES, "packages"));
    }
    let records = records(local, entries.names, &mut warnings)?;
    if records.text.len() > LARGEST_TEXT {
        return Err(large(LARGEST_TEXT, "bytes"));
    }
    let packages = packages(&records, local, &mut warnings);
    let nodes: Vec<Node<'_>> = packages.iter().map(|package| package.node.clone()).collect();
    let graph =
        graph::build(&nodes, MOST_EDGES).ok_or_else(|| large(MOST_EDGES, "dependencies"))?;
    let installed = packages.iter().zip(graph.orphans);
    let packages = installed.map(|(package, orphan)| package.installed(orphan, rules)).collect();
    warnings.truncate(MOST_WARNINGS);
    Ok(Installed { text: Arc::from(records.text.as_str()), packages, edges: graph.edges, warnings })
}

/// Has an installed package a scriptlet, which pacman runs when it is upgraded or removed?
pub fn has_scriptlet(local: &Path, name: &str, version: &str) -> bool {
    entry_dir(local, name, version).is_some_and(|dir| dir.join("install").is_file())
}

/// The directory of an installed package. `None` for a name or version that can't be one.
pub fn entry_dir(local: &Path, name: &str, version: &str) -> Option<PathBuf> {
    let good = desc::valid_name(name) && desc::valid_version(version);
    good.then(|| local.join(format!("{name}-{version}")))
}

/// The record of one installed package.
pub(crate) fn record(local: &Path, name: &str, version: &str) -> Result<String, Error> {
    let not_installed = || Error::NotInstalled { name: name.to_owned() };
    let dir = entry_dir(local, name, version).ok_or_else(not_installed)?;
    let open = fs::File::open(&dir).map_err(|_| not_installed())?;
    let mut bytes = Vec::new();
    read_below(open.as_fd(), &dir, "desc", LARGEST_RECORD, &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The directories of the local database.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Those that may be packages', sorted.
    pub(crate) names: Vec<String>,
    /// Of the others.
    warnings: Vec<String>,
    others: usize,
}

impl Entries {
    /// Is anything there at all, but for the version's file?
    fn len(&self) -> usize {
        self.names.len() + self.others
    }
}

/// Lists the local database.
pub(crate) fn entries(local: &Path) -> Result<Entries, Error> {
    let failed = |error| Error::io(local, "listing what is installed", error);
    let listing = fs::read_dir(local).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NoDatabase { path: local.to_path_buf() },
        _ => failed(error),
    })?;
    let mut entries = Entries::default();
    for entry in listing {
        let entry = entry.map_err(failed)?;
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            entries.others += usize::from(entry.file_name() != VERSION_FILE);
            continue;
        }
        match entry.file_name().into_string() {
            Ok(name) if is_entry(&name) => entries.names.push(name),
            other => {
                let name = other.unwrap_or_else(|name| name.to_string_lossy().into_owned());
                entries.others += 1;
                if entries.warnings.len() < MOST_WARNINGS {
                    let what = "is not named as a package and its version";
                    entries.warnings.push(format!("{}/{} {what}", local.display(), escape(&name)));
                }
            }
        }
    }
    entries.names.sort_unstable();
    entries.warnings.sort_unstable();
    Ok(entries)
}

fn is_entry(name: &str) -> bool {
    desc::split_entry(name)
        .is_some_and(|(name, version)| desc::valid_name(name) && desc::valid_version(version))
}

/// As libalpm, which takes an empty database for one of the current version.
fn check_version(local: &Path, entries: usize) -> Result<(), Error> {
    let path = local.join(VERSION_FILE);
    let found = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(bytes.get(..32).unwrap_or(&bytes)).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Error::io(&path, "reading the database's version", error)),
    };
    let found = found.trim_ascii();
    let digits = found.find(|c: char| !c.is_ascii_digit()).unwrap_or(found.len());
    let number = found.get(..digits).and_then(|digits| digits.parse::<u64>().ok());
    if number == Some(VERSION) || (found.is_empty() && entries == 0 && !path.exists()) {
        return Ok(());
    }
    Err(Error::DatabaseVersion { path: local.to_path_buf(), found: number, known: VERSION })
}

/// All records, one behind the other.
#[derive(Debug, Default)]
struct Records {
    text: String,
    /// Name of the directory and place of the record.
    places: Vec<(String, Range<usize>)>,
}

fn records(local: &Path, names: Vec<String>, warnings: &mut Vec<String>) -> Result<Records, Error> {
    let dir =
        fs::File::open(local).map_err(|error| Error::io(local, "opening the database", error))?;
    let mut records = Records::default();
    let mut bytes = Vec::new();
    for name in names {
        bytes.clear();
        let path = format!("{name}/desc");
        if let Err(error) = read_below(dir.as_fd(), local, &path, LARGEST_RECORD, &mut bytes) {
            warn(warnings, || error.with_cause());
            continue;
        }
        let start = records.text.len();
        records.text.push_str(&String::from_utf8_lossy(&bytes));
        records.places.push((name, start..records.text.len()));
        if records.text.len() > LARGEST_TEXT {
            break;
        }
    }
    Ok(records)
}

/// A record, read.
#[derive(Clone, Debug, Default)]
struct Package<'a> {
    node: Node<'a>,
    architecture: &'a str,
    description: &'a str,
    groups: Vec<&'a str>,
    size: u64,
    record: Range<usize>,
}

/// The packages, sorted by name.
fn packages<'a>(
    records: &'a Records,
    local: &Path,
    warnings: &mut Vec<String>,
) -> Vec<Package<'a>> {
    let mut packages: Vec<Package<'_>> = Vec::with_capacity(records.places.len());
    for (entry, place) in &records.places {
        let text = records.text.get(place.clone()).unwrap_or("");
        let path = || format!("{}/{entry}/desc", local.display());
        match package(text, entry) {
            Ok((package, odd)) => {
                if let Some((line, what)) = odd {
                    warn(warnings, || format!("{}:{line}: {what}", path()));
                }
                packages.push(Package { record: place.clone(), ..package });
            }
            Err((line, what)) => warn(warnings, || format!("{}:{line}: {what}", path())),
        }
    }
    packages.sort_by_key(|package| package.node.name);
    packages.dedup_by(|later, kept| {
        let same = later.node.name == kept.node.name;
        if same {
            warn(warnings, || {
                format!("{}: '{}' is there in several versions", local.display(), kept.node.name)
            });
            if version::compare(later.node.version, kept.node.version).is_gt() {
                std::mem::swap(later, kept);
            }
        }
        same
    });
    packages
}

/// Line, counted from 1, and what is wrong there.
type Malformed = (u32, &'static str);

/// Reads a record; with it comes what is odd but does not matter. As for libalpm, name and version
/// are those of the directory; a record that says otherwise is another package's.
fn package<'a>(text: &'a str, entry: &str) -> Result<(Package<'a>, Option<Malformed>), Malformed> {
    let mut package = Package::default();
    let node = &mut package.node;
    let (mut odd, mut last) = (None, 1);
    for field in desc::fields(text) {
        let one = field.first();
        last = field.line;
        let extend = |list: &mut Vec<&'a str>| {
            let room = MOST_VALUES.saturating_sub(list.len());
            list.extend(field.values().take(room));
        };
        match field.name {
            "NAME" => node.name = one,
            "VERSION" => node.version = one,
            "DESC" => package.description = one,
            "ARCH" => package.architecture = one,
            "SIZE" => package.size = one.parse().unwrap_or(0),
            "GROUPS" => extend(&mut package.groups),
            "DEPENDS" => extend(&mut node.depends),
            "OPTDEPENDS" => extend(&mut node.optional),
            "PROVIDES" => extend(&mut node.provides),
            "REASON" => match one {
                "0" => node.automatic = false,
                "1" => node.automatic = true,
                _ => odd = Some((field.line + 1, "the reason is neither 0 nor 1")),
            },
            _ => {}
        }
    }
    let (name, version) = desc::split_entry(entry).unwrap_or((entry, ""));
    let wrong = match (node.name, node.version) {
        ("", _) => "the record is cut off: it has no %NAME%",
        (_, "") => "the record is cut off: it has no %VERSION%",
        (own, _) if own != name => "%NAME% is not that of the directory",
        (_, own) if own != version => "%VERSION% is not that of the directory",
        _ => return Ok((package, odd)),
    };
    Err((last, wrong))
}

impl Package<'_> {
    fn installed(&self, orphan: bool, rules: &Rules) -> InstalledPackage {
        let name = self.node.name;
        InstalledPackage {
            name: name.into(),
            version: self.node.version.into(),
            architecture: self.architecture.into(),
            source: Source::Alpm,
            state: PackageState::Installed,
            automatic: self.node.automatic,
            orphan,
            held: rules.ignores(name, self.groups.iter().copied()),
            essential: rules.holds(name),
            installed_size: self.size,
            description: self.description.into(),
            section: self.groups.join(" ").into(),
            record: self.record.clone(),
        }
    }
}

fn warn(warnings: &mut Vec<String>, what: impl FnOnce() -> String) {
    if warnings.len() < MOST_WARNINGS {
        warnings.push(what());
    }
}
