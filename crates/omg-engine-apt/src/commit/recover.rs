//! Finishing or reverting what was cut off.

use std::fs;
use std::path::{Path, PathBuf};

use omg_commit::{Commission, Proof, Report};
use omg_core::{Change, Conffiles, Fault, Operation};
use omg_verify::digest::{self, Also};

use super::dpkg::{Dpkg, conffile_options};
use super::error::Error;
use super::transaction::{self, Place};
use super::{AptCommitter, paths, proofs};
use crate::apt::Apt;
use crate::settings::Purpose;

/// First what dpkg can finish by itself, then what must be unpacked again, then what dependencies want.
/// A package that was coming and whose archive is not there any more goes again.
pub(super) fn recover(
    committer: &mut AptCommitter,
    report: &dyn Report,
) -> Result<Vec<String>, Fault> {
    let before = committer.status()?.unfinished()?;
    if before.is_empty() && !broken(committer)? {
        return Ok(Vec::new());
    }
    let dpkg = Dpkg::new(&committer.root);
    let mut done = Vec::new();
    committer.locks.lend();
    let mut configure = conffile_options(Conffiles::Keep).to_vec();
    configure.extend(["--configure", "-a"]);
    // Where it fails, the rest may help; what is left is looked at in the end.
    let configured = dpkg.run(&configure, report);
    remove(committer, &dpkg, report)?;
    if committer.status()?.unfinished()?.is_empty() && !broken(committer)? {
        done.extend(before.iter().map(|line| format!("finished: {line}")));
        return Ok(done);
    }
    let repaired = repair(committer, &dpkg, report);
    let left = committer.status()?.unfinished()?;
    if left.is_empty() {
        repaired?;
        done.extend(before.iter().map(|line| format!("repaired: {line}")));
        return Ok(done);
    }
    let mut fault = match (repaired, configured) {
        (Err(error), _) => error,
        (Ok(()), Err(error)) => error.into(),
        (Ok(()), Ok(())) => {
            let status = committer.status()?;
            let again = status.entries.iter().find(|entry| entry.flag == "reinstreq");
            let what = "packages are still unfinished".to_owned();
            again
                .map_or(Error::Transaction { what, causes: Vec::new() }, |entry| Error::Gone {
                    package: entry.full_name(),
                })
                .into()
        }
    };
    fault.cause.splice(0..0, left);
    Err(fault)
}

/// Goes on with removals that were begun: `--configure -a` leaves out what is not wanted any more. Where
/// something needs it now, it stays.
fn remove(committer: &AptCommitter, dpkg: &Dpkg, report: &dyn Report) -> Result<(), Fault> {
    let status = committer.status()?;
    let begun = status.entries.iter().filter(|it| it.is_unfinished() && it.flag != "reinstreq");
    for entry in begun {
        let verb = match entry.want.as_str() {
            "deinstall" => "--remove",
            "purge" => "--purge",
            _ => continue,
        };
        let package = entry.full_name();
        if dpkg.run(&[verb, &package], report).is_err() {
            // What is left in the end is told with why the rest failed.
            let _ = dpkg.run(&["--configure", &package], report);
        }
    }
    Ok(())
}

/// Are dependencies of installed packages unmet, or must something be installed again?
fn broken(committer: &AptCommitter) -> Result<bool, Fault> {
    let mut apt = Apt::open_for(&committer.root, Purpose::Commit)?;
    Ok(!apt.repair()?.changes.is_empty())
}

/// What `apt-get --fix-broken install` does, with the archives that are in apt's cache.
fn repair(committer: &mut AptCommitter, dpkg: &Dpkg, report: &dyn Report) -> Result<(), Fault> {
    revert(committer, dpkg, report)?;
    let mut apt = Apt::open_for(&committer.root, Purpose::Commit)?;
    let plan = apt.repair()?;
    if plan.changes.is_empty() {
        return Ok(());
    }
    let archives = paths(&committer.conf).archives;
    let directory = Directory::new(&committer.root)?;
    let mut files = Vec::new();
    for proof in proofs::proofs(&committer.root, &plan, None)? {
        let path = directory.0.join(&proof.file_name);
        let name = plan.changes.get(proof.change).map_or("", |change| change.name.as_str());
        let gone = || Error::Gone { package: name.to_owned() };
        let file = copy(&archives, &proof, &path)?.ok_or_else(gone)?;
        files.push((proof, path, file));
    }
    let cache = apt.into_cache().ok_or_else(super::unplanned)?;
    let change = Change::new(Operation::Install, [""; 0]);
    let commission =
        Commission { change: &change, plan: &plan, files: &files, conffiles: Conffiles::Keep };
    let paths = paths(&committer.conf);
    let place = Place { root: &committer.root, archives: &paths.archives, dpkg: &paths.dpkg };
    transaction::run(cache, &place, &commission, &mut committer.locks, report)?;
    Ok(())
}

/// Takes back what must be unpacked again and can't be, because no list or no archive of it is there.
fn revert(committer: &AptCommitter, dpkg: &Dpkg, report: &dyn Report) -> Result<(), Fault> {
    let status = committer.status()?;
    let archives = paths(&committer.conf).archives;
    for entry in status.entries.iter().filter(|entry| entry.flag == "reinstreq") {
        let mut apt = Apt::open_for(&committer.root, Purpose::Commit)?;
        let offered = apt.archives_of(&entry.name, &entry.architecture)?;
        drop(apt);
        let is_here = |(file_name, sha256): &(String, String)| {
            let file = fs::File::open(archives.join(file_name)).ok();
            let digests = file.and_then(|file| digest::file(&file, Also::default(), None).ok());
            digests.is_some_and(|digests| digests.sha256.to_string() == *sha256)
        };
        // A version is known only once it has been there whole.
        if offered.iter().any(is_here) || !entry.version.is_empty() {
            continue;
        }
        let package = entry.full_name();
        dpkg.run(&["--remove", "--force-remove-reinstreq", &package], report)?;
    }
    Ok(())
}

/// The archive in apt's cache, copied and compared with what the lists say of it.
fn copy(archives: &Path, proof: &Proof, to: &Path) -> Result<Option<fs::File>, Error> {
    let Ok(from) = fs::File::open(archives.join(&proof.file_name)) else { return Ok(None) };
    let target = fs::File::create_new(to).map_err(Error::io(to, "making it"))?;
    let copied = digest::copy(from, &target, Also::default(), proof.size);
    let copied =
        copied.map_err(|error| Error::io(to, "copying it")(std::io::Error::other(error)))?;
    if proof.sha256 != Some(copied.sha256.to_string()) {
        return Ok(None);
    }
    fs::File::open(to).map(Some).map_err(Error::io(to, "opening it again"))
}

/// A directory for copies, beside those of orders.
struct Directory(PathBuf);

impl Directory {
    fn new(root: &Path) -> Result<Self, Error> {
        let path = root.join("var/lib/omg/staging/recover");
        fs::create_dir(&path).map_err(Error::io(&path, "making it"))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Else it is deleted before the next order.
        let _ = fs::remove_dir_all(&self.0);
    }
}
