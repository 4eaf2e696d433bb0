//! Why libalpm did not prepare a transaction, in words.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::handle::Handle;
use crate::native::{Missing, Unprepared};

/// Lines of output of scripts that a failure shows.
pub(crate) const OUTPUT_LINES: usize = 12;

/// Asks the handle, whose transaction is still open, for what the list leaves out.
pub(crate) fn explain(handle: &Handle, unprepared: Unprepared) -> Error {
    match unprepared {
        Unprepared::Missing(missing) => unsatisfied(handle, &missing),
        Unprepared::Conflicts(conflicts) => Error::Unsolvable {
            message: "packages that exclude each other would be installed",
            causes: conflicts
                .into_iter()
                .map(|(one, other, over)| {
                    if over == one || over == other {
                        format!("{one} and {other} are in conflict")
                    } else {
                        format!("{one} and {other} are in conflict ({over})")
                    }
                })
                .collect(),
            hint: None,
        },
        Unprepared::Architecture => wrong_architecture(handle),
        Unprepared::Other(error) => handle.failed("preparing the transaction", error),
    }
}

fn unsatisfied(handle: &Handle, missing: &[Missing]) -> Error {
    let failed: BTreeSet<&str> = missing.iter().map(|one| one.package.as_str()).collect();
    let removing = handle.alpm.trans_add().is_empty();
    let causes = causes(handle, &failed, missing);
    if !removing {
        return Error::Unsolvable { message: "dependencies can't be met", causes, hint: None };
    }
    let mut together: Vec<&str> =
        handle.alpm.trans_remove().into_iter().map(|going| going.name()).collect();
    together.extend(failed);
    let hint = format!("omg remove {}", together.join(" "));
    Error::Unsolvable { message: "installed packages need it", causes, hint: Some(hint) }
}

/// One line each, what is at the bottom of it before what follows from that.
fn causes(handle: &Handle, failed: &BTreeSet<&str>, missing: &[Missing]) -> Vec<String> {
    let follows = |one: &&Missing| one.by.is_none() && fails_itself(handle, failed, &one.name);
    let (later, first): (Vec<&Missing>, Vec<&Missing>) = missing.iter().partition(follows);
    let mut seen = BTreeSet::new();
    let ordered = first.into_iter().chain(later);
    ordered
        .map(|one| cause(handle, failed, one))
        .filter(|cause| seen.insert(cause.clone()))
        .collect()
}

/// Is what has or provides the name among what can't be had?
fn fails_itself(handle: &Handle, failed: &BTreeSet<&str>, name: &str) -> bool {
    let provides = |package: &&str| {
        handle.alpm.syncdbs().into_iter().any(|database| {
            database.pkg(*package).is_ok_and(|package| {
                package.provides().into_iter().any(|provided| provided.name() == name)
            })
        })
    };
    failed.contains(name) || failed.iter().any(provides)
}

fn cause(handle: &Handle, failed: &BTreeSet<&str>, missing: &Missing) -> String {
    let Missing { package, wanted, name, by } = missing;
    if let Some(by) = by {
        let coming = handle.alpm.trans_add().into_iter().find(|coming| coming.name() == by);
        return match coming {
            Some(coming) => {
                let version = coming.version();
                format!("installing {by} {version} breaks '{wanted}', which {package} requires")
            }
            None => format!("removing {by} breaks '{wanted}', which {package} requires"),
        };
    }
    if fails_itself(handle, failed, name) {
        return format!("{package} requires {wanted}, which can't be installed");
    }
    let others: Vec<String> = handle
        .alpm
        .syncdbs()
        .into_iter()
        .filter_map(|database| {
            let other = database.pkg(name.as_str()).ok()?;
            Some(format!("{} has {}", database.name(), other.version()))
        })
        .collect();
    if others.is_empty() {
        format!("{package} requires {wanted}, which no repository has")
    } else {
        format!("{package} requires {wanted}, and {}", others.join(", "))
    }
}

fn wrong_architecture(handle: &Handle) -> Error {
    let ours = &handle.conf.architectures;
    let causes = handle
        .alpm
        .trans_add()
        .into_iter()
        .filter_map(|package| {
            let architecture = package.arch()?;
            let fits = architecture == "any" || ours.iter().any(|one| one == architecture);
            (!fits).then(|| {
                format!(
                    "{} {} is for {architecture}, and this system takes {}",
                    package.name(),
                    package.version(),
                    ours.join(", ")
                )
            })
        })
        .collect();
    Error::Unsolvable { message: "a package is for another architecture", causes, hint: None }
}
