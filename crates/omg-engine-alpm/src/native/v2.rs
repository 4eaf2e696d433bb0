//! libalpm 13: pacman 6.0, as Debian 12 has it.

pub(crate) use alpm_2 as alpm;

use super::{FileInTheWay, Missing, Uncommitted, Unprepared, notation};

pub(crate) type Package<'h> = alpm::Package<'h>;
pub(crate) type Relation<'h> = alpm::Dep<'h>;
pub(crate) type Database<'h> = alpm::Db<'h>;

/// What pacman would install for `wanted` out of any repository. May ask which provider.
pub(crate) fn satisfier<'h>(handle: &'h alpm::Alpm, wanted: &str) -> Option<Package<'h>> {
    handle.syncdbs().find_satisfier(wanted)
}

/// The same out of one repository.
pub(crate) fn satisfier_in<'h>(
    handle: &'h alpm::Alpm,
    database: Database<'h>,
    wanted: &str,
) -> Option<Package<'h>> {
    let mut one = alpm::AlpmListMut::new(handle);
    one.push(database);
    one.find_satisfier(wanted)
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
    let mut one = alpm::AlpmListMut::new(handle);
    one.push(database);
    handle.find_group_pkgs(one.as_list(), name).into_iter().collect()
}

/// Names of the two sides: the coming package and the installed one.
pub(crate) fn conflict(question: &alpm::ConflictQuestion<'_>) -> (String, String) {
    let conflict = question.conflict();
    (conflict.package1().to_owned(), conflict.package2().to_owned())
}

pub(crate) fn prepare(handle: &mut alpm::Alpm) -> Result<(), Unprepared> {
    use alpm::PrepareResult::{ConflictingDeps, Ok as Nothing, PkgInvalidArch, UnsatisfiedDeps};
    let Err((data, error)) = handle.trans_prepare() else { return Ok(()) };
    Err(match data {
        UnsatisfiedDeps(list) => Unprepared::Missing(
            list.iter()
                .map(|missing| Missing {
                    package: missing.target().to_owned(),
                    wanted: notation(&missing.depend()),
                    name: missing.depend().name().to_owned(),
                    by: missing.causing_pkg().map(str::to_owned),
                })
                .collect(),
        ),
        ConflictingDeps(list) => Unprepared::Conflicts(
            list.iter()
                .map(|conflict| {
                    let (one, other) = (conflict.package1(), conflict.package2());
                    (one.to_owned(), other.to_owned(), notation(&conflict.reason()))
                })
                .collect(),
        ),
        PkgInvalidArch(_) => Unprepared::Architecture,
        Nothing => Unprepared::Other(error),
    })
}

pub(crate) fn commit(handle: &mut alpm::Alpm) -> Result<(), Uncommitted> {
    use alpm::CommitResult::{FileConflict, Ok as Nothing, PkgInvalid};
    let Err((data, error)) = handle.trans_commit() else { return Ok(()) };
    let (mut conflicts, mut invalid) = (Vec::new(), Vec::new());
    match data {
        FileConflict(list) => conflicts.extend(list.iter().map(|one| in_the_way(&one))),
        PkgInvalid(list) => invalid.extend(list.iter().map(ToOwned::to_owned)),
        Nothing => {}
    }
    Err(Uncommitted { error, conflicts, invalid })
}

fn in_the_way(one: &alpm::FileConflict<'_>) -> FileInTheWay {
    FileInTheWay {
        package: one.target().to_owned(),
        path: one.file().to_owned(),
        coming: matches!(one.conflict_type(), alpm::FileConflictType::Target),
    }
}

pub(crate) fn set_reason(
    mut package: Package<'_>,
    reason: alpm::PackageReason,
) -> Result<(), alpm::Error> {
    package.set_reason(reason)
}

/// Name of the file that a repository has it in.
pub(crate) fn file_name(package: Package<'_>) -> Option<&str> {
    Some(package.filename()).filter(|name| !name.is_empty())
}

/// Paths of its files, without the first slash.
pub(crate) fn files(package: &alpm::LoadedPackage<'_>) -> Vec<Vec<u8>> {
    package.files().files().iter().map(|file| file.name().into()).collect()
}

/// The hook that begins to run: its name, its number and how many there are. The crate for libalpm 13
/// does not say.
pub(crate) fn hook(_event: &alpm::AnyEvent<'_>) -> Option<(String, usize, usize)> {
    None
}

/// Is the file, a path without its first slash, one of the package?
pub(crate) fn has_file(package: Package<'_>, path: &str) -> bool {
    package.files().contains(path).is_ok_and(|file| file.is_some())
}

/// How many files and how many configuration files it has.
pub(crate) fn counts(package: Package<'_>) -> (usize, usize) {
    (package.files().files().len(), package.backup().into_iter().count())
}
