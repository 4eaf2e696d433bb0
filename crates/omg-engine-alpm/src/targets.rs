//! What the user named, found as pacman finds it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use omg_core::{Change, Operation};

use crate::describe::{FileTarget, Request};
use crate::error::Error;
use crate::handle::Handle;
use crate::native::alpm::{Error as Refusal, SigLevel, Usage};
use crate::native::{self, Package};

/// Bytes of a target.
const LONGEST: usize = 4096;
/// Names that are suggested.
const SUGGESTIONS: usize = 3;
/// Edits between a name and a suggestion.
const FARTHEST: usize = 2;

/// Where package files that were named are read.
#[derive(Clone, Copy)]
pub(crate) enum Files<'a> {
    /// Where they were named. Their signatures are checked when the plan is carried out.
    Named,
    /// Verified copies, by name of file, with signatures as `LocalFileSigLevel` wants them.
    Copies(&'a BTreeMap<OsString, PathBuf>),
}

/// The name in a target `pkg-`: a package that goes while others come.
pub(crate) fn going(change: &Change, target: &str) -> Option<String> {
    let named = change.operation == Operation::Install && !target.starts_with('/');
    target.strip_suffix('-').filter(|name| named && !name.is_empty()).map(str::to_owned)
}

/// Names go into C strings, and onto screens.
pub(crate) fn check(target: &str) -> Result<(), Error> {
    let sound = !target.is_empty()
        && target.len() <= LONGEST
        && !target.starts_with('-')
        && !target.chars().any(char::is_control);
    if sound { Ok(()) } else { Err(Error::Target { target: target.chars().take(80).collect() }) }
}

/// Adds all targets of an installation, or of an upgrade that is meant for some packages only.
pub(crate) fn add(
    handle: &Handle,
    change: &Change,
    files: Files<'_>,
    request: &mut Request,
) -> Result<(), Error> {
    let mut unknown = Vec::new();
    let going: Vec<String> =
        change.targets.iter().filter_map(|target| self::going(change, target)).collect();
    remove(handle, &going, request)?;
    for target in &change.targets {
        if self::going(change, target).is_some() {
            continue;
        }
        if change.operation == Operation::Upgrade && handle.installed(target).is_none() {
            let targets = vec![target.clone()];
            let suggestions = close(target, handle.alpm.localdb().pkgs().into_iter());
            return Err(Error::NotInstalled { targets, suggestions });
        }
        if target.starts_with('/') {
            add_file(handle, target, files, request)?;
        } else if !add_named(handle, target, request)? {
            unknown.push(target.clone());
        }
    }
    let Some(first) = unknown.first() else { return Ok(()) };
    let name = first.rsplit('/').next().unwrap_or(first);
    let all = handle.alpm.syncdbs().into_iter().flat_map(|database| database.pkgs().into_iter());
    let suggestions = close(name, all);
    Err(Error::NotFound { targets: unknown, suggestions })
}

/// Adds a package, a provider or the members of a group; `false` if nothing is called so.
fn add_named(handle: &Handle, target: &str, request: &mut Request) -> Result<bool, Error> {
    let (database, wanted) = match target.split_once('/') {
        None => (None, target),
        Some((name, wanted)) => {
            let known =
                || handle.conf.repositories.iter().map(|known| known.name.clone()).collect();
            let database = handle
                .repository(name)
                .ok_or_else(|| Error::NoRepository { name: name.to_owned(), known: known() })?;
            (Some(database), wanted)
        }
    };
    // Naming a repository is enough to install from it, whatever its usage says.
    let usage = database.and_then(|database| Some((database, database.usage().ok()?)));
    if let Some((database, usage)) = usage {
        let _ = database.set_usage(usage | Usage::INSTALL);
    }
    let found = match database {
        None => native::satisfier(&handle.alpm, wanted),
        Some(database) => native::satisfier_in(&handle.alpm, database, wanted),
    };
    let added = match found {
        Some(package) => add_package(handle, package, request).map(|()| true),
        None => add_group(handle, database, wanted, request),
    };
    if let Some((database, usage)) = usage {
        let _ = database.set_usage(usage);
    }
    added
}

