//! The libalpm that this build links, under one set of names.
//!
//! The crates for libalpm 13 and for 15 and later have the same methods on differently written types:
//! `Package<'h>` there is `&'h Package` here. Aliases make one source of them; what no alias can bridge
//! is a function in `v2` or `v4`.

#[cfg(not(any(feature = "alpm13", feature = "alpm15", feature = "alpm16")))]
compile_error!("choose a libalpm: one of the features alpm13, alpm15 and alpm16");
#[cfg(any(
    all(feature = "alpm13", feature = "alpm15"),
    all(feature = "alpm13", feature = "alpm16"),
    all(feature = "alpm15", feature = "alpm16")
))]
compile_error!("alpm13, alpm15 and alpm16 exclude each other: a program can link one libalpm");

#[cfg(feature = "alpm13")]
mod v2;
#[cfg(all(any(feature = "alpm15", feature = "alpm16"), not(feature = "alpm13")))]
mod v4;

#[cfg(feature = "alpm13")]
pub(crate) use v2::{
    Database, Package, Relation, alpm, commit, conflict, counts, file_name, files, has_file, hook,
    of_group, prepare, satisfier, satisfier_in, set_reason,
};
#[cfg(all(any(feature = "alpm15", feature = "alpm16"), not(feature = "alpm13")))]
pub(crate) use v4::{
    Database, Package, Relation, alpm, commit, conflict, counts, file_name, files, has_file, hook,
    of_group, prepare, satisfier, satisfier_in, set_reason,
};

/// Why libalpm did not prepare a transaction.
#[derive(Debug)]
pub(crate) enum Unprepared {
    /// Dependencies that nothing fulfils.
    Missing(Vec<Missing>),
    /// Two packages that exclude each other, and over what.
    Conflicts(Vec<(String, String, String)>),
    /// Packages of an architecture that this system does not have. libalpm says which in a list that
    /// the crates type wrongly; [`crate::failure`] finds them itself.
    Architecture,
    /// Anything else.
    Other(alpm::Error),
}

/// A dependency that nothing fulfils.
#[derive(Debug)]
pub(crate) struct Missing {
    /// Who has it.
    pub(crate) package: String,
    /// What it is.
    pub(crate) wanted: String,
    /// Name of what is wanted.
    pub(crate) name: String,
    /// The package that goes or changes, so that it is no longer fulfilled.
    pub(crate) by: Option<String>,
}

/// Why libalpm did not carry out a transaction.
#[derive(Debug)]
pub(crate) struct Uncommitted {
    pub(crate) error: alpm::Error,
    /// Files that are in the way.
    pub(crate) conflicts: Vec<FileInTheWay>,
    /// Packages that are not what they must be.
    pub(crate) invalid: Vec<String>,
}

/// A file that is in the way. Whose it is the crate for libalpm 13 says wrongly.
#[derive(Debug)]
pub(crate) struct FileInTheWay {
    /// The package that comes.
    pub(crate) package: String,
    /// Absolute path.
    pub(crate) path: String,
    /// It is in the way of another package that comes, not of what is there.
    pub(crate) coming: bool,
}

/// A relation in pacman's notation, without its description: `bar>=2`.
pub(crate) fn notation(relation: &Relation<'_>) -> String {
    use alpm::DepModVer::{Any, Eq, Ge, Gt, Le, Lt};
    let name = relation.name();
    match relation.depmodver() {
        Any => name.to_owned(),
        Eq(version) => format!("{name}={version}"),
        Ge(version) => format!("{name}>={version}"),
        Le(version) => format!("{name}<={version}"),
        Gt(version) => format!("{name}>{version}"),
        Lt(version) => format!("{name}<{version}"),
    }
}

/// Does the package fulfil the relation, by its name or by what it provides? As libalpm's
/// `_alpm_depcmp` decides.
pub(crate) fn fulfils(package: Package<'_>, wanted: &Relation<'_>) -> bool {
    if package.name() == wanted.name() && within(package.version(), wanted) {
        return true;
    }
    package.provides().into_iter().any(|provided| {
        provided.name() == wanted.name()
            && match (wanted.depmod(), provided.depmodver()) {
                (alpm::DepMod::Any, _) => true,
                (_, alpm::DepModVer::Eq(version)) => within(version, wanted),
                _ => false,
            }
    })
}

pub(crate) fn within(version: &alpm::Ver, wanted: &Relation<'_>) -> bool {
    use alpm::DepModVer::{Any, Eq, Ge, Gt, Le, Lt};
    match wanted.depmodver() {
        Any => true,
        Eq(limit) => version.vercmp(limit).is_eq(),
        Ge(limit) => version.vercmp(limit).is_ge(),
        Le(limit) => version.vercmp(limit).is_le(),
        Gt(limit) => version.vercmp(limit).is_gt(),
        Lt(limit) => version.vercmp(limit).is_lt(),
    }
}
