//! libalpm 15 and 16: pacman 7.

#[cfg(feature = "alpm15")]
pub(crate) use alpm_4 as alpm;
#[cfg(all(feature = "alpm16", not(feature = "alpm15")))]
pub(crate) use alpm_5 as alpm;

#[cfg(feature = "alpm15")]
use super::FileInTheWay;
use super::{Missing, Uncommitted, Unprepared, notation};

pub(crate) type Package<'h> = &'h alpm::Package;
pub(crate) type Relation<'h> = &'h alpm::Dep;
pub(crate) type Database<'h> = &'h alpm::Db;

/// What pacman would install for `wanted` out of any repository. May ask which provider.
pub(crate) fn satisfier<'h>(handle: &'h alpm::Alpm, wanted: &str) -> Option<Package<'h>> {
    handle.syncdbs().find_satisfier(wanted)
}

/// The same out of one repository.
pub(crate) fn satisfier_in<'h>(
    _handle: &'h alpm::Alpm,
    database: Database<'h>,
    wanted: &str,
) -> Option<Package<'h>> {
    let mut one = alpm::AlpmListMut::<Database<'h>>::new();
    one.push(database);
    // What it gives lives no longer than the list; a repository has each name once.
    let name = one.list().find_satisfier(wanted)?.name().to_owned();
    database.pkg(name).ok()
}

/// Members of a group: of one repository, or of all.
pub(crate) fn of_group<'h>(
    handle: &'h alpm::Alpm,
    database: Option<Database<'h>>,
    name: &str,
) -> Vec<Package<'h>> {
    let Some(database) = database else {
        return handle.find_group_pkgs(handle.syncdbs(), name).into_iter().collect();
    };
    let mut one = alpm::AlpmListMut::<Database<'h>>::new();
    one.push(database);
    handle.find_group_pkgs(one.list(), name).into_iter().collect()
}

/// Names of the two sides: the coming package and the installed one.
pub(crate) fn conflict(question: &alpm::ConflictQuestion<'_>) -> (String, String) {
    let conflict = question.conflict();
    (conflict.package1().name().to_owned(), conflict.package2().name().to_owned())
}

pub(crate) fn prepare(handle: &mut alpm::Alpm) -> Result<(), Unprepared> {
    use alpm::PrepareData::{ConflictingDeps, PkgInvalidArch, UnsatisfiedDeps};
    let Err(error) = handle.trans_prepare() else { return Ok(()) };
    #[cfg(feature = "alpm15")]
    let data = error.try_data();
    #[cfg(all(feature = "alpm16", not(feature = "alpm15")))]
    let data = error.data();
    Err(match data {
        Some(UnsatisfiedDeps(list)) => Unprepared::Missing(
            list.iter()
                .map(|missing| Missing {
                    package: missing.target().to_owned(),
                    wanted: notation(&missing.depend()),
                    name: missing.depend().name().to_owned(),
                    by: missing.causing_pkg().map(str::to_owned),
                })
                .collect(),
        ),
        Some(ConflictingDeps(list)) => Unprepared::Conflicts(
            list.iter()
                .map(|conflict| {
                    let (one, other) = (conflict.package1().name(), conflict.package2().name());
                    (one.to_owned(), other.to_owned(), notation(&conflict.reason()))
                })
                .collect(),
        ),
        Some(PkgInvalidArch(_)) => Unprepared::Architecture,
        None => Unprepared::Other(error.error()),
    })
}

pub(crate) fn commit(handle: &mut alpm::Alpm) -> Result<(), Uncommitted> {
    use alpm::CommitData::{FileConflict, PkgInvalid};
    let Err(error) = handle.trans_commit() else { return Ok(()) };
    #[cfg(feature = "alpm15")]
    let data = error.try_data();
    #[cfg(all(feature = "alpm16", not(feature = "alpm15")))]
    let data = error.data();
    let (conflicts, invalid) = match data {
        #[cfg(feature = "alpm15")]
        Some(FileConflict(list)) => (list.iter().map(in_the_way).collect(), Vec::new()),
        // alpm 5.0.2 takes these for conflicts between packages, and reading them so is undefined: that
        // there are some is all that is said.
        #[cfg(all(feature = "alpm16", not(feature = "alpm15")))]
        Some(FileConflict(_)) => (Vec::new(), Vec::new()),
        Some(PkgInvalid(list)) => (Vec::new(), list.iter().map(ToOwned::to_owned).collect()),
        None => (Vec::new(), Vec::new()),
    };
    Err(Uncommitted { error: error.error(), conflicts, invalid })
}

#[cfg(feature = "alpm15")]
fn in_the_way(one: &alpm::FileConflict) -> FileInTheWay {
    FileInTheWay {
        package: one.target().to_owned(),
        path: one.file().to_owned(),
        coming: matches!(one.conflict_type(), alpm::FileConflictType::Target),
    }
}

pub(crate) fn set_reason(
    package: Package<'_>,
    reason: alpm::PackageReason,
) -> Result<(), alpm::Error> {
    package.set_reason(reason)
}

/// Name of the file that a repository has it in.
pub(crate) fn file_name(package: Package<'_>) -> Option<&str> {
    package.filename().filter(|name| !name.is_empty())
}

/// Paths of its files, without the first slash.
pub(crate) fn files(package: &alpm::LoadedPackage<'_>) -> Vec<Vec<u8>> {
    package.files().files().iter().map(|file| file.name().into()).collect()
}

/// The hook that begins to run: its name, its number and how many there are.
pub(crate) fn hook(event: &alpm::AnyEvent<'_>) -> Option<(String, usize, usize)> {
    match event.event() {
        alpm::Event::HookRunStart(hook) => {
            Some((hook.name().to_owned(), hook.position(), hook.total()))
        }
        _ => None,
    }
}

/// Is the file, a path without its first slash, one of the package?
pub(crate) fn has_file(package: Package<'_>, path: &str) -> bool {
    package.files().contains(path).is_some()
}

/// How many files and how many configuration files it has.
pub(crate) fn counts(package: Package<'_>) -> (usize, usize) {
    (package.files().files().len(), package.backup().into_iter().count())
}