fn add_group(
    handle: &Handle,
    database: Option<native::Database<'_>>,
    name: &str,
    request: &mut Request,
) -> Result<bool, Error> {
    let members = native::of_group(&handle.alpm, database, name);
    if members.is_empty() {
        // All members may be installed already.
        let all = handle.alpm.syncdbs();
        let mut searched = all
            .into_iter()
            .filter(|one| database.is_none_or(|database| database.name() == one.name()));
        return Ok(searched.any(|database| database.group(name).is_ok()));
    }
    for member in members {
        add_package(handle, member, request)?;
    }
    Ok(true)
}

fn add_package(handle: &Handle, package: Package<'_>, request: &mut Request) -> Result<(), Error> {
    let name = package.name().to_owned();
    let added = handle.alpm.trans_add_pkg(package).map_err(Refusal::from);
    added.map_err(|error| refused(handle, &name, error))?;
    request.targets.insert(name);
    Ok(())
}

fn add_file(
    handle: &Handle,
    path: &str,
    files: Files<'_>,
    request: &mut Request,
) -> Result<(), Error> {
    let reasons = |reason: String| -> Vec<String> {
        handle.record.borrow().errors.iter().cloned().chain([reason]).collect()
    };
    let (read, level) = match files {
        Files::Named => (PathBuf::from(path), SigLevel::NONE),
        Files::Copies(copies) => {
            let name = Path::new(path).file_name().unwrap_or_default();
            let copy = copies.get(name).ok_or_else(|| Error::NoCopy { name: path.to_owned() })?;
            (copy.clone(), handle.file_level())
        }
    };
    // All of it is read, so that a damaged archive is refused now.
    let package = handle.alpm.pkg_load(read.as_os_str().as_bytes(), true, level);
    let package = package.map_err(|error| match error {
        Refusal::PkgMissingSig | Refusal::PkgInvalidSig => {
            Error::Signature { name: path.to_owned(), reasons: reasons(error.to_string()) }
        }
        error => Error::File {
            path: path.into(),
            exists: Path::new(path).exists(),
            reasons: reasons(error.to_string()),
        },
    })?;
    let name = package.name().to_owned();
    let added = handle.alpm.trans_add_pkg(package).map_err(Refusal::from);
    added.map_err(|error| refused(handle, &name, error))?;
    request.files.insert(name.clone(), FileTarget { named: path.to_owned(), read });
    request.targets.insert(name);
    Ok(())
}

fn refused(handle: &Handle, name: &str, error: Refusal) -> Error {
    match error {
        Refusal::TransDupTarget => Error::Twice { name: name.to_owned() },
        error => handle.failed("adding a package", error),
    }
}

/// Marks installed packages, or groups of them, for removal.
pub(crate) fn remove(
    handle: &Handle,
    names: &[String],
    request: &mut Request,
) -> Result<(), Error> {
    let local = handle.alpm.localdb();
    let mut unknown = Vec::new();
    for target in names {
        let name = target.strip_prefix("local/").unwrap_or(target);
        let packages: Vec<Package<'_>> = match (local.pkg(name), local.group(name)) {
            (Ok(package), _) => vec![package],
            (Err(_), Ok(group)) => group.packages().into_iter().collect(),
            (Err(_), Err(_)) => {
                unknown.push(name.to_owned());
                continue;
            }
        };
        for package in packages {
            request.targets.insert(package.name().to_owned());
            handle
                .alpm
                .trans_remove_pkg(package)
                .map_err(|error| handle.failed("marking a package for removal", error))?;
        }
    }
    let Some(first) = unknown.first() else { return Ok(()) };
    let suggestions = close(first, local.pkgs().into_iter());
    Err(Error::NotInstalled { targets: unknown, suggestions })
}

/// Names that differ little, nearest first.
fn close<'h>(wanted: &str, packages: impl Iterator<Item = Package<'h>>) -> Vec<String> {
    const LONGEST_NAME: usize = 64;
    let length = wanted.len();
    if length > LONGEST_NAME {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = packages
        .map(|package| package.name())
        .filter(|name| name.len().abs_diff(length) <= FARTHEST)
        .map(|name| (omg_core::distance(wanted, name), name))
        .filter(|(distance, _)| *distance <= FARTHEST)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(SUGGESTIONS).map(|(_, name)| name.to_owned()).collect()
}
