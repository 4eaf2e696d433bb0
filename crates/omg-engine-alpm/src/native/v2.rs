//! libalpm 13: pacman 6.0, as Debian 12 has it.

pub(crate) use alpm_2 as alpm;

use super::{Missing, Unprepared, notation};

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
